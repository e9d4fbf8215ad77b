"""Backbone and head, one after the other."""

from __future__ import annotations

import torch
from torch import nn


class Classifier(nn.Module):
    """Images to logits.

    Args:
        backbone: (N, C, H, W) -> (N, F).
        head: (N, F) -> (N, classes).
    """

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) float -> (N, classes) logits."""
        logits: torch.Tensor = self.head(self.backbone(images))
        return logits
