"""What every entry of the tables of training promises. A new entry is covered without a change here.

(A new backbone, or a new way to name one, needs one small net of it in ``SMALL``.)
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from mien.card import Card
from mien.parts import Head, Loss, Optimizer, Schedule
from mien.recipe import Recipe
from mien.train import build
from mien.train.export import export
from mien.train.tables import BACKBONES, HEADS, LOSSES, OPTIMIZERS, POLICIES, SCHEDULES, TABLES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")

#: Entry -> small nets of it (name, size in px).
SMALL = {
    "plain48": [("plain48", 48)],
    "xception": [("xception", 16)],
    "fused": [("fused", 64)],
    "timm:<name>": [("timm:test_efficientnet", 32), ("timm:test_vit", 160)],
    "shallow:<name>": [("shallow:test_efficientnet", 32)],
    "torchvision:<name>": [("torchvision:shufflenet_v2_x0_5", 32), ("torchvision:squeezenet1_1", 64)],
}
NETS = [pytest.param(*net, id=net[0]) for nets in SMALL.values() for net in nets]
#: A fused net needs members.
MEMBERS = {"fused": [{"backbone": "timm:test_efficientnet"}, {"backbone": "torchvision:squeezenet1_1"}]}
#: A head needs what its name says.
HEAD_OPTIONS = {"mlp": {"hidden": (6,)}, "attention": {"hidden": (6,), "reduction": 2}}
#: Nets that shipped recipes and guides name, with the width of their features as published.
NAMED = {
    "torchvision:vgg16": 4096,
    "torchvision:vgg19": 4096,
    "torchvision:alexnet": 4096,
    "torchvision:resnet18": 512,
    "torchvision:resnet50": 2048,
    "torchvision:efficientnet_b0": 1280,
    "torchvision:efficientnet_b3": 1536,
    "torchvision:mobilenet_v3_small": 1024,
    "torchvision:convnext_tiny": 768,
    "timm:vgg16": 4096,
    "timm:vgg19": 4096,
    "timm:resnet18": 512,
    "timm:resnet50": 2048,
    "timm:efficientnet_b0": 1280,
    "timm:efficientnet_b3": 1536,
    "timm:mobilenetv3_small_100": 1024,
    "timm:convnext_tiny": 768,
}
CLASSES = 5


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def recipe_of(backbone: str, size_px: int, channels: int = 1) -> Recipe:
    return Recipe.model_validate(
        {
            "preprocess": {
                "size_px": size_px,
                "channels": channels,
                "mean": [0.5] * channels,
                "std": [0.5] * channels,
            },
            "model": {"backbone": backbone, "members": MEMBERS.get(backbone, [])},
        }
    )


def test_every_entry_can_be_loaded_and_says_what_it_is():
    for table in TABLES.values():
        for name in table:
            assert callable(table.load(name))
            assert table.entry(name).help


def test_every_kind_of_backbone_is_covered():
    assert set(SMALL) == set(BACKBONES)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "size_px"), NETS)
def test_backbones_give_the_features_they_tell_of(name: str, size_px: int, channels: int):
    recipe = recipe_of(name, size_px, channels)
    net = build.backbone(recipe.model, recipe.preprocess).eval()
    with torch.inference_mode():
        features = net(torch.rand(2, channels, size_px, size_px))
    assert features.shape == (2, net.num_features)
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMED)
def test_nets_that_are_named_are_there(name: str, channels: int):
    """Shapes only, without memory for the weights: a VGG has half a gigabyte of them."""
    recipe = recipe_of(name, 64, channels)
    with torch.device("meta"):
        net = build.net(recipe, CLASSES).eval()
        assert net(torch.zeros(2, channels, 64, 64)).shape == (2, CLASSES)
    assert net.backbone.num_features == NAMED[name]


@pytest.mark.parametrize(("name", "size_px"), NETS)
def test_a_classifier_learns_in_every_weight_and_exports_as_it_computes(name: str, size_px: int, tmp_path: Path):
    recipe = recipe_of(name, size_px)
    net = build.net(recipe, CLASSES).train()
    nn.functional.cross_entropy(net(torch.rand(4, 1, size_px, size_px)), torch.tensor([0, 1, 2, 3])).backward()
    still = [key for key, value in net.named_parameters() if value.grad is None]
    assert not still

    card = Card(name="x", classes=tuple("abcde"), preprocess=recipe.preprocess)
    told = export(net, card, tmp_path / "x.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx", providers=["CPUExecutionProvider"])
    faces = np.random.default_rng(1).random((3, 1, size_px, size_px), np.float32)
    (found,) = session.run(["logits"], {"faces": faces})
    with torch.inference_mode():
        expected = net.eval()(torch.from_numpy(faces)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert 0 <= told <= 1e-2


@pytest.mark.parametrize("name", HEADS)
def test_heads_turn_features_into_logits(name: str):
    head = HEADS.load(name)(Head(name=name, dropout=0.3, **HEAD_OPTIONS.get(name, {})), 7, CLASSES)
    features = torch.rand(4, 7)
    assert head(features).shape == (4, CLASSES)
    torch.testing.assert_close(head.eval()(features), head(features))  # nothing is drawn outside training


@pytest.mark.parametrize("weights", ["none", "effective_number"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_scalars_that_fall_towards_the_target(name: str, weights: str):
    counts = np.array([40.0, 20.0, 5.0, 1.0, 0.0])
    loss = build.loss(Recipe(loss=Loss(name=name, smoothing=0.1, class_weights=weights)), counts)
    logits = torch.zeros(6, CLASSES, requires_grad=True)
    targets = torch.softmax(torch.randn(6, CLASSES), dim=1)
    value = loss(logits, targets)
    assert value.shape == ()
    value.backward()
    with torch.no_grad():
        assert loss(logits - 0.5 * logits.grad, targets) < value
        assert torch.isfinite(loss(logits.bfloat16() * 100, targets))
        halves = loss(logits[:2], targets[:2]) / 3 + loss(logits[2:], targets[2:]) * 2 / 3
        torch.testing.assert_close(halves, value)  # a mean over rows: accumulated steps add up


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_move_all_weights_and_decay_only_matrices(name: str):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    before = [value.detach().clone() for value in net.parameters()]
    optimizer = OPTIMIZERS.load(name)(Optimizer(name=name, rate=0.01, weight_decay=0.1), net)
    assert {id(value) for group in optimizer.param_groups for value in group["params"]} == {
        id(value) for value in net.parameters()
    }
    for group in optimizer.param_groups:
        for value in group["params"]:
            assert (group["weight_decay"] > 0) == (value.ndim > 1)
    for value in net.parameters():
        value.grad = torch.ones_like(value)
    optimizer.step()
    assert all((was != now).all() for was, now in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_shares_of_the_rate_at_all_times(name: str):
    factor = SCHEDULES.load(name)
    floored = Schedule(name=name, warmup=0.2, floor=0.1)
    for schedule in (floored,) if name == "exponential" else (Schedule(name=name), floored):
        shares = [float(factor(schedule, step / 100)) for step in range(101)]
        assert all(0 <= share <= 1 + 1e-9 and math.isfinite(share) for share in shares)
        assert max(shares) == pytest.approx(1)
        top = shares.index(max(shares))
        if name != "restarts":
            assert shares[top:] == sorted(shares[top:], reverse=True)


@pytest.mark.parametrize("name", POLICIES)
def test_policies_keep_shape_and_kind(name: str):
    policy = POLICIES.load(name)()
    image = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8)
    if policy is None:
        assert name == "none"
        return
    for _ in range(5):
        varied = policy(image)
        assert (varied.shape, varied.dtype) == (image.shape, torch.uint8)
