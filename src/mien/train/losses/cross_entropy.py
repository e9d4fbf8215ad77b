"""Cross-entropy with soft targets."""

from __future__ import annotations

import torch
from torch import nn

from mien.parts import Loss


class CrossEntropy(nn.Module):
    """``-sum_c q_c log softmax(z)_c``, ``q = (1 - s) t + s / C`` with smoothing ``s``.

    Source: label smoothing after Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7; works
    on soft targets as well as on one-hot ones.
    """

    def __init__(self, recipe: Loss) -> None:
        super().__init__()
        self.smoothing = recipe.smoothing

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Logits and targets, both (N, C), to a scalar."""
        return nn.functional.cross_entropy(logits.float(), targets, label_smoothing=self.smoothing)
