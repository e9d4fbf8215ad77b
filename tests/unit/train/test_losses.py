from __future__ import annotations

import math

import torch

from mien.parts import Loss
from mien.train.losses.cross_entropy import CrossEntropy

LOGITS = torch.tensor([[math.log(3.0), 0.0]])  # probabilities 3/4 and 1/4


def test_cross_entropy_of_a_hard_and_a_soft_target():
    loss = CrossEntropy(Loss())
    torch.testing.assert_close(loss(LOGITS, torch.tensor([[1.0, 0.0]])), torch.tensor(-math.log(0.75)))
    expected = -0.4 * math.log(0.75) - 0.6 * math.log(0.25)
    torch.testing.assert_close(loss(LOGITS, torch.tensor([[0.4, 0.6]])), torch.tensor(expected))


def test_smoothing_by_hand():
    loss = CrossEntropy(Loss(smoothing=0.2))
    expected = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)  # 0.8 * (1, 0) + 0.2 / 2
    torch.testing.assert_close(loss(LOGITS, torch.tensor([[1.0, 0.0]])), torch.tensor(expected))
