"""Backbone and head, one after the other, and what a model file gives of them."""

from __future__ import annotations

import torch
from torch import nn

from mien.train.nets.fused import Fused


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


class Answers(nn.Module):
    """All outputs of a model file: the logits and, of a classifier with a fused backbone, the weights of its members.

    Args:
        net: images to logits, or to whatever the output's name says.
        names: of the output.

    Attributes:
        names: of the outputs, in order.
    """

    def __init__(self, net: nn.Module, names: tuple[str, ...] = ("logits",)) -> None:
        super().__init__()
        self.net = net
        self.is_fused = isinstance(net, Classifier) and isinstance(net.backbone, Fused)
        self.names = (*names, "member_weights") if self.is_fused else names

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(N, C, H, W) float -> (N, classes) logits, and (N, M) weights where there are members."""
        if not self.is_fused:
            return (self.net(images),)
        features, weights = self.net.backbone.weigh(images)  # type: ignore[union-attr, operator]  # is_fused says so
        return self.net.head(features), weights  # type: ignore[operator]
