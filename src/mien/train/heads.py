"""From features (N, F) to logits (N, classes)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from mien.errors import RecipeError
from mien.parts import Head


def linear(recipe: Head, num_features: int, classes: int) -> nn.Module:
    """Dropout and one linear layer."""
    if recipe.hidden:
        raise RecipeError("recipe", ["model.head.hidden: the linear head has no hidden layers; use name: mlp"])
    return nn.Sequential(nn.Dropout(recipe.dropout), nn.Linear(num_features, classes))


def mlp(recipe: Head, num_features: int, classes: int) -> nn.Module:
    """(linear, batch norm, ReLU, dropout) for each hidden width, then a linear layer."""
    if not recipe.hidden:
        raise RecipeError("recipe", ["model.head.hidden: the mlp head needs widths, e.g. [512, 256]"])
    layers: list[nn.Module] = []
    for source, width in pairwise((num_features, *recipe.hidden)):
        layers += [nn.Linear(source, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Dropout(recipe.dropout)]
    return nn.Sequential(*layers, nn.Linear(recipe.hidden[-1], classes))


class ChannelAttention(nn.Module):
    """Weigh each feature by a gate that looks at all of them.

    Args:
        channels: features in and out.
        reduction: the layer in between has ``channels / reduction`` of them.

    Source:
        Hu et al., "Squeeze-and-Excitation Networks", 2018, equations 3 and 4; here over features that are pooled
        already, once before the classifier, and with biases (S4).
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        narrow = max(channels // reduction, 1)
        self.gate = nn.Sequential(
            nn.Linear(channels, narrow), nn.ReLU(inplace=True), nn.Linear(narrow, channels), nn.Sigmoid()
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, channels) -> (N, channels), each multiplied by its gate between 0 and 1."""
        gated: torch.Tensor = features * self.gate(features)
        return gated


def attention(recipe: Head, num_features: int, classes: int) -> nn.Module:
    """Channel attention, then (batch norm, dropout, linear, ReLU) for each width, and the same into the classes.

    The first dropout is the recipe's, each further one half of the one before. On torchvision's or timm's resnet50 with
    eight classes the net has the 26,668,744 parameters of S4.
    """
    layers: list[nn.Module] = [ChannelAttention(num_features, recipe.reduction)]
    widths = (num_features, *(recipe.hidden or (1024, 512)), classes)
    for depth, (source, width) in enumerate(pairwise(widths)):
        layers += [nn.BatchNorm1d(source), nn.Dropout(recipe.dropout / 2**depth), nn.Linear(source, width)]
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers[:-1])  # logits may be negative
