"""Optimisers over the parameters of one part."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mien.parts import Optimizer


def groups(part: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: matrices and kernels decay, vectors (biases, normalisation) do not."""
    parameters = [parameter for parameter in part.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def adam(recipe: Optimizer, part: nn.Module) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba, 2015)."""
    return torch.optim.Adam(groups(part, recipe.weight_decay), lr=recipe.rate)


def adamw(recipe: Optimizer, part: nn.Module) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, 2019)."""
    return torch.optim.AdamW(groups(part, recipe.weight_decay), lr=recipe.rate)


def sgd(recipe: Optimizer, part: nn.Module) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum; plain SGD when the momentum is 0."""
    return torch.optim.SGD(
        groups(part, recipe.weight_decay), lr=recipe.rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0
    )
