"""A training and its scores on pictures that it has not seen: the piece that experiments of several trainings share.

What has ended is not done again: a finished run is left alone, and its scores are read when they belong to its model
and to the same pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mien.evaluate.run import score_model
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.runtime.network import Network
from mien.scores import Scores
from mien.train.shortcut import start


def train_and_score(
    recipe: Recipe,
    data: Manifest,
    out: Path,
    console: Console,
    *,
    test: Manifest,
    split: str,
    device: str = "auto",
    threads: int | None = None,
) -> Scores:
    """Train in the folder ``out`` and score a split; the scores lie beside the model.

    Args:
        recipe: the intent.
        data: what is learned from and chosen by.
        out: run folder.
        console: where lines go.
        test: holds the pictures to score.
        split: which of them.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: of scoring; None for one per core.
    """
    run = start(recipe, data, out, console, device=device).run
    if run.scores.exists() and _belongs(scores := Scores.load(run.scores), run, test, split):
        return scores
    return score_model(Network(run.model, threads), test, split=split, threads=threads, out=run.scores)


def train_seeds(
    recipe: Recipe,
    data: Manifest,
    out: Path,
    console: Console,
    *,
    seeds: Sequence[int],
    test: Manifest,
    split: str,
    device: str = "auto",
    threads: int | None = None,
) -> list[Scores]:
    """The same with several seeds, in ``out/seed-N``."""
    return [
        train_and_score(
            with_seed(recipe, seed),
            data,
            out / f"seed-{seed}",
            console,
            test=test,
            split=split,
            device=device,
            threads=threads,
        )
        for seed in seeds
    ]


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """The recipe with other draws."""
    return recipe.model_copy(update={"runtime": recipe.runtime.model_copy(update={"seed": seed})})


def _belongs(scores: Scores, run: RunDir, test: Manifest, split: str) -> bool:
    wanted = (hashlib.sha256(run.model.read_bytes()).hexdigest(), test.digest(), split)
    return (scores.about.get("model_sha256"), scores.about.get("manifest"), scores.about.get("split")) == wanted
