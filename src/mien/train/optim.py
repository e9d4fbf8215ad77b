"""Optimisers over the parameters of one part: which of them move, how fast, and which of them decay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from mien.errors import RecipeError
from mien.parts import Optimizer
from mien.table import nearest


def freeze(part: nn.Module, recipe: Optimizer) -> list[nn.Module]:
    """Let everything move but what the recipe freezes; the frozen modules, which stay in evaluation mode."""
    modules = dict(part.named_modules())
    unknown = [
        f"optimizer.{key}: the net has no part {path!r}" + _hint(path, list(modules))
        for key, paths in (("freeze", recipe.freeze), ("rates", recipe.rates))
        for path in paths
        if path not in modules
    ]
    if unknown:
        raise RecipeError("recipe", unknown)
    part.requires_grad_(True)
    frozen = [modules[path].requires_grad_(False) for path in recipe.freeze]
    if not any(parameter.requires_grad for parameter in part.parameters()):
        raise RecipeError("recipe", [f"optimizer.freeze: nothing is left to move when {list(recipe.freeze)} is frozen"])
    return frozen


def _hint(path: str, known: list[str]) -> str:
    close = nearest(path, known) or [name for name in known if name and "." not in name]
    return f"; did you mean {' or '.join(close)}?"


def groups(part: nn.Module, recipe: Optimizer) -> list[dict[str, Any]]:
    """Parameter groups; each has a ``scale``: its highest rate as a multiple of ``recipe.rate``.

    Matrices and kernels decay, vectors (biases, normalisation) do not.
    """
    depths = _depths(part) if recipe.layer_decay is not None else {}
    found: dict[tuple[float, bool], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in part.named_parameters():
        if not parameter.requires_grad:
            continue
        paths = [path for path in recipe.rates if name.startswith(path + ".")]
        scale = recipe.rates[max(paths, key=len)] / recipe.rate if paths else 1.0
        scale *= (recipe.layer_decay or 1.0) ** depths.get(name, 0)
        found[scale, parameter.ndim > 1].append(parameter)
    return [
        {"params": parameters, "weight_decay": recipe.weight_decay if decays else 0.0, "scale": scale}
        for (scale, decays), parameters in found.items()
    ]


def _depths(part: nn.Module) -> dict[str, int]:
    """Name of a parameter of the backbone -> layers above it in the backbone, plus one; the head has none above it.

    A layer is a child of the backbone, or of a sequence in it, that has parameters. The members of a fused net stand
    side by side; what joins them counts as head.
    """
    members = getattr(part.get_submodule("backbone"), "members", None)
    chains = ["backbone"] if members is None else [f"backbone.members.{number}" for number in range(len(members))]
    depths = {}
    for chain in chains:
        layers = list(_layers(part.get_submodule(chain), chain))
        for name, _ in part.get_submodule(chain).named_parameters(prefix=chain):
            above = [number for number, layer in enumerate(reversed(layers), start=1) if name.startswith(layer + ".")]
            depths[name] = above[0] if above else len(layers)  # a lone parameter, such as a position embedding
    return depths


def _layers(module: nn.Module, path: str) -> Iterator[str]:
    for name, child in module.named_children():
        if isinstance(child, (nn.Sequential, nn.ModuleList)):
            yield from _layers(child, f"{path}.{name}")
        elif any(True for _ in child.parameters()):
            yield f"{path}.{name}"


def adam(recipe: Optimizer, part: nn.Module) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba, 2015)."""
    return torch.optim.Adam(groups(part, recipe), lr=recipe.rate, betas=recipe.betas)


def adamw(recipe: Optimizer, part: nn.Module) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, 2019)."""
    return torch.optim.AdamW(groups(part, recipe), lr=recipe.rate, betas=recipe.betas)


def sgd(recipe: Optimizer, part: nn.Module) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum; plain SGD when the momentum is 0."""
    return torch.optim.SGD(groups(part, recipe), lr=recipe.rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0)
