"""Sharpness-aware minimisation: the gradient is taken where the loss is highest near by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def uphill(net: nn.Module, radius: float) -> Iterator[None]:
    """Inside, the weights stand ``radius`` up the gradient they hold, and that gradient is gone.

    Normalisation layers keep their running statistics still there: those belong to where the weights really are.

    Args:
        net: with gradients.
        radius: length of the step over all weights together.

    Source: Foret et al., "Sharpness-Aware Minimization", 2021, equation 2 with p = 2.
    """
    moved = [weight for weight in net.parameters() if weight.grad is not None]
    gradients = [weight.grad for weight in moved if weight.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack(list(torch._foreach_norm(gradients))))
    steps = list(torch._foreach_mul(gradients, (radius / norm.clamp_min(1e-12)).item()))
    norms = [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [module.momentum for module in norms]
    with torch.no_grad():
        for weight, step in zip(moved, steps, strict=True):
            weight.add_(step)
    for weight in moved:
        weight.grad = None
    for module in norms:
        module.momentum = 0.0
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, step in zip(moved, steps, strict=True):
                weight.sub_(step)
        for module, momentum in zip(norms, momenta, strict=True):
            module.momentum = momentum
