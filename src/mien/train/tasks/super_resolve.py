"""Learn to make small faces large and clear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from mien.enhance.quality import psnr, ssim
from mien.parts import Enhance
from mien.train.average import settle_norms
from mien.train.degrade import cut, shrink
from mien.train.judge import Judge
from mien.train.loader import Batch
from mien.train.tasks import Update

#: Of the Charbonnier loss: about one step of 8-bit values.
EPSILON = 1 / 255
#: Side of the window of the SSIM in the loss; a plain mean, which is quicker than the Gaussian of the metric.
WINDOW_PX = 7


class SuperResolve:
    """One network, one update per step; the small pictures are made anew for every batch.

    Args:
        net: (N, 1, h, w) luminance from 0 to 1 to (N, 1, h * scale, w * scale).
        recipe: scale, degradation and loss.
        pixels: large validation faces (N, H, W, 1) uint8.
        seed: of the degradation of the validation faces, which is the same in every epoch.
        fabric: the processes that share the work.
        judge: a recognizer that should read the same before and after.
    """

    def __init__(
        self,
        net: nn.Module,
        recipe: Enhance,
        pixels: NDArray[np.uint8],
        seed: int,
        fabric: Fabric,
        judge: Judge | None = None,
    ) -> None:
        self.net = net
        self.recipe = recipe
        self.pixels = pixels
        self.seed = seed
        self.fabric = fabric
        self.judge = judge

    def parts(self) -> Mapping[str, nn.Module]:
        """The net."""
        return {"net": self.net}

    def pairs(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Small pictures and the large ones they were made from, both from 0 to 1."""
        scale = self.recipe.scale
        whole = batch.pixels.permute(0, 3, 1, 2)
        side = self.recipe.patch_px * scale or whole.shape[2]
        large = cut(whole, side, scale, batch.generator).float() / 255
        return shrink(large, scale, self.recipe.degrade, batch.generator), large

    def updates(self, parts: Mapping[str, nn.Module], batch: Batch) -> Iterator[Update]:
        """Loss of one batch, and its parts."""
        small, large = self.pairs(batch)
        enhanced = parts["net"](small.contiguous(memory_format=torch.channels_last)).float()
        error = charbonnier(enhanced, large)
        unlike = 1 - likeness(enhanced, large)
        loss = (1 - self.recipe.structure) * error + self.recipe.structure * unlike
        logs = {"charbonnier": error, "ssim": 1 - unlike}
        if self.judge is not None:
            apart = self.judge(enhanced, large)
            loss = loss + self.recipe.consistency * apart
            logs["apart"] = apart
        yield Update("net", loss, logs)

    def settle(self, parts: Mapping[str, nn.Module], batches: Iterable[Batch]) -> None:
        """Measure the statistics of batch norms on training batches."""
        settle_norms(parts["net"], (self.pairs(batch)[0] for batch in batches))

    def validate(self, parts: Mapping[str, nn.Module]) -> dict[str, Any]:
        """PSNR and SSIM over the validation faces, and those of bicubic interpolation beside them."""
        net, device = parts["net"].eval(), self.fabric.device
        generator = torch.Generator().manual_seed(self.seed)
        found = []
        for start in range(0, len(self.pixels), 32):
            large = torch.from_numpy(np.array(self.pixels[start : start + 32])).permute(0, 3, 1, 2)
            small = shrink(large.float() / 255, self.recipe.scale, self.recipe.degrade, generator)
            with torch.inference_mode():
                enhanced = net(small.to(device).contiguous(memory_format=torch.channels_last)).float().cpu()
            pictures = [(batch * 255).round().clamp(0, 255).byte().numpy()[:, 0] for batch in (enhanced, small)]
            for after, before, original in zip(*pictures, large.numpy()[:, 0], strict=True):
                plain = np.asarray(cv2.resize(before, original.shape[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
                found.append(
                    (psnr(after, original), ssim(after, original), psnr(plain, original), ssim(plain, original))
                )
        names = ("psnr", "ssim", "bicubic_psnr", "bicubic_ssim")
        means = np.mean(np.minimum(found, 100.0), axis=0)  # a blank picture has an infinite PSNR
        return {name: float(value) for name, value in zip(names, means, strict=True)}


def charbonnier(enhanced: torch.Tensor, large: torch.Tensor) -> torch.Tensor:
    """Like the mean absolute error, but smooth at zero; a scalar.

    Source: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed imaging", 1994.
    """
    return ((enhanced - large).square() + EPSILON**2).sqrt().mean() - EPSILON


def likeness(enhanced: torch.Tensor, large: torch.Tensor) -> torch.Tensor:
    """SSIM of values from 0 to 1, a scalar; means over squares of seven pixels, every other place.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, equation 13.
    """

    def mean(values: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(values, WINDOW_PX, stride=2)

    mine, theirs = mean(enhanced), mean(large)
    variance = mean(enhanced * enhanced) - mine * mine
    of_other = mean(large * large) - theirs * theirs
    together = mean(enhanced * large) - mine * theirs
    like = (2 * mine * theirs + 0.01**2) * (2 * together + 0.03**2)
    like = like / ((mine * mine + theirs * theirs + 0.01**2) * (variance + of_other + 0.03**2))
    return like.mean()
