"""Exponential moving average of weights and buffers."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import nn


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
        self.parts = {name: copy.deepcopy(part).eval().requires_grad_(False) for name, part in parts.items()}
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, parts: Mapping[str, nn.Module]) -> None:
        """Take in the weights after one optimiser step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, average in self.parts.items():
            mine, theirs = average.state_dict(), parts[name].state_dict()
            smooth = [key for key, value in mine.items() if value.is_floating_point()]
            torch._foreach_lerp_([mine[key] for key in smooth], [theirs[key] for key in smooth], 1 - decay)
            for key in mine.keys() - set(smooth):
                mine[key].copy_(theirs[key])
