"""Who looks on while a run goes: a progress bar with each epoch's numbers, TensorBoard, the curves as a picture."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from mien.recipe import Recipe
from mien.report.history import plot_history
from mien.rundir import RunDir
from mien.train.fit import Watcher

#: Validation numbers on the epoch's line.
SHARES = ("accuracy", "balanced_accuracy", "macro_f1")
#: Least time between two drawings of the curves.
PAUSE_S = 5.0


class Bar:
    """A bar per epoch, then a line with loss, accuracy and the recall of every class."""

    def __init__(self, console: Console, epochs: int) -> None:
        self.console = console
        self.epochs = epochs
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[logs]}"),
            console=console,
            transient=True,
        )
        self.task: Any = None

    def step(self, epoch: int, step: int, steps: int, logs: Mapping[str, float]) -> None:
        """Move the bar."""
        if not self.console.is_terminal:  # a file or a notebook: nothing can move there
            return
        if self.task is None:
            self.progress.start()
            self.task = self.progress.add_task(f"epoch {epoch}/{self.epochs}", total=steps, logs="")
        shown = "  ".join(f"{name} {value:.3f}" for name, value in logs.items())
        self.progress.update(self.task, completed=step, total=steps, logs=shown)

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Print the epoch's line."""
        if self.task is not None:
            self.progress.stop()
            self.progress.remove_task(self.task)
            self.task = None
        val = record["val"]
        phase = f"  {record['phase']}" if "phase" in record else ""
        loss = f", val {val['loss']:.3f}" if "loss" in val else ""
        shares = "  ".join(f"{name.replace('_', ' ')} {val[name]:.1%}" for name in SHARES if name in val)
        if "psnr" in val:
            shares = f"PSNR {val['psnr']:.2f} dB (bicubic {val['bicubic_psnr']:.2f})  SSIM {val['ssim']:.4f}"
        if "fid" in val:
            shares = f"FID {val['fid']:.2f}  KID {val['kid']:.4f}"
        self.console.print(
            f"[bold]epoch {record['epoch']}/{self.epochs}[/bold]{phase}  loss {record['train']['loss']:.3f}"
            f"{loss}  {shares}  "
            f"{record['images_per_second']:.0f} images/s{'  [green]best[/green]' if record['best'] else ''}",
            highlight=False,
        )
        if "recall" in val:
            recall = "  ".join(f"{name} {value:.0%}" for name, value in val["recall"].items())
            self.console.print(f"  [dim]recall  {recall}[/dim]", highlight=False)


class Decoding:
    """A bar for each piece of work before the first epoch: pictures are decoded, teachers are asked."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress: Progress | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Move the bar; it goes away when all is done."""
        if not self.console.is_terminal:
            return
        if self.progress is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self.progress = Progress(*columns, console=self.console, transient=True)
            self.progress.add_task(what, total=total)
            self.progress.start()
        self.progress.update(self.progress.task_ids[0], completed=done)
        if done == total:
            self.progress.stop()
            self.progress = None


class Board:
    """TensorBoard; numbers of epochs that a killed run had written and a resumed one repeats are purged."""

    def __init__(self, run: RunDir, epoch: int) -> None:
        self.writer = SummaryWriter(str(run.tensorboard), purge_step=epoch + 1)

    def step(self, epoch: int, step: int, steps: int, logs: Mapping[str, float]) -> None:
        """Epochs are enough."""

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Write every number of the epoch."""
        for name, value in _flat(record):
            self.writer.add_scalar(name, value, record["epoch"])
        self.writer.flush()


class Curves:
    """Redraws the history plot after an epoch, but not all the time: drawing can take longer than a small epoch."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.drawn_s = -math.inf

    def step(self, epoch: int, step: int, steps: int, logs: Mapping[str, float]) -> None:
        """Epochs are enough."""

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Draw."""
        if time.monotonic() - self.drawn_s > PAUSE_S:
            plot_history(self.run.epochs(), self.run.history)
            self.drawn_s = time.monotonic()


class Lines:
    """Every epoch as a line of JSON on the standard output."""

    def step(self, epoch: int, step: int, steps: int, logs: Mapping[str, float]) -> None:
        """Epochs are enough."""

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Print."""
        print(json.dumps(record), flush=True)


def watchers(console: Console, *, as_json: bool = False) -> Callable[[RunDir, Recipe, int], list[Watcher]]:
    """All that look on in a run from the command line."""

    def make(run: RunDir, recipe: Recipe, epoch: int) -> list[Watcher]:
        return [Lines() if as_json else Bar(console, recipe.epochs), Board(run, epoch), Curves(run)]

    return make


def _flat(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in record.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and name != "epoch":
            found.append((prefix + name, float(value)))
    return found
