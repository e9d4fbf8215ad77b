"""Focal loss: what is answered well already counts less."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.parts import Loss


class Focal(nn.Module):
    """``-alpha sum_c q_c (1 - p_c)^gamma log p_c``, ``p = softmax(z)``.

    ``p`` is the net's own probability. Class weights and smoothing are in ``q`` and change nothing in it; a focal loss
    computed from a weighted cross-entropy takes ``exp(-w_c log p_c)`` for ``p`` and is another function.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017, equation 5, for one class of many; with
    soft targets, the mean of the hard losses that the target weighs. ``alpha`` is one factor for all classes:
    class weights are an option of every loss.

    Args:
        recipe: gamma and alpha.
        counts: not needed.
    """

    def __init__(self, recipe: Loss, counts: NDArray[np.float64]) -> None:
        super().__init__()
        self.gamma, self.alpha = recipe.option("gamma"), recipe.option("alpha")

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Logits and targets, both (N, C), to a scalar."""
        logs = logits.float().log_softmax(dim=1)
        others = (-torch.expm1(logs)).clamp_min(1e-12)  # 1 - p; at 0 the slope of a root has no end
        return -self.alpha * (targets * others**self.gamma * logs).sum(dim=1).mean()
