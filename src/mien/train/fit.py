"""The one training loop.

It knows nothing of what is learned: a task yields losses, the loop does precision, accumulation, backward,
clipping, steps, schedule, moving average, validation, checkpoints, early stopping and exact resume.
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from mien.atomic import write_text
from mien.errors import RunError
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import state
from mien.train.average import Average
from mien.train.loader import Loader
from mien.train.schedules import Plateau
from mien.train.tables import OPTIMIZERS, SCHEDULES
from mien.train.tasks import Task


class Watcher(Protocol):
    """Somebody who looks on: a progress bar, TensorBoard."""

    def step(self, epoch: int, step: int, steps: int, logs: Mapping[str, float]) -> None:
        """After every batch; ``logs`` are the epoch's means so far."""
        ...

    def epoch(self, record: Mapping[str, Any]) -> None:
        """After every epoch, with the line that goes into the log."""
        ...


@dataclass
class Progress:
    """Where a run stands; saved in every checkpoint."""

    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def observe(self, value: float) -> bool:
        """Count one more epoch; true when it is the best so far."""
        self.epoch += 1
        if value <= self.best:
            return False
        self.best, self.best_epoch = value, self.epoch
        return True


class Means:
    """Running means of what the updates log, kept on the device until they are read."""

    def __init__(self) -> None:
        self.sums: dict[str, torch.Tensor] = {}
        self.counts: dict[str, int] = defaultdict(int)

    def add(self, logs: Mapping[str, torch.Tensor]) -> None:
        """Take in one update."""
        for name, value in logs.items():
            self.sums[name] = self.sums[name] + value.detach() if name in self.sums else value.detach().clone()
            self.counts[name] += 1

    def read(self) -> dict[str, float]:
        """The means so far."""
        return {name: float(total) / self.counts[name] for name, total in self.sums.items()}


class Fit:
    """One run of the loop.

    Args:
        task: what a step computes.
        loader: the training batches.
        recipe: optimiser, schedule and runtime are read from it.
        run: where checkpoints and the log go; a checkpoint that lies there is resumed.
        watchers: who looks on.
        fabric: precision and devices.
    """

    def __init__(
        self, task: Task, loader: Loader, recipe: Recipe, run: RunDir, watchers: list[Watcher], fabric: Fabric
    ) -> None:
        self.task, self.loader, self.recipe, self.run = task, loader, recipe, run
        self.watchers, self.fabric = watchers, fabric
        make_optimizer = OPTIMIZERS.load(recipe.optimizer.name)
        self.modules = {name: part.to(memory_format=torch.channels_last) for name, part in task.parts().items()}
        self.parts: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Any] = {}
        for name, module in self.modules.items():
            self.parts[name], self.optimizers[name] = fabric.setup(module, make_optimizer(recipe.optimizer, module))
        self.average = Average(self.modules, recipe.runtime.ema) if recipe.runtime.ema else None
        self.factor = SCHEDULES.load(recipe.schedule.name)
        self.plateau = Plateau(recipe.schedule) if recipe.schedule.name == "plateau" else None
        self.progress = Progress()
        self.steps_per_epoch = math.ceil(len(loader) / recipe.runtime.accumulate)
        if run.last.exists():
            self._restore(state.load(run.last))

    def __call__(self) -> Progress:
        """Train to the end; weights of the chosen epoch are in ``run.best``."""
        runtime = self.recipe.runtime
        last = min(self.recipe.schedule.epochs, runtime.stop_after or self.recipe.schedule.epochs)
        while self.progress.epoch < last and not self._is_stalled():
            epoch = self.progress.epoch + 1
            torch.manual_seed(_epoch_seed(runtime.seed, epoch))  # dropout and policies: nothing to store for a resume
            began = time.perf_counter()
            train = self._epoch(epoch)
            seconds = time.perf_counter() - began
            val = self.task.validate(self.average.parts if self.average else self.modules)
            metric = val[runtime.metric]
            is_best = self.progress.observe(metric)
            if self.plateau:
                self.plateau.observe(metric)
            record = {
                "epoch": epoch,
                "train": train,
                "val": val,
                "lr": self._rate(epoch * self.steps_per_epoch),
                "seconds": round(seconds, 3),
                "images_per_second": round(len(self.loader) * self.loader.batch / seconds, 1),
                "best": is_best,
            }
            self.progress.history.append(record)
            self._keep(is_best or runtime.select == "last")
            for watcher in self.watchers:
                watcher.epoch(record)
        return self.progress

    def _is_stalled(self) -> bool:
        patience = self.recipe.runtime.early_stop
        return patience is not None and self.progress.epoch - self.progress.best_epoch >= patience

    def _rate(self, step: int) -> float:
        """The learning rate of an optimiser step, counted over the whole run."""
        total = self.recipe.schedule.epochs * self.steps_per_epoch
        cut = self.plateau.state["factor"] if self.plateau else 1.0
        return self.recipe.optimizer.rate * float(self.factor(self.recipe.schedule, min(step / total, 1.0))) * cut

    def _epoch(self, epoch: int) -> dict[str, float]:
        accumulate, batches = self.recipe.runtime.accumulate, len(self.loader)
        step = (epoch - 1) * self.steps_per_epoch
        means = Means()
        for part in self.parts.values():
            part.train()
        for number, batch in enumerate(self.loader.epoch(epoch), start=1):
            first = (number - 1) // accumulate * accumulate
            together = min(accumulate, batches - first)  # the last group may be smaller
            is_step = number - first == together
            for update in self.task.updates(self.parts, batch):
                self.fabric.backward(update.loss / together)
                means.add({"loss": update.loss, **update.logs})
                if is_step:
                    self._move(update.part, self._rate(step))
            if is_step:
                step += 1
                if self.average:
                    self.average.update(self.modules)
            if number % 10 == 0 or number == batches:  # not each time: reading the means waits for the device
                logs = means.read()
                if not math.isfinite(logs["loss"]):
                    raise RunError(
                        f"{self.run.path}: the loss is {logs['loss']} in epoch {epoch}, batch {number}: "
                        "lower optimizer.rate, set runtime.clip, or use precision 32"
                    )
                for watcher in self.watchers:
                    watcher.step(epoch, number, batches, logs)
        return means.read()

    def _move(self, name: str, rate: float) -> None:
        optimizer = self.optimizers[name]
        for group in optimizer.param_groups:
            group["lr"] = rate
        if self.recipe.runtime.clip:
            self.fabric.clip_gradients(self.parts[name], optimizer, max_norm=self.recipe.runtime.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _keep(self, is_chosen: bool) -> None:
        chosen = self.average.parts if self.average else self.modules
        if is_chosen:
            parts = {name: part.state_dict() for name, part in chosen.items()}
            state.save(self.run.best, {"epoch": self.progress.epoch, "parts": parts})
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        state.save(
            self.run.last,
            {
                "parts": {name: part.state_dict() for name, part in self.modules.items()},
                "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
                "average": {name: part.state_dict() for name, part in self.average.parts.items()}
                if self.average
                else {},
                "average_steps": self.average.steps if self.average else 0,
                "plateau": self.plateau.state if self.plateau else {},
                "scaler": scaler.state_dict() if scaler else {},
                "progress": dict(vars(self.progress)),
            },
        )
        self._write_log()

    def _write_log(self) -> None:
        write_text(self.run.log, "".join(json.dumps(record) + "\n" for record in self.progress.history))

    def _restore(self, saved: dict[str, Any]) -> None:
        for name, module in self.modules.items():
            module.load_state_dict(saved["parts"][name])
            self.optimizers[name].load_state_dict(saved["optimizers"][name])
        if self.average:
            for name, part in self.average.parts.items():
                part.load_state_dict(saved["average"][name])
            self.average.steps = saved["average_steps"]
        if self.plateau:
            self.plateau.state = saved["plateau"]
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        if scaler and saved["scaler"]:
            scaler.load_state_dict(saved["scaler"])
        self.progress = Progress(**saved["progress"])
        self._write_log()  # the log of a killed run may lack the last line


def _epoch_seed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch) % 2**63
