"""torchvision's policies, image by image (a v2 transform on a whole batch would draw once for all of it)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torchvision.transforms import v2

#: One image (C, H, W) uint8 to another.
Policy = Callable[[torch.Tensor], torch.Tensor]


def none() -> None:
    """No policy."""


def autoaugment() -> Policy:
    """AutoAugment with the ImageNet policy (Cubuk et al., 2019)."""
    policy: Policy = v2.AutoAugment()
    return policy


def randaugment() -> Policy:
    """RandAugment, two operations of magnitude 9 (Cubuk et al., 2020)."""
    policy: Policy = v2.RandAugment()
    return policy


def trivialaugment() -> Policy:
    """TrivialAugment, wide (Mueller and Hutter, 2021)."""
    policy: Policy = v2.TrivialAugmentWide()
    return policy


def apply(policy: Policy, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change (N, C, H, W) uint8 images one by one; a grey image goes through widened, as some operations need colour.

    torchvision draws from the global numbers of the CPU: they are set from the generator, and put back afterwards.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    wide = pixels.expand(-1, 3, -1, -1).contiguous()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also set those of GPUs
        return torch.stack([policy(image) for image in wide])[:, : pixels.shape[1]]
