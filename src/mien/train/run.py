"""A whole training: manifest and recipe in, a run folder with an exported model out."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric

from mien.atomic import write_text
from mien.errors import RecipeError, RunError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.metric import METRICS
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import state
from mien.train.fit import Fit, Progress, Watcher
from mien.train.lessons import Lesson
from mien.train.nets.start import origins
from mien.train.prior import taught
from mien.train.release import export_run
from mien.train.tables import TASKS

PRECISION = {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def train(
    recipe: Recipe,
    manifest: Manifest,
    out: str | os.PathLike[str],
    *,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    compiled: bool = False,
    fresh: bool = False,
    watch: Callable[[RunDir, Recipe, int], list[Watcher]] = lambda run, recipe, epoch: [],
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> RunDir:
    """Train what the recipe's task says, resume what was interrupted, and export it.

    Args:
        recipe: the intent.
        manifest: the data; its splits named in ``recipe.data`` are used.
        out: run folder. One that holds an interrupted run of the same recipe and data is resumed.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: processes on this machine, one per device; they share each batch.
        nodes: machines; each runs the same command, under torchrun or SLURM, and sees the same ``out``.
        compiled: compile the net with ``torch.compile``: slower to start, quicker afterwards.
        fresh: delete what an earlier run left in ``out`` first.
        watch: makes the watchers, from the run, the recipe and the epochs already done.
        progress: called while pictures are decoded and teachers asked: what, done, in all.
        say: called with lines for the user.

    Returns:
        The run folder; ``run.model`` is the exported model.

    Raises:
        RunError: ``out`` holds another run, the loss is no longer finite, or memory ran out.
        RecipeError: names, options or weights of the recipe do not fit.
        ManifestError: the data cannot be used.
    """
    run = RunDir(out)
    if recipe.data.labels is not None:
        wanted = recipe.data.labels
        manifest = manifest.with_labels(Labels.named(wanted) if isinstance(wanted, str) else Labels.of(wanted))
    stages = recipe.stages()
    world = devices * nodes
    if shares := [stage.runtime.batch for stage in stages if stage.runtime.batch % world]:
        raise RecipeError("recipe", [f"runtime.batch: {shares[0]} cannot be shared out evenly over {world} processes"])
    torch.manual_seed(recipe.runtime.seed)
    # everything that can be wrong shows before the folder is touched and before the long work
    lesson: Lesson = TASKS.load(recipe.task)(recipe, manifest, fresh or not run.last.exists())
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        strategy="ddp" if world > 1 else "auto",
        precision=PRECISION[recipe.runtime.precision],  # type: ignore[arg-type]
    )
    fabric.launch()  # from here on there may be several processes
    if not fabric.is_global_zero:
        watch, progress, say = (lambda run, recipe, epoch: []), (lambda what, done, total: None), (lambda line: None)
    with fabric.rank_zero_first():
        _claim(run, recipe, manifest, fresh and fabric.is_global_zero)
    if run.is_done:
        say(f"{run.path}: this run has ended already; --fresh starts it again")
        return run
    lesson.prepare(run, fabric, progress, say)
    if world > 1 and fabric.device.type == "cuda":
        for part, net in lesson.nets.items():  # on CPUs there is no such norm: each share counts by itself
            lesson.nets[part] = torch.nn.SyncBatchNorm.convert_sync_batchnorm(net)
    saved: Progress | None = Progress(**state.load(run.last)["progress"]) if run.last.exists() else None
    if saved is not None:
        say(f"resuming after epoch {saved.epoch}")
    watchers = watch(run, recipe, saved.epoch if saved else 0)
    ended = Progress()
    for number, stage in enumerate(stages):
        if saved is not None and number < saved.phase:
            continue  # that phase has ended, and its weights are in the checkpoint of this one
        if number and (saved is None or number > saved.phase):
            chosen = state.load(run.best)["parts"]
            for part, net in lesson.nets.items():
                net.load_state_dict(chosen[part])
            ended = ended.next_phase()
        elif saved is not None:
            ended = saved
        task, loader = lesson.phase(stage, fabric)
        name = recipe.phases[number].name if recipe.phases else ""
        with _advice_on_memory(run, stage), warnings.catch_warnings():
            # Fabric warns of settings that it chooses itself
            warnings.filterwarnings("ignore", module="lightning_fabric.*")
            ended = Fit(task, loader, stage, run, watchers, fabric, progress=ended, name=name, compiled=compiled)()
    if fabric.is_global_zero:
        _finish(run, stages[-1], ended)
    fabric.barrier()
    return run


def _finish(run: RunDir, recipe: Recipe, ended: Progress) -> None:
    """Export the chosen weights, say how the run ended, and clear away what only a run that goes on needs."""
    difference = export_run(run)
    run.write_json(
        run.done,
        {
            "epochs": ended.epoch,
            "chosen_epoch": ended.best_epoch if recipe.runtime.select == "best" else ended.epoch,
            "best": METRICS[recipe.runtime.metric].goodness(ended.best),
            "metric": recipe.runtime.metric,
            "seconds": round(sum(record["seconds"] for record in ended.history), 1),
            "parity": difference,
        },
    )
    shutil.rmtree(run.cache, ignore_errors=True)  # decoded pictures
    run.teacher.unlink(missing_ok=True)


@contextmanager
def _advice_on_memory(run: RunDir, recipe: Recipe) -> Iterator[None]:
    """Say which batch size to try when memory runs out."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError; so is the CPU's
        about_memory = ("out of memory", "not enough memory", "can't allocate memory")
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in about_memory):
            raise
        batch, accumulate = recipe.runtime.batch, recipe.runtime.accumulate
        raise RunError(
            f"{run.path}: out of memory with batches of {batch} at {recipe.preprocess.size_px} px: try "
            f"--set runtime.batch={max(batch // 2, 2)} --set runtime.accumulate={accumulate * 2}, which takes the same "
            "steps with half the memory"
        ) from error


def _claim(run: RunDir, recipe: Recipe, manifest: Manifest, fresh: bool) -> None:
    """Make the folder this run's own, or see that it is."""
    counts = {str(split): int(count) for split, count in manifest.frame["split"].value_counts().items()}
    data: dict[str, Any] = {
        "digest": manifest.digest(),
        "classes": list(manifest.labels.names),
        "label_set": manifest.labels.id,
        "rows": counts,
        "origin": {str(name): int(count) for name, count in manifest.frame["origin"].value_counts().items()},
    }
    if recipe.task == "classify":
        data["prior"] = taught(recipe, manifest)
    if fresh:
        for path in (run.last, run.best, run.done, run.log, run.model, run.recipe, run.data, run.teacher):
            path.unlink(missing_ok=True)
    if run.recipe.exists() and run.last.exists():
        if run.recipe.read_text(encoding="utf-8") != recipe.to_yaml():
            raise RunError(f"{run.path}: holds a run of another recipe; choose another --out, or --fresh to replace it")
        if run.read_json(run.data)["digest"] != data["digest"]:
            raise RunError(f"{run.path}: holds a run on other data; choose another --out, or --fresh to replace it")
        return
    if run.path.exists() and any(run.path.iterdir()) and not (fresh or run.recipe.exists()):
        raise RunError(f"{run.path}: is not empty and not a run folder; choose another --out")
    if begun := origins(recipe.model, recipe.preprocess) if recipe.task == "classify" else []:
        data["begun_with"] = begun
    run.path.mkdir(parents=True, exist_ok=True)
    run.write_json(run.data, data)
    write_text(run.recipe, recipe.to_yaml())
