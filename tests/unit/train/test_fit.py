from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from mien.errors import RunError
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import state
from mien.train.fit import Fit
from mien.train.loader import Batch, Loader
from mien.train.tasks import Update

GENERATOR = np.random.default_rng(0)
PIXELS = GENERATOR.integers(0, 256, (24, 4, 4, 1), np.uint8)
TARGETS = np.eye(2, dtype=np.float32)[(PIXELS.mean((1, 2, 3)) > 127).astype(int)]


class Tiny:
    """A task of one linear layer whose validation metric is told beforehand."""

    def __init__(self, metrics: list[float] | None = None, poison: bool = False) -> None:
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
        self.metrics = metrics or [0.5]
        self.poison = poison
        self.validated = 0

    def parts(self) -> Mapping[str, nn.Module]:
        return {"net": self.net}

    def updates(self, parts: Mapping[str, nn.Module], batch: Batch) -> Iterator[Update]:
        images = batch.pixels.permute(0, 3, 1, 2).float() / 255
        loss = nn.functional.cross_entropy(parts["net"](images).float(), batch.targets)
        yield Update("net", loss * math.nan if self.poison else loss, {})

    def validate(self, parts: Mapping[str, nn.Module]) -> dict[str, Any]:
        self.validated += 1
        return {"accuracy": self.metrics[min(self.validated, len(self.metrics)) - 1]}


def recipe(**parts: Any) -> Recipe:
    base = {"optimizer": {"name": "sgd", "rate": 0.1}, "schedule": {"name": "constant", "epochs": 2}}
    return Recipe.model_validate({**base, **parts})


def fit(task: Tiny, plan: Recipe, path: Path, batch: int = 6, precision: str = "32-true") -> Fit:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    loader = Loader(PIXELS, TARGETS, batch, 0, fabric.device)
    return Fit(task, loader, plan, RunDir(path), [], fabric)


def test_it_learns_and_logs(tmp_path: Path):
    ended = fit(Tiny(), recipe(schedule={"name": "constant", "epochs": 5}), tmp_path)()
    losses = [record["train"]["loss"] for record in RunDir(tmp_path).epochs()]
    assert len(losses) == ended.epoch == 5
    assert losses[-1] < losses[0]


def test_accumulation_moves_as_one_large_batch_would(tmp_path: Path):
    whole, parts = Tiny(), Tiny()
    fit(whole, recipe(), tmp_path / "a", batch=24)()
    fit(parts, recipe(runtime={"accumulate": 4}), tmp_path / "b", batch=6)()
    torch.testing.assert_close(parts.net[1].weight, whole.net[1].weight)


def test_a_smaller_last_group_is_averaged_over_itself(tmp_path: Path):
    """Four batches in groups of three: the last group is one batch and counts as one."""
    found = fit(Tiny(), recipe(runtime={"accumulate": 3}), tmp_path)
    assert found.steps_per_epoch == 2
    found()
    assert found.optimizers["net"].optimizer.state is not None


def test_schedule_is_counted_in_optimiser_steps(tmp_path: Path):
    plan = recipe(schedule={"name": "cosine", "epochs": 2}, runtime={"accumulate": 2})
    found = fit(Tiny(), plan, tmp_path)
    rates: list[float] = []
    move = found._move
    found._move = lambda name, rate: (rates.append(rate), move(name, rate))[1]  # type: ignore[method-assign]
    found()
    assert rates == pytest.approx([0.1 * (1 + math.cos(math.pi * step / 4)) / 2 for step in range(4)])


def test_clipping_bounds_the_step(tmp_path: Path):
    task = Tiny()
    before = task.net[1].weight.detach().clone()
    plan = recipe(
        optimizer={"name": "sgd", "rate": 1.0, "momentum": 0.0},
        runtime={"clip": 1e-3},
        schedule={"name": "constant", "epochs": 1},
    )
    fit(task, plan, tmp_path, batch=24)()
    assert float((task.net[1].weight - before).detach().norm()) <= 1e-3 + 1e-6


def test_best_epoch_is_kept_and_a_stalled_run_ends(tmp_path: Path):
    task = Tiny([0.5, 0.9, 0.6, 0.7, 0.8])
    ended = fit(task, recipe(schedule={"epochs": 9}, runtime={"early_stop": 2}), tmp_path)()
    assert (ended.epoch, ended.best_epoch, ended.best) == (4, 2, 0.9)
    assert state.load(RunDir(tmp_path).best)["epoch"] == 2


def test_a_run_may_end_before_its_schedule(tmp_path: Path):
    plan = recipe(schedule={"name": "cosine", "epochs": 4}, runtime={"stop_after": 2})
    found = fit(Tiny(), plan, tmp_path)
    assert found().epoch == 2
    assert RunDir(tmp_path).epochs()[-1]["lr"] == pytest.approx(0.05)  # half way down a cosine over four epochs


def test_last_epoch_is_kept_when_the_recipe_says_so(tmp_path: Path):
    fit(Tiny([0.9, 0.5]), recipe(runtime={"select": "last"}), tmp_path)()
    assert state.load(RunDir(tmp_path).best)["epoch"] == 2


def test_a_loss_that_is_not_finite_ends_the_run_with_advice(tmp_path: Path):
    with pytest.raises(RunError, match=r"loss is nan in epoch 1.*optimizer\.rate"):
        fit(Tiny(poison=True), recipe(), tmp_path)()


@pytest.mark.parametrize("schedule", ["plateau", "onecycle"])
@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_stopped_run_goes_on_exactly(tmp_path: Path, schedule: str, ema: float | None):
    plan = recipe(schedule={"name": schedule, "epochs": 4, "patience": 1}, runtime={"ema": ema})
    whole = Tiny([0.5, 0.5, 0.5, 0.5])
    fit(whole, plan, tmp_path / "whole")()

    class Killed(Exception):
        pass

    class Killer:
        def step(self, epoch: int, step: int, steps: int, logs: Mapping[str, float]) -> None:
            if epoch == 3:
                raise Killed

        def epoch(self, record: Mapping[str, Any]) -> None:
            pass

    first = fit(Tiny([0.5]), plan, tmp_path / "parts")
    first.watchers = [Killer()]
    with pytest.raises(Killed):
        first()
    resumed = Tiny([0.5])
    again = fit(resumed, plan, tmp_path / "parts")
    assert again.progress.epoch == 2
    again()
    torch.testing.assert_close(resumed.net[1].weight, whole.net[1].weight, rtol=0, atol=0)
    logs = [RunDir(tmp_path / name).epochs() for name in ("whole", "parts")]
    for record in (record for log in logs for record in log):
        del record["seconds"], record["images_per_second"]
    assert logs[0] == logs[1]


def test_half_a_log_line_is_left_out(tmp_path: Path):
    (tmp_path / "log.jsonl").write_text(json.dumps({"epoch": 1}) + '\n{"epo')
    assert RunDir(tmp_path).epochs() == [{"epoch": 1}]


def test_bf16_runs(tmp_path: Path):
    assert fit(Tiny(), recipe(), tmp_path, precision="bf16-mixed")().epoch == 2
