"""From decoded pictures to the network's input, with all variation that the recipe asks for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

from mien.parts import Augment
from mien.preprocess import Preprocess
from mien.train.augment.levels import LEVELS, coarsen, light, warp
from mien.train.augment.mix import erase, mix
from mien.train.augment.policy import Policy
from mien.train.loader import Batch
from mien.train.tables import POLICIES


class Views(NamedTuple):
    """What the network sees of a batch, and what it should say.

    Attributes:
        images: (N, C, size, size) float32, normalised.
        targets: (N, classes) float32, rows summing to one.
        teacher: the same from the teachers; None without teachers.
    """

    images: torch.Tensor
    targets: torch.Tensor
    teacher: torch.Tensor | None


class Augmentation:
    """Vary one batch.

    Args:
        recipe: how.
        preprocess: the network's input contract.
        epochs: of the whole run.
    """

    def __init__(self, recipe: Augment, preprocess: Preprocess, epochs: int) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.preprocess = preprocess
        self.level = LEVELS[recipe.level]
        self.policy: Policy | None = POLICIES.load(recipe.policy)()

    def size_px(self, epoch: int) -> int:
        """Side of the training images in an epoch, counted from 1."""
        is_small = self.recipe.small_px and epoch <= self.recipe.small_share * self.epochs
        return self.recipe.small_px if is_small else self.preprocess.size_px

    def __call__(self, batch: Batch) -> Views:
        """Make a training batch; all draws but the policy's come from the batch's generator."""
        pixels, generator = batch.pixels.permute(0, 3, 1, 2), batch.generator
        if self.policy is not None:
            pixels = torch.stack([self._apply(self.policy, image) for image in pixels])
        images = pixels.float().div_(255)
        size = self.size_px(batch.epoch)
        if self.level == LEVELS[0]:
            if images.shape[-1] != size:
                mode = "bilinear" if self.preprocess.enlarge == "linear" else "bicubic"
                images = functional.interpolate(images, size=(size, size), mode=mode).clamp_(0, 1)
        else:
            images = warp(images, size, self.level, generator)
            images = light(images, self.level, generator)
            if self.level.coarse:
                images = coarsen(images, self.level, generator)
        if self.recipe.erasing:
            images = erase(images, self.recipe.erasing, generator)
        images, blend = mix(images, self.recipe, generator)
        mean = torch.tensor(self.preprocess.mean, device=images.device).view(1, -1, 1, 1)
        std = torch.tensor(self.preprocess.std, device=images.device).view(1, -1, 1, 1)
        targets, teacher = batch.targets, batch.teacher
        if blend is not None:
            targets, teacher = blend(targets), None if teacher is None else blend(teacher)
        return Views((images - mean) / std, targets, teacher)

    @staticmethod
    def _apply(policy: Policy, image: torch.Tensor) -> torch.Tensor:
        """Policies of colour need three channels; a grey image goes through them widened."""
        wide = image.expand(3, -1, -1) if len(image) == 1 else image
        return policy(wide.contiguous())[: len(image)]
