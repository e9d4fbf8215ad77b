"""Scores out of fold: every picture is scored by a model that has not learned from it.

The rows of a split are dealt to K parts; each part is scored by a model that was trained on the others. Rows of one
person, and identical pictures, stay in one part. Nothing is chosen by the part that is left out: each training runs to
the end of its schedule. A run that was stopped goes on when the same call is made again.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from mien.data.split import ALL, split_whole
from mien.errors import ManifestError, RecipeError
from mien.evaluate.run import score_model
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.runtime.network import Network
from mien.scores import Scores
from mien.train.shortcut import say, start


def out_of_fold(
    recipe: Recipe,
    manifest: Manifest,
    out: str | os.PathLike[str],
    console: Console,
    *,
    folds: int = 5,
    split: str | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Scores:
    """Train on all folds but one, in turn, and score the one that is left out.

    Args:
        recipe: how each model is trained; its last epoch counts, whatever ``runtime.select`` says.
        manifest: the data.
        out: folder of the runs; also ``scores.npz``, all folds together.
        console: where lines go.
        folds: how many.
        split: whose rows are scored; by default the recipe's ``data.train``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: of scoring; None for one per core.

    Raises:
        RecipeError: the recipe looks at val while it trains (plateau, early stopping).
        ManifestError: fewer labelled rows than folds, or pictures that cannot be read.
        RunError: ``out`` holds runs of another recipe or of other data.
    """
    out = Path(out)
    recipe = _blind(recipe)
    dealt = fold_of(manifest.split(split or recipe.data.train), folds, recipe.runtime.seed)
    parts = []
    for number, name in enumerate(_names(folds), 1):
        is_held = (dealt.frame["split"] == name).to_numpy()
        data = dealt.with_columns(split=np.where(is_held, recipe.data.val, recipe.data.train))
        say(
            console,
            f"fold {number} of {folds}: {int((~is_held).sum())} pictures to learn from, {int(is_held.sum())} left out",
        )
        run = start(recipe, data, out / name, console, device=device).run
        kept = run.scores
        if kept.exists():
            parts.append(Scores.load(kept))
            continue
        parts.append(score_model(Network(run.model, threads), data, split=recipe.data.val, threads=threads, out=kept))
    scores = _join(parts, manifest, {"folds": folds, "recipe": recipe.name, "split": split or recipe.data.train})
    scores.save(out / "scores.npz")
    return scores


def fold_of(manifest: Manifest, folds: int, seed: int) -> Manifest:
    """Deal the labelled rows to splits ``fold-1`` ... ``fold-K``, classes in the same shares.

    Raises:
        ManifestError: fewer labelled rows than folds.
    """
    labelled = manifest.take(np.flatnonzero(manifest.targets() >= 0))
    if len(labelled) < folds:
        raise ManifestError(f"{len(labelled)} labelled rows cannot be dealt to {folds} folds")
    return split_whole(labelled, dict.fromkeys(_names(folds), 1.0), of=ALL, seed=seed)


def _names(folds: int) -> list[str]:
    return [f"fold-{number}" for number in range(1, folds + 1)]


def _blind(recipe: Recipe) -> Recipe:
    """The recipe, with nothing in it that looks at the part that is left out."""
    runtime = recipe.runtime.model_copy(update={"select": "last", "early_stop": None})
    changed = recipe.model_copy(update={"runtime": runtime})
    mistakes = []
    for stage in changed.stages():
        if stage.schedule.name == "plateau":
            mistakes.append(
                "schedule.name: plateau looks at the pictures that are left out; --set schedule.name=cosine"
            )
        if stage.runtime.early_stop is not None or stage.runtime.select != "last":
            mistakes.append("phases: a phase stops or chooses by the pictures that are left out; take that out of it")
    if mistakes:
        raise RecipeError(recipe.name, sorted(set(mistakes)))
    return changed


def _join(parts: list[Scores], manifest: Manifest, facts: dict[str, Any]) -> Scores:
    """All rows of all parts, one after the other."""
    names = ("logits", "targets", "ids", "votes", "other_votes", "splits", "domains", "subjects", "member_weights")
    arrays: dict[str, Any] = {
        name: None if getattr(parts[0], name) is None else np.concatenate([getattr(part, name) for part in parts])
        for name in names
    }
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    splits = np.full(len(arrays["ids"]), facts["split"])
    unknown: dict[str, int] = {}
    for part in parts:
        for name, count in part.about.get("unknown_labels", {}).items():
            unknown[name] = unknown.get(name, 0) + count
    about = {
        **{name: parts[0].about[name] for name in ("classes", "date", "versions", "biases", "temperature")},
        "manifest": manifest.digest(),
        "rows": sum(part.about["rows"] for part in parts),
        "unlabelled": 0,
        "unknown_labels": unknown,
        "problems": [problem for part in parts for problem in part.about["problems"]],
        **facts,
    }
    model = f"{facts['recipe']}, out of {facts['folds']} folds"
    return replace(parts[0], **{**arrays, "splits": splits, "columns": columns}, model=model, about=about)
