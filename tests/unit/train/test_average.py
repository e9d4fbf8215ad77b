"""Means of weights, and sharpness-aware steps: both leave the net where they say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mien.train.average import Mean, settle_norms
from mien.train.sharpness import uphill


def test_the_mean_of_epochs_is_the_mean():
    net = nn.Linear(1, 1)
    mean = Mean({"net": net})
    for value in (1.0, 2.0, 6.0):
        nn.init.constant_(net.weight, value)
        mean.update({"net": net})
    assert float(mean.parts["net"].weight) == pytest.approx(3.0)
    assert mean.steps == 3


def test_norms_are_measured_anew_and_nothing_else_moves():
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5), nn.Linear(2, 2)).eval()
    net[0].running_mean.fill_(9)
    weight = net[2].weight.clone()
    batches = [torch.randn(50, 2) * 3 + 1 for _ in range(4)]
    settle_norms(net, iter(batches))
    expected = torch.stack([batch.mean(dim=0) for batch in batches]).mean(dim=0)
    torch.testing.assert_close(net[0].running_mean, expected)
    spread = torch.stack([batch.var(dim=0) for batch in batches]).mean(dim=0)
    torch.testing.assert_close(net[0].running_var, spread)
    assert torch.equal(net[2].weight, weight)
    assert net[0].momentum == 0.1
    assert not net[0].training


def test_uphill_is_a_step_of_the_radius_along_the_gradient():
    net = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(net.weight)
    net.weight.grad = torch.tensor([[3.0, 4.0]])
    with uphill(net, 0.5):
        torch.testing.assert_close(net.weight.detach(), torch.tensor([[0.3, 0.4]]))
        assert net.weight.grad is None
        net.weight.grad = torch.ones(1, 2)
    torch.testing.assert_close(net.weight.detach(), torch.zeros(1, 2))
    assert torch.equal(net.weight.grad, torch.ones(1, 2)), "the gradient found there is the one that counts"


def test_running_statistics_stay_where_the_weights_are():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train()
    net(torch.randn(8, 2)).sum().backward()
    before = net[1].running_mean.clone()
    with uphill(net, 0.1):
        net(torch.randn(8, 2) + 5)
    assert torch.equal(net[1].running_mean, before)
    assert net[1].momentum == 0.1
