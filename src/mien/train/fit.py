"""The one training loop.

It knows nothing of what is learned: a task yields losses, the loop does precision, accumulation, backward,
clipping, steps, schedule, averages of weights, validation, checkpoints, early stopping and exact resume.
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import torch
from lightning_fabric import Fabric
from torch import nn

from mien.atomic import write_text
from mien.errors import RunError
from mien.metric import METRICS
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import state
from mien.train.average import Average, Mean
from mien.train.loader import Batch, Loader
from mien.train.optim import freeze
from mien.train.schedules import Plateau
from mien.train.sharpness import uphill
from mien.train.tables import OPTIMIZERS, SCHEDULES
from mien.train.tasks import Task, Update


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
    """Where a run stands; saved in every checkpoint.

    Attributes:
        phase: number of the phase, from 0.
        before: epochs of the phases before.
        epoch: epochs done, over all phases.
        best: goodness of the best metric of this phase.
        best_epoch: when that was.
        history: the log's records, over all phases.
    """

    phase: int = 0
    before: int = 0
    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def next_phase(self) -> Progress:
        """The beginning of the phase after this one."""
        return Progress(self.phase + 1, self.epoch, self.epoch, best_epoch=self.epoch, history=self.history)

    def observe(self, value: float) -> bool:
        """Count one more epoch; true when it is the best so far."""
        self.epoch += 1
        if value <= self.best:
            return False
        self.best, self.best_epoch = value, self.epoch
        return True


class Means:
    """Running means of what the updates log, kept on the device until they are read."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.sums: dict[str, torch.Tensor] = {}
        self.counts: dict[str, int] = defaultdict(int)

    def add(self, logs: Mapping[str, torch.Tensor]) -> None:
        """Take in one update."""
        for name, value in logs.items():
            self.sums[name] = self.sums[name] + value.detach() if name in self.sums else value.detach().clone()
            self.counts[name] += 1

    def read(self) -> dict[str, float]:
        """The means so far, over all processes."""
        means = {name: total / self.counts[name] for name, total in self.sums.items()}
        return {name: float(cast(torch.Tensor, self.fabric.all_reduce(mean))) for name, mean in means.items()}


class Fit:
    """One phase of a run.

    Args:
        task: what a step computes.
        loader: the training batches.
        recipe: of this phase; optimiser, schedule and runtime are read from it.
        run: where checkpoints and the log go; a checkpoint of this phase that lies there is resumed.
        watchers: who looks on.
        fabric: precision and devices.
        progress: where the run stands at the start of this phase.
        name: of the phase, for the log.
        compiled: compile the parts with ``torch.compile``.
    """

    def __init__(
        self,
        task: Task,
        loader: Loader,
        recipe: Recipe,
        run: RunDir,
        watchers: list[Watcher],
        fabric: Fabric,
        *,
        progress: Progress | None = None,
        name: str = "",
        compiled: bool = False,
    ) -> None:
        self.task, self.loader, self.recipe, self.run = task, loader, recipe, run
        self.watchers, self.fabric, self.name = watchers, fabric, name
        make_optimizer = OPTIMIZERS.load(recipe.optimizer.name)
        self.modules = {part: module.to(memory_format=torch.channels_last) for part, module in task.parts().items()}
        self.frozen: list[nn.Module] = []
        self.parts: dict[str, Any] = {}
        self.optimizers: dict[str, Any] = {}
        for part, module in self.modules.items():
            self.frozen += freeze(module, recipe.optimizer)
            ready = cast(nn.Module, torch.compile(module)) if compiled else module
            self.parts[part], self.optimizers[part] = fabric.setup(ready, make_optimizer(recipe.optimizer, module))
        self.average = Average(self.modules, recipe.runtime.ema) if recipe.runtime.ema else None
        self.mean = Mean(self.modules) if recipe.runtime.swa else None
        self.factor = SCHEDULES.load(recipe.schedule.name)
        self.plateau = Plateau(recipe.schedule) if recipe.schedule.name == "plateau" else None
        self.progress = progress or Progress()
        self.steps_per_epoch = math.ceil(len(loader) / recipe.runtime.accumulate)
        if run.last.exists() and (saved := state.load(run.last))["progress"]["phase"] == self.progress.phase:
            self._restore(saved)

    def __call__(self) -> Progress:
        """Train to the end of the phase; weights of the chosen epoch are in ``run.best``."""
        runtime, epochs = self.recipe.runtime, self.recipe.schedule.epochs
        last = self.progress.before + min(epochs, runtime.stop_after or epochs)
        while self.progress.epoch < last and not self._is_stalled():
            epoch = self.progress.epoch + 1
            torch.manual_seed(_epoch_seed(runtime.seed, epoch))  # dropout and policies: nothing to store for a resume
            began = time.perf_counter()
            train = self._epoch(epoch)
            seconds = time.perf_counter() - began
            if self.mean and epoch > last - (runtime.swa or 0):
                self.mean.update(self.modules)
            chosen = self.average.parts if self.average else self.modules
            if self.mean and epoch == last:  # the mean is complete: it is what this epoch gives
                self.task.settle(self.mean.parts, self.loader.epoch(epoch, epoch - self.progress.before))
                chosen = self.mean.parts
            val = self.task.validate(chosen)
            metric = METRICS[runtime.metric].goodness(val[runtime.metric])
            is_best = self.progress.observe(metric)
            if self.plateau:
                self.plateau.observe(metric)
            record = {
                "epoch": epoch,
                **({"phase": self.name} if self.name else {}),
                "train": train,
                "val": val,
                "lr": self._rate((epoch - self.progress.before) * self.steps_per_epoch),
                "seconds": round(seconds, 3),
                "images_per_second": round(len(self.loader) * self.loader.batch / seconds, 1),
                "best": is_best,
            }
            self.progress.history.append(record)
            if self.fabric.is_global_zero:
                self._keep(chosen if is_best or runtime.select == "last" else None)
                for watcher in self.watchers:
                    watcher.epoch(record)
            self.fabric.barrier()
        return self.progress

    def _is_stalled(self) -> bool:
        patience = self.recipe.runtime.early_stop
        return patience is not None and self.progress.epoch - self.progress.best_epoch >= patience

    def _rate(self, step: int) -> float:
        """The learning rate of an optimiser step, counted over the phase."""
        total = self.recipe.schedule.epochs * self.steps_per_epoch
        cut = self.plateau.state["factor"] if self.plateau else 1.0
        return self.recipe.optimizer.rate * float(self.factor(self.recipe.schedule, min(step / total, 1.0))) * cut

    def _epoch(self, epoch: int) -> dict[str, float]:
        accumulate, batches = self.recipe.runtime.accumulate, len(self.loader)
        of_phase = epoch - self.progress.before
        step = (of_phase - 1) * self.steps_per_epoch
        means = Means(self.fabric)
        for part in self.parts.values():
            part.train()
        for module in self.frozen:
            module.eval()
        for number, batch in enumerate(self.loader.epoch(epoch, of_phase), start=1):
            first = (number - 1) // accumulate * accumulate
            together = min(accumulate, batches - first)  # the last group may be smaller
            is_step = number - first == together
            for update in self._updates(batch, together, is_step):
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

    def _updates(self, batch: Batch, together: int, is_step: bool) -> Iterator[Update]:
        """The updates of one batch, with their gradients in place."""
        radius, draws = self.recipe.optimizer.sam, batch.generator.get_state()
        with ExitStack() as stack:
            if self.fabric.world_size > 1 and not is_step:  # gradients travel only when they are used
                for part in self.parts.values():
                    stack.enter_context(self.fabric.no_backward_sync(part))
            for update in self.task.updates(self.parts, batch):
                self.fabric.backward(update.loss / together)
                if radius:
                    with uphill(self.modules[update.part], radius):
                        batch.generator.set_state(draws)  # the same pictures once more
                        again = next(one for one in self.task.updates(self.parts, batch) if one.part == update.part)
                        self.fabric.backward(again.loss)
                yield update

    def _move(self, name: str, rate: float) -> None:
        optimizer = self.optimizers[name]
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        if self.recipe.runtime.clip:
            self.fabric.clip_gradients(self.parts[name], optimizer, max_norm=self.recipe.runtime.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _keep(self, chosen: Mapping[str, nn.Module] | None) -> None:
        """Write the checkpoint, and the chosen weights when this epoch is the chosen one so far."""
        if chosen is not None:
            parts = {name: part.state_dict() for name, part in chosen.items()}
            state.save(self.run.best, {"epoch": self.progress.epoch, "parts": parts})
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        averages = self.average or self.mean
        state.save(
            self.run.last,
            {
                "parts": {name: part.state_dict() for name, part in self.modules.items()},
                "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
                "average": {name: part.state_dict() for name, part in averages.parts.items()} if averages else {},
                "average_steps": averages.steps if averages else 0,
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
        if averages := self.average or self.mean:
            for name, part in averages.parts.items():
                part.load_state_dict(saved["average"][name])
            averages.steps = saved["average_steps"]
        if self.plateau:
            self.plateau.state = saved["plateau"]
        scaler = getattr(self.fabric.strategy.precision, "scaler", None)
        if scaler and saved["scaler"]:
            scaler.load_state_dict(saved["scaler"])
        self.progress = Progress(**saved["progress"])
        if self.fabric.is_global_zero:
            self._write_log()  # the log of a killed run may lack the last line


def _epoch_seed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch) % 2**63
