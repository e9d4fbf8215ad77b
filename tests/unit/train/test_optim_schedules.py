from __future__ import annotations

import pytest
import torch
from torch import nn

from mien.errors import RecipeError
from mien.parts import Optimizer, Schedule
from mien.train.nets.classifier import Classifier
from mien.train.optim import freeze, groups
from mien.train.schedules import Plateau, cosine, exponential, onecycle, restarts
from mien.train.tables import OPTIMIZERS


def test_decay_spares_biases_and_norms():
    decayed, spared = groups(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), Optimizer(weight_decay=0.1))
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


def test_restarts_agree_with_torch():
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 10, T_mult=2, eta_min=0.1), 70
    )
    recipe = Schedule(name="restarts", epochs=70, period=10, growth=2, floor=0.1)
    assert [restarts(recipe, step / 70) for step in range(70)] == pytest.approx(expected)


def test_exponential_agrees_with_torch():
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9), 20)
    recipe = Schedule(name="exponential", floor=0.9**20)
    assert [exponential(recipe, step / 20) for step in range(20)] == pytest.approx(expected)


def test_exponential_without_a_floor_is_a_mistake():
    with pytest.raises(ValueError, match="needs a floor above 0"):
        Schedule(name="exponential")


def net() -> Classifier:
    """Three layers below a head of one: depths 3, 2, 1 and 0."""
    backbone = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    return Classifier(backbone, nn.Linear(2, 2))


def scales(part: nn.Module, recipe: Optimizer) -> dict[str, float]:
    of = {id(value): group["scale"] for group in groups(part, recipe) for value in group["params"]}
    return {name: of[id(value)] for name, value in part.named_parameters() if id(value) in of}


def test_rates_of_parts_the_longest_path_counts():
    found = scales(net(), Optimizer(rate=0.1, rates={"backbone": 0.01, "backbone.2.1": 0.02}))
    assert found["backbone.0.weight"] == pytest.approx(0.1)
    assert found["backbone.2.1.bias"] == pytest.approx(0.2)
    assert found["head.weight"] == 1


def test_each_layer_gets_a_share_of_the_rate_above_it():
    found = scales(net(), Optimizer(layer_decay=0.5))
    assert found["head.bias"] == 1
    assert [found[f"backbone.{path}.weight"] for path in ("2.1", "2.0", "0")] == [0.5, 0.25, 0.125]


def test_members_of_a_fused_net_stand_side_by_side():
    backbone = nn.Module()
    backbone.members = nn.ModuleList(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)) for _ in range(2))
    backbone.attention = nn.Linear(4, 2)
    found = scales(Classifier(backbone, nn.Linear(2, 2)), Optimizer(layer_decay=0.5))
    assert [found[f"backbone.members.{member}.{layer}.weight"] for member in (0, 1) for layer in (1, 0)] == [
        0.5,
        0.25,
    ] * 2
    assert found["backbone.attention.weight"] == found["head.weight"] == 1


def test_what_is_frozen_has_no_group_and_can_be_thawed():
    part = net()
    assert freeze(part, Optimizer(freeze=("backbone",))) == [part.backbone]
    assert set(scales(part, Optimizer())) == {"head.weight", "head.bias"}
    assert freeze(part, Optimizer()) == []
    assert len(scales(part, Optimizer())) == 8


def test_parts_that_are_not_there_or_nothing_left():
    with pytest.raises(RecipeError, match=r"optimizer.freeze: the net has no part 'backbon'; did you mean backbone"):
        freeze(net(), Optimizer(freeze=("backbon",)))
    with pytest.raises(RecipeError, match=r"optimizer.rates: the net has no part 'neck'"):
        freeze(net(), Optimizer(rates={"neck": 0.1}))
    with pytest.raises(RecipeError, match="nothing is left to move"):
        freeze(net(), Optimizer(freeze=("backbone", "head")))


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
