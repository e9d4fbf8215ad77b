"""Averages of weights: an exponential one over all steps, and the plain mean of the last epochs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

import torch
from torch import nn


def _copies(parts: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    return {name: copy.deepcopy(part).eval().requires_grad_(False) for name, part in parts.items()}


def _towards(mine: nn.Module, theirs: nn.Module, share: float) -> None:
    """Move weights and buffers a share of the way; what is no fraction (a counter) is taken over."""
    ours, target = mine.state_dict(), theirs.state_dict()
    smooth = [key for key, value in ours.items() if value.is_floating_point()]
    torch._foreach_lerp_([ours[key] for key in smooth], [target[key] for key in smooth], share)
    for key in ours.keys() - set(smooth):
        ours[key].copy_(target[key])


class Average:
    """Keeps ``average = d * average + (1 - d) * weights`` of every part, buffers included.

    The decay grows with the steps done, ``d = min(decay, (1 + steps) / (10 + steps))``, so that the start is
    forgotten quickly.

    Args:
        parts: the modules to follow.
        decay: per optimiser step.

    Source: Polyak and Juditsky, 1992; warm-up as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, parts: Mapping[str, nn.Module], decay: float) -> None:
        self.parts = _copies(parts)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, parts: Mapping[str, nn.Module]) -> None:
        """Take in the weights after one optimiser step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, average in self.parts.items():
            _towards(average, parts[name], 1 - decay)


class Mean:
    """Keeps the mean of the weights after each of several epochs.

    Args:
        parts: the modules to follow.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018, algorithm 1.
    """

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        self.parts = _copies(parts)
        self.steps = 0

    @torch.no_grad()
    def update(self, parts: Mapping[str, nn.Module]) -> None:
        """Take in the weights after one epoch."""
        self.steps += 1
        for name, mean in self.parts.items():
            _towards(mean, parts[name], 1 / self.steps)


@torch.no_grad()
def settle_norms(part: nn.Module, inputs: Iterable[torch.Tensor]) -> None:
    """Measure the statistics of batch norms anew: those of the weights that were averaged do not fit the mean."""
    norms = [module for module in part.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [module.momentum for module in norms]
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # a plain mean over the batches
        module.train()  # only these: dropout stays off
    for images in inputs:
        part(images)
    for module, momentum in zip(norms, momenta, strict=True):
        module.momentum = momentum
    part.eval()
