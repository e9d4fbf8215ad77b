"""MixUp, CutMix and random erasing: pictures that are no longer one picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mien.parts import Augment


def _beta(alpha: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """(count,) draws from Beta(alpha, alpha), through two gamma draws made with the generator."""
    gammas = torch._standard_gamma(torch.full((2, count), float(alpha)), generator=generator).clamp_min_(1e-12)
    return gammas[0] / gammas.sum(dim=0)


def _rectangles(
    area: torch.Tensor, aspect: torch.Tensor, height: int, width: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw places for rectangles.

    Args:
        area: (N, K) share of the image that each of its K rectangles covers; they are cut at the border.
        aspect: (N, K) height / width.
        height: of the images.
        width: of the images.
        generator: on the CPU.

    Returns:
        (N, 1, height, width) masks, true inside.
    """
    half_height = (area * aspect).sqrt().clamp(max=1) * height / 2
    half_width = (area / aspect).sqrt().clamp(max=1) * width / 2
    middle_y, middle_x = torch.rand(2, *area.shape, generator=generator) * torch.tensor([height, width]).view(2, 1, 1)
    rows = ((torch.arange(height) + 0.5).view(-1, 1) - middle_y[:, None]).abs() < half_height[:, None]
    columns = (torch.arange(width) + 0.5 - middle_x[:, :, None]).abs() < half_width[:, :, None]
    return (torch.bmm(rows.float(), columns.float()) > 0)[:, None]  # inside one of the K


def erase(images: torch.Tensor, share: float, holes: int, generator: torch.Generator) -> torch.Tensor:
    """Paint rectangles that cover 2 to 25 % of the area in a random shade over ``share`` of the images.

    Args:
        images: (N, C, H, W) in [0, 1].
        share: of the images.
        holes: rectangles per image; they share the area.
        generator: on the CPU.

    Source: Zhong et al., "Random Erasing Data Augmentation", 2020, with areas up to 0.4 and aspects from 0.3 to 3.3;
    here up to 0.25 and 0.37 to 2.7, rectangles may be cut at the border, and one shade fills them instead of noise.
    Like CoarseDropout with several holes; with one, like DeVries and Taylor's Cutout, 2017, in varying sizes.
    """
    count, _, height, width = images.shape
    chosen = (torch.rand(count, generator=generator) < share).nonzero()[:, 0]
    count = len(chosen)
    area = torch.empty(count, 1).uniform_(0.02, 0.25, generator=generator).expand(-1, holes) / holes
    aspect = torch.exp(torch.empty(count, holes).uniform_(-1.0, 1.0, generator=generator))
    inside = _rectangles(area, aspect, height, width, generator).to(images.device)
    shade = torch.rand(count, 1, 1, 1, generator=generator).to(images)
    chosen = chosen.to(images.device)
    return images.index_copy(0, chosen, torch.where(inside, shade, images[chosen]))


@dataclass(frozen=True)
class Blend:
    """Which image went into which, and how much of the first remains; the same is done to what they should be called.

    Attributes:
        partner: (N,) number of the other image.
        keep: (N,) share of the image's own.
    """

    partner: torch.Tensor
    keep: torch.Tensor

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Blend (N, K) rows, such as targets or a teacher's answers."""
        keep = self.keep.view(-1, 1).to(rows)
        return rows * keep + rows[self.partner] * (1 - keep)


def mix(images: torch.Tensor, recipe: Augment, generator: torch.Generator) -> tuple[torch.Tensor, Blend | None]:
    """Blend every image with another of the batch (MixUp), or paste a rectangle of it (CutMix).

    Args:
        images: (N, C, H, W).
        recipe: says which, how strongly and how often.
        generator: on the CPU.

    Returns:
        The images, and what to do to the targets; None when this batch is not mixed.

    Source: Zhang et al., "mixup", 2018; Yun et al., "CutMix", 2019, where the share of the target is the share
    of the pixels that remain. One weight per image instead of one per batch.
    """
    kinds = [kind for kind, alpha in (("mixup", recipe.mixup), ("cutmix", recipe.cutmix)) if alpha > 0]
    draw = torch.rand(2, generator=generator)
    if not kinds or float(draw[0]) >= recipe.mix_share:
        return images, None
    kind = kinds[int(float(draw[1]) * len(kinds))]
    count, _, height, width = images.shape
    partner = torch.randperm(count, generator=generator).to(images.device)
    keep = _beta(recipe.mixup if kind == "mixup" else recipe.cutmix, count, generator)
    if kind == "mixup":
        weight = keep.view(-1, 1, 1, 1).to(images)
        images = torch.lerp(images[partner], images, weight)
    else:
        inside = _rectangles(1 - keep[:, None], torch.ones(count, 1), height, width, generator)
        keep = 1 - inside.float().mean(dim=(1, 2, 3))
        images = torch.where(inside.to(images.device), images[partner], images)
    return images, Blend(partner, keep)
