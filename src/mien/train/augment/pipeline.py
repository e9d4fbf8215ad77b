"""From decoded pictures to the network's input, with all variation that the recipe asks for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn import functional

from mien.parts import Augment
from mien.preprocess import Preprocess
from mien.train.augment.geometry import warp
from mien.train.augment.levels import Strength, level_of
from mien.train.augment.light import coarsen, grain, light
from mien.train.augment.mix import erase, mix
from mien.train.augment.policy import Policy, apply
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
        counts: (classes,) training pictures of each class; only ``rare_level`` needs them.
    """

    def __init__(self, recipe: Augment, preprocess: Preprocess, epochs: int, counts: ArrayLike | None = None) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.preprocess = preprocess
        self.levels = [level_of(recipe, recipe.level)]
        self.rare = torch.zeros(0, dtype=torch.int64)
        if recipe.rare_level is not None:
            if counts is None:
                raise ValueError("augment.rare_level needs the pictures of each class")
            self.levels.append(level_of(recipe, recipe.rare_level))
            numbers = np.asarray(counts, np.float64)
            self.rare = torch.from_numpy(numbers < numbers.mean()).long()  # fewer than an even share
        self.policy: Policy | None = POLICIES.load(recipe.policy)()

    def size_px(self, epoch: int) -> int:
        """Side of the training images in an epoch, counted from 1."""
        is_small = self.recipe.small_px and epoch <= self.recipe.small_share * self.epochs
        return self.recipe.small_px if is_small else self.preprocess.size_px

    def __call__(self, batch: Batch) -> Views:
        """Make a training batch; all draws come from the batch's generator."""
        pixels, generator = batch.pixels.permute(0, 3, 1, 2), batch.generator
        if self.policy is not None:
            pixels = apply(self.policy, pixels, generator)
        images = pixels.float().div_(255)
        size = self.size_px(batch.epoch)
        strength = self._strength(batch.targets)
        if any(level.moves for level in self.levels):
            images = warp(images, size, strength, generator)
        elif images.shape[-1] != size:
            mode = "bilinear" if self.preprocess.enlarge == "linear" else "bicubic"
            images = functional.interpolate(images, size=(size, size), mode=mode).clamp_(0, 1)
        if any(level.lights for level in self.levels):
            images = light(images, strength, generator)
        if any(level.coarse for level in self.levels):
            images = coarsen(images, strength, generator)
        if self.recipe.noise:
            images = grain(images, self.recipe.noise, generator)
        if self.recipe.erasing:
            images = erase(images, self.recipe.erasing, self.recipe.erasing_holes, generator)
        images, blend = mix(images, self.recipe, generator)
        mean = torch.tensor(self.preprocess.mean, device=images.device).view(1, -1, 1, 1)
        std = torch.tensor(self.preprocess.std, device=images.device).view(1, -1, 1, 1)
        targets, teacher = batch.targets, batch.teacher
        if blend is not None:
            targets, teacher = blend(targets), None if teacher is None else blend(teacher)
        return Views(images.sub_(mean).div_(std), targets, teacher)

    def _strength(self, targets: torch.Tensor) -> Strength:
        """How far each image is varied; it belongs to its likeliest class."""
        if len(self.levels) == 1:
            return Strength.of(self.levels, torch.zeros(len(targets), dtype=torch.int64))
        return Strength.of(self.levels, self.rare[targets.argmax(dim=1).cpu()])
