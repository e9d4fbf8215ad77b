"""Several nets as one backbone: attention weighs them against each other for every picture (S2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mien.errors import RecipeError


class Fused(nn.Module):
    """Features of all members, projected to one width, weighed and added.

    A projection is (linear, batch norm, GELU, dropout). The attention is one linear layer from all projections side by
    side to one number per member, and a softmax over the members.

    With efficientnet_b0 and resnet18, the head ``{name: mlp, hidden: [256]}`` and seven classes the net has the
    16,240,325 parameters of S2.

    Args:
        members: backbones, (N, C, H, W) to (N, ``num_features``) each.
        width: of the projections.
        dropout: after each projection.
    """

    def __init__(self, members: Sequence[nn.Module], width: int = 512, dropout: float = 0.3) -> None:
        super().__init__()
        self.num_features = width
        self.members = nn.ModuleList(members)
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(member.num_features, width), nn.BatchNorm1d(width), nn.GELU(), nn.Dropout(dropout))  # type: ignore[arg-type]  # an int; torch tells of modules and tensors only
            for member in members
        )
        self.attention = nn.Linear(len(self.members) * width, len(self.members))

    def weigh(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, C, H, W) float -> features (N, width) and the weights of the members (N, M), which add up to 1."""
        found = [project(net(images)) for net, project in zip(self.members, self.projections, strict=True)]
        weights = self.attention(torch.cat(found, dim=1)).softmax(dim=1)
        features = (torch.stack(found, dim=1) * weights.unsqueeze(2)).sum(dim=1)
        return features, weights

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) float -> (N, width)."""
        return self.weigh(images)[0]


def fused(members: Sequence[nn.Module], options: dict[str, Any]) -> Fused:
    """Build it; options: ``width`` of the projections (512) and ``dropout`` after them (0.3).

    Raises:
        RecipeError: an option that there is not, or of a wrong value.
    """
    checks = {
        "width": ("a whole number from 1", lambda value: type(value) is int and value >= 1),
        "dropout": ("a number from 0 to below 1", lambda value: type(value) in (int, float) and 0 <= value < 1),
    }
    mistakes = []
    for name, value in options.items():
        if name not in checks:
            mistakes.append(f"model.options.{name}: fused has width and dropout")
        elif not checks[name][1](value):
            mistakes.append(f"model.options.{name}: expected {checks[name][0]}, got {value!r}")
    if mistakes:
        raise RecipeError("recipe", mistakes)
    return Fused(members, **options)
