from __future__ import annotations

import pytest
import torch
from torch import nn

from mien.parts import Optimizer, Schedule
from mien.train.optim import groups
from mien.train.schedules import Plateau, cosine, onecycle
from mien.train.tables import OPTIMIZERS


def test_decay_spares_biases_and_norms():
    decayed, spared = groups(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), 0.1)
    assert [parameter.ndim for parameter in decayed["params"]] == [4]
    assert len(spared["params"]) == 3
    assert spared["weight_decay"] == 0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_downhill(name: str):
    net = nn.Linear(2, 1)
    optimizer = OPTIMIZERS.load(name)(Optimizer(name=name, rate=0.05), net)
    inputs, wanted = torch.tensor([[1.0, 2.0], [-1.0, 0.5]]), torch.tensor([[1.0], [0.0]])
    losses = []
    for _ in range(30):
        loss = ((net(inputs) - wanted) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def torch_rates(make, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_agrees_with_torch():
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 50, eta_min=0.1), 50)
    found = [cosine(Schedule(floor=0.1), step / 50) for step in range(50)]
    assert found == pytest.approx(expected)


def test_onecycle_agrees_with_torch():
    """Torch counts to the last step, we to the end of it: 101 steps of torch are 100 intervals."""
    make = torch.optim.lr_scheduler.OneCycleLR
    expected = torch_rates(lambda o: make(o, 1.0, total_steps=101, pct_start=0.31, final_div_factor=1e9), 100)
    found = [onecycle(Schedule(name="onecycle", warmup=0.3031), step / 100) for step in range(100)]
    assert found == pytest.approx(expected, abs=0.02)
    assert found[0] == pytest.approx(1 / 25)


def test_plateau_agrees_with_torch():
    metrics = [0.1, 0.2, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.5, patience=1, threshold=1e-4, threshold_mode="abs"
    )
    ours = Plateau(Schedule(name="plateau", patience=1, factor=0.5))
    for metric in metrics:
        theirs.step(metric)
        ours.observe(metric)
        assert ours.state["factor"] == optimizer.param_groups[0]["lr"]
