"""Cross-entropy that knows how often each class comes, so that the net need not learn it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.parts import Loss


class LogitAdjusted(nn.Module):
    """Cross-entropy of ``z + tau log prior``; the net's plain answers then are those for equally frequent classes.

    A class with less than one picture counts as having one, so that its prior is never zero.

    Source: Menon et al., "Long-tail Learning via Logit Adjustment", 2021, equation 10; soft targets as in
    cross-entropy.

    Args:
        recipe: tau.
        counts: (C,) how many training pictures each class has.
    """

    def __init__(self, recipe: Loss, counts: NDArray[np.float64]) -> None:
        super().__init__()
        self.shift: torch.Tensor
        self.register_buffer("shift", recipe.option("tau") * log_prior(counts))

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Logits and targets, both (N, C), to a scalar."""
        return nn.functional.cross_entropy(logits.float() + self.shift, targets)


def log_prior(counts: NDArray[np.float64]) -> torch.Tensor:
    """(C,) logarithm of the share of each class; less than one picture counts as one."""
    floored = np.maximum(counts, 1)
    return torch.from_numpy(np.log(floored / floored.sum())).float()
