"""A whole training: manifest and recipe in, a run folder with an exported model out."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric

from mien.atomic import write_text
from mien.card import Card
from mien.data import cache
from mien.errors import ManifestError, RunError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build, state
from mien.train.augment.pipeline import Augmentation
from mien.train.export import export, versions
from mien.train.fit import Fit, Watcher
from mien.train.loader import Loader
from mien.train.nets.classifier import Classifier
from mien.train.targets import soft_targets
from mien.train.tasks.classify import Classify

PRECISION = {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def train(
    recipe: Recipe,
    manifest: Manifest,
    out: str | os.PathLike[str],
    *,
    device: str = "auto",
    fresh: bool = False,
    watch: Callable[[RunDir, Recipe, int], list[Watcher]] = lambda run, recipe, epoch: [],
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> RunDir:
    """Train a classifier, resume one that was interrupted, and export it.

    Args:
        recipe: the intent.
        manifest: the data; its splits named in ``recipe.data`` are used.
        out: run folder. One that holds an interrupted run of the same recipe and data is resumed.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fresh: delete what an earlier run left in ``out`` first.
        watch: makes the watchers, from the run, the recipe and the epochs already done.
        progress: called while pictures are decoded: what, done, in all.
        say: called with lines for the user.

    Returns:
        The run folder; ``run.model`` is the exported model.

    Raises:
        RunError: ``out`` holds another run, or the loss is no longer finite.
        RecipeError: names, options or weights of the recipe do not fit.
        ManifestError: the data cannot be used.
    """
    run = RunDir(out)
    if recipe.data.labels is not None:
        wanted = recipe.data.labels
        manifest = manifest.with_labels(Labels.named(wanted) if isinstance(wanted, str) else Labels.of(wanted))
    # everything that can be wrong shows before the folder is touched and before the long work
    learn, choose = (manifest.split(name) for name in (recipe.data.train, recipe.data.val))
    if recipe.data.per_class is not None:
        learn = learn.at_most(recipe.data.per_class, recipe.runtime.seed)
    learn.check_files()
    choose.check_files()
    torch.manual_seed(recipe.runtime.seed)
    net = build.classifier(recipe, len(manifest.labels))
    _claim(run, recipe, manifest, fresh)
    if run.is_done:
        say(f"{run.path}: this run has ended already; --fresh starts it again")
        return run
    faces = [
        cache.build(part, recipe.preprocess, run.cache / f"{name}.npy", partial(progress, name))
        for part, name in ((learn, recipe.data.train), (choose, recipe.data.val))
    ]
    for problem in (problem for part in faces for problem in part.problems):
        say(f"left out: {problem}")
    fabric = Fabric(accelerator=device, devices=1, precision=PRECISION[recipe.runtime.precision])  # type: ignore[arg-type]
    fabric.launch()
    targets = soft_targets(learn, recipe.data)[faces[0].rows]
    loader = Loader(faces[0].pixels, targets, recipe.runtime.batch, recipe.runtime.seed, fabric.device)
    truth = choose.targets()[faces[1].rows]
    if not (truth >= 0).any():
        raise ManifestError(f"no row of the split {recipe.data.val!r} has a label, so there is nothing to choose by")
    task = Classify(
        net,
        build.loss(recipe),
        Augmentation(recipe.augment, recipe.preprocess, recipe.schedule.epochs),
        recipe.preprocess,
        manifest.labels,
        faces[1].pixels[truth >= 0],
        truth[truth >= 0],
    )
    with warnings.catch_warnings():
        # Fabric warns of settings that it chooses itself
        warnings.filterwarnings("ignore", module="lightning_fabric.*")
        fit = Fit(task, loader, recipe, run, [], fabric)
        if fit.progress.epoch:
            say(f"resuming after epoch {fit.progress.epoch}")
        fit.watchers = watch(run, recipe, fit.progress.epoch)
        ended = fit()
    difference = export_run(run, net)
    run.write_json(
        run.done,
        {
            "epochs": ended.epoch,
            "chosen_epoch": ended.best_epoch if recipe.runtime.select == "best" else ended.epoch,
            "best": ended.best,
            "metric": recipe.runtime.metric,
            "seconds": round(sum(record["seconds"] for record in ended.history), 1),
            "parity": difference,
        },
    )
    shutil.rmtree(run.cache, ignore_errors=True)  # decoded pictures; only a run that goes on needs them
    return run


def export_run(run: RunDir, net: Classifier | None = None) -> float:
    """Export the chosen weights of a run to ``run.model``; returns the parity difference of a logit."""
    data = run.read_json(run.data)  # says so when this is no run folder
    recipe = Recipe.load(run.recipe)
    labels = Labels(tuple(data["classes"]), data["label_set"])
    if net is None:
        blank = recipe.model.model_copy(update={"weights": "none"})  # all weights come from the checkpoint
        net = build.classifier(recipe.model_copy(update={"model": blank}), len(labels))
    if not run.best.exists():
        raise RunError(f"{run.path}: no epoch has ended yet, so there is nothing to export")
    chosen = state.load(run.best)
    net.load_state_dict(chosen["parts"]["net"])
    record = next(record for record in run.epochs() if record["epoch"] == chosen["epoch"])
    card = Card(
        name=recipe.name,
        description=recipe.export.description,
        classes=labels.names,
        label_set=labels.id,
        preprocess=recipe.preprocess,
        flip=recipe.export.flip,
        recipe=recipe.model_dump(mode="json"),
        data=data,
        metrics={"selection": {"split": recipe.data.val, "rule": recipe.runtime.select, **_plain(record["val"])}},
        licence=recipe.export.licence,
        versions=versions(),
    )
    return export(net, card, run.model)


def _plain(val: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) for name, value in val.items() if isinstance(value, float)}


def _claim(run: RunDir, recipe: Recipe, manifest: Manifest, fresh: bool) -> None:
    """Make the folder this run's own, or see that it is."""
    counts = {str(split): int(count) for split, count in manifest.frame["split"].value_counts().items()}
    data = {
        "digest": manifest.digest(),
        "classes": list(manifest.labels.names),
        "label_set": manifest.labels.id,
        "rows": counts,
        "origin": {str(name): int(count) for name, count in manifest.frame["origin"].value_counts().items()},
    }
    if fresh:
        for path in (run.last, run.best, run.done, run.log, run.model, run.recipe, run.data):
            path.unlink(missing_ok=True)
    if run.recipe.exists() and run.last.exists():
        if run.recipe.read_text(encoding="utf-8") != recipe.to_yaml():
            raise RunError(f"{run.path}: holds a run of another recipe; choose another --out, or --fresh to replace it")
        if run.read_json(run.data)["digest"] != data["digest"]:
            raise RunError(f"{run.path}: holds a run on other data; choose another --out, or --fresh to replace it")
        return
    if run.path.exists() and any(run.path.iterdir()) and not (fresh or run.recipe.exists()):
        raise RunError(f"{run.path}: is not empty and not a run folder; choose another --out")
    run.path.mkdir(parents=True, exist_ok=True)
    run.write_json(run.data, data)
    write_text(run.recipe, recipe.to_yaml())
