"""Xception against the counts of its paper's code and against another implementation."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from mien.errors import RecipeError
from mien.parts import Model
from mien.preprocess import Preprocess
from mien.train import build
from mien.train.nets import weights
from mien.train.nets.xception import Xception


def test_as_many_numbers_as_published():
    """Keras tells of 20,861,480 without the top, 20,806,952 of them trained, and of 22,910,480 with it."""
    with torch.device("meta"):
        net = Xception(3)
        top = nn.Linear(net.num_features, 1000)
    trained = sum(parameter.numel() for parameter in net.parameters())
    statistics = sum(buffer.numel() for buffer in net.buffers() if buffer.ndim)
    assert trained == 20_806_952
    assert trained + statistics == 20_861_480
    assert trained + statistics + sum(parameter.numel() for parameter in top.parameters()) == 22_910_480


def test_it_computes_what_another_implementation_does(tmp_path):
    """Weights of timm's port, statistics drawn, go in by order; ours then gives the same features."""
    torch.manual_seed(0)
    port = timm.create_model("legacy_xception", num_classes=3).eval()
    for layer in port.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
    torch.save(port.state_dict(), tmp_path / "port.pth")
    ours = Xception(3).eval()
    weights.load(ours, tmp_path / "port.pth")
    port.reset_classifier(0)
    for side in (48, 71):
        pictures = torch.rand(2, 3, side, side)
        with torch.inference_mode():
            torch.testing.assert_close(ours(pictures), port(pictures), rtol=1e-4, atol=1e-5)


def test_the_smallest_picture():
    with torch.inference_mode():
        assert Xception(1).eval()(torch.rand(1, 1, 8, 8)).shape == (1, 2048)


def test_what_it_does_not_have():
    recipe = Model(backbone="xception", weights="pretrained", options={"depth": 3})
    with pytest.raises(RecipeError, match=r"model\.options: xception has none, got depth") as caught:
        build.backbone(recipe, Preprocess())
    assert "legacy_xception" in caught.value.mistakes[0]
