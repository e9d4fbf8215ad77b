"""The process that trains the trials of a sweep, one after the other: ``python -m mien.train.sweep.worker``.

It knows nothing of the search. A task comes as a line of JSON on standard input: ``recipe, data, out, device``. Lines
of JSON go back on standard output: ``{"at": [done, total]}`` while it works, ``{"epoch", "value"}`` after each
epoch, which waits for ``{"is_poor"}``, and at last ``{"complete"}``, ``{"pruned"}`` or ``{"failed", "is_fatal"}``. When
the input ends, the sweep has gone, and so does the worker, at once: a run that is cut off goes on exactly.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

import torch

from mien.errors import ManifestError, MienError, MissingExtra
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.report.history import plot_history
from mien.rundir import RunDir
from mien.train.run import train
from mien.train.sweep.outcome import result
from mien.train.watch import Board

#: Seconds between two messages about the same epoch: a bar needs no more.
PAUSE_S = 0.3


class Poor(Exception):
    """The sweep gives this trial up."""


class Line:
    """The connection with the sweep."""

    def __init__(self, source: TextIO, target: TextIO) -> None:
        self.source, self.target = source, target
        self.tasks: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, **message: Any) -> None:
        """Send one message."""
        self.target.write(json.dumps(message) + "\n")
        self.target.flush()

    def hear(self) -> dict[str, Any]:
        """Wait for the next message."""
        return self.tasks.get()

    def _listen(self) -> None:
        for line in self.source:
            self.tasks.put(json.loads(line))
        os._exit(0)


class Teller:
    """Watcher that tells the sweep of each epoch and asks whether to go on."""

    def __init__(self, line: Line, metric: str, epochs: int) -> None:
        self.line, self.metric, self.epochs = line, metric, epochs
        self.told = 0.0

    def step(self, epoch: int, step: int, steps: int, logs: Mapping[str, float]) -> None:
        """Move the bar."""
        if time.monotonic() - self.told > PAUSE_S:
            self.told = time.monotonic()
            self.line.say(at=[(epoch - 1) * steps + step, self.epochs * steps])

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Report and ask."""
        self.line.say(epoch=record["epoch"], value=record["val"][self.metric])
        if self.line.hear()["is_poor"]:
            raise Poor


def run_trial(task: Mapping[str, Any], manifest: Manifest, line: Line) -> None:
    """Train one trial and say how it ended."""
    recipe = Recipe.model_validate(task["recipe"])
    run = RunDir(task["out"])
    boards: list[Board] = []

    def watch(run: RunDir, recipe: Recipe, epoch: int) -> list[Any]:
        boards.append(Board(run, epoch))
        return [boards[0], Teller(line, recipe.runtime.metric, recipe.epochs)]

    try:
        train(
            recipe,
            manifest,
            run.path,
            device=task["device"],
            watch=watch,
            progress=lambda what, done, total: line.say(at=[done, total]),
            say=lambda text: print(text, flush=True),
        )
    except Poor:
        shutil.rmtree(run.cache, ignore_errors=True)  # decoded pictures; the log and the weights stay
        line.say(pruned=result(run, recipe))
    else:
        line.say(complete=result(run, recipe))
    finally:
        for board in boards:
            board.writer.close()
        if run.log.exists():
            plot_history(run.epochs(), run.history)
        gc.collect()
        torch.cuda.empty_cache()


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the sweep decides
    line = Line(sys.stdin, os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # whatever a library prints goes into the log, not between the messages
    torch.set_num_threads(int(sys.argv[1]))
    manifests: dict[str, Manifest] = {}
    while True:
        task = line.hear()
        try:
            if task["data"] not in manifests:
                manifests[task["data"]] = Manifest.load(task["data"])
            run_trial(task, manifests[task["data"]], line)
        except MienError as error:
            line.say(failed=str(error), is_fatal=isinstance(error, (ManifestError, MissingExtra)))
        except Exception as error:  # one trial of many: the sweep notes it with its reason and goes on
            sys.excepthook(type(error), error, error.__traceback__)
            line.say(failed=f"{type(error).__name__}: {error}", is_fatal=False)


if __name__ == "__main__":
    main()
