"""Cross-entropy of a softmax that counts each class as often as it comes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.parts import Loss
from mien.train.losses.logit_adjusted import log_prior


class BalancedSoftmax(nn.Module):
    """``-sum_c q_c log(n_c e^z_c / sum_i n_i e^z_i)``: :class:`LogitAdjusted` with a tau of 1, found independently.

    Source: Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition", 2020, theorem 1, without its
    meta sampler; soft targets as in cross-entropy.

    Args:
        recipe: nothing of it is needed.
        counts: (C,) how many training pictures each class has.
    """

    def __init__(self, recipe: Loss, counts: NDArray[np.float64]) -> None:
        super().__init__()
        self.shift: torch.Tensor
        self.register_buffer("shift", log_prior(counts))

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Logits and targets, both (N, C), to a scalar."""
        return nn.functional.cross_entropy(logits.float() + self.shift, targets)
