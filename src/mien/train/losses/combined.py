"""Part focal loss, part cross-entropy."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.parts import Loss
from mien.train.losses.cross_entropy import CrossEntropy
from mien.train.losses.focal import Focal


class Combined(nn.Module):
    """``s focal + (1 - s) cross-entropy``: hard pictures count more, and easy ones are not forgotten.

    Args:
        recipe: share, gamma and alpha (of the focal part alone).
        counts: not needed.
    """

    def __init__(self, recipe: Loss, counts: NDArray[np.float64]) -> None:
        super().__init__()
        self.share = recipe.option("share")
        self.focal, self.cross_entropy = Focal(recipe, counts), CrossEntropy(recipe, counts)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Logits and targets, both (N, C), to a scalar."""
        focal: torch.Tensor = self.focal(logits, targets)
        return self.share * focal + (1 - self.share) * self.cross_entropy(logits, targets)
