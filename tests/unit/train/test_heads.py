"""Channel attention before the classifier."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mien.parts import Head
from mien.recipe import Recipe
from mien.train import build
from mien.train.heads import ChannelAttention, attention


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_resnet50_with_attention_has_the_published_number_of_parameters(library: str):
    recipe = Recipe.model_validate(
        {"model": {"backbone": f"{library}:resnet50", "head": {"name": "attention", "dropout": 0.3}}}
    )
    with torch.device("meta"):
        net = build.net(recipe, classes=8)
    assert sum(parameter.numel() for parameter in net.backbone.parameters()) == 23_508_032
    assert sum(parameter.numel() for parameter in net.head[0].parameters()) == 526_464
    assert sum(parameter.numel() for parameter in net.parameters()) == 26_668_744


def test_dropout_is_halved_from_layer_to_layer():
    head = attention(Head(name="attention", dropout=0.3), 64, 8)
    assert [layer.p for layer in head if isinstance(layer, nn.Dropout)] == pytest.approx([0.3, 0.15, 0.075])
    kinds = [type(layer).__name__ for layer in head]
    assert kinds == ["ChannelAttention", *["BatchNorm1d", "Dropout", "Linear", "ReLU"] * 2, *kinds[1:4]]
    assert [layer.out_features for layer in head if isinstance(layer, nn.Linear)] == [1024, 512, 8]


def test_the_gate_by_hand():
    gate = ChannelAttention(2, reduction=2)  # one channel in between
    with torch.no_grad():
        for parameter, value in zip(gate.parameters(), ([[1.0, -1.0]], [0.5], [[2.0], [0.0]], [0.0, 0.0]), strict=True):
            parameter.copy_(torch.tensor(value))
    # 3 - 1 + 0.5 = 2.5 in between: gates sigmoid(5) and sigmoid(0) = 0.5
    found = gate(torch.tensor([[3.0, 1.0]]))
    torch.testing.assert_close(found, torch.tensor([[3 / (1 + torch.e**-5), 0.5]]))
    # 1 - 3 + 0.5 < 0: nothing passes, both gates are sigmoid(0)
    torch.testing.assert_close(gate(torch.tensor([[1.0, 3.0]])), torch.tensor([[0.5, 1.5]]))


def test_more_reduction_than_channels_leaves_one():
    assert ChannelAttention(7, reduction=16).gate[0].out_features == 1
