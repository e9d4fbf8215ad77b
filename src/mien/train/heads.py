"""From features (N, F) to logits (N, classes)."""

from __future__ import annotations

from itertools import pairwise

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
