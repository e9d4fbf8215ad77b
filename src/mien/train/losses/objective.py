"""What surrounds a loss: smoothed and weighted targets before it, teachers beside it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.parts import Distill, Loss, Sampling
from mien.train.tables import SAMPLERS


class Objective(nn.Module):
    """``(1 - a) loss(z, w q) + a T^2 KL(teacher, softmax(z / T))``, ``q = (1 - s) t + s / C``.

    The second term is there when a teacher's answers are given; with its factor the gradients of both stay equally
    large whatever the temperature.

    Source: label smoothing ``s``: Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7. Teachers:
    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, section 2; theirs is a cross-entropy, which
    has the same gradient.

    Args:
        loss: logits and targets, both (N, C), to a scalar.
        recipe: smoothing and class weights.
        distill: share ``a`` and temperature ``T``.
        counts: (C,) how many training pictures each class has.
    """

    def __init__(self, loss: nn.Module, recipe: Loss, distill: Distill, counts: NDArray[np.float64]) -> None:
        super().__init__()
        self.loss, self.smoothing, self.distill = loss, recipe.smoothing, distill
        self.weights: torch.Tensor | None
        self.register_buffer("weights", class_weights(recipe, counts))

    def forward(self, logits: torch.Tensor, targets: torch.Tensor, teacher: torch.Tensor | None = None) -> torch.Tensor:
        """To a scalar.

        Args:
            logits: (N, C).
            targets: (N, C), rows summing to one.
            teacher: (N, C), rows summing to one: what the teachers answer, softened with the temperature.
        """
        if self.smoothing:
            targets = (1 - self.smoothing) * targets + self.smoothing / targets.shape[1]
        if self.weights is not None:
            targets = targets * self.weights
        value: torch.Tensor = self.loss(logits, targets)
        if teacher is None:
            return value
        share, temperature = self.distill.share, self.distill.temperature
        softened = (logits.float() / temperature).log_softmax(dim=1)
        distance = nn.functional.kl_div(softened, teacher, reduction="batchmean")
        return (1 - share) * value + share * temperature**2 * distance


def class_weights(recipe: Loss, counts: NDArray[np.float64]) -> torch.Tensor | None:
    """(C,) how much a picture of each class counts, 1 on average over the classes that have pictures.

    A class without pictures has the weight 0: smoothing does not pull towards it. One with less than one picture (of
    soft targets) counts as having one.

    Source: the functions of counts are those of :mod:`mien.train.sampling`; the average of one is that of Cui et al.,
    "Class-Balanced Loss Based on Effective Number of Samples", 2019, section 4.
    """
    if recipe.class_weights == "none":
        return None
    sampling = Sampling() if recipe.beta is None else Sampling(beta=recipe.beta)
    present = counts > 0
    weights = np.zeros(len(counts))
    weights[present] = SAMPLERS.load(recipe.class_weights)(np.maximum(counts[present], 1), sampling)
    return torch.from_numpy(weights / weights[present].mean()).float()
