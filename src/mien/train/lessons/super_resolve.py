"""From manifest and recipe to an enhancer that can be trained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from lightning_fabric import Fabric
from torch import nn

from mien.data import cache
from mien.errors import RecipeError
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build
from mien.train.judge import Judge
from mien.train.loader import Loader
from mien.train.tasks.super_resolve import SuperResolve


class Restoration:
    """Learn to make small faces large and clear, from large ones that are made small.

    The large faces have the side ``preprocess.size_px * enhance.scale``. Those that are smaller in their pictures are
    left out: what they lack cannot be learned from them.

    Args:
        recipe: the intent.
        manifest: large faces; labels do not matter.
        is_new: the run has no checkpoint to go on from.

    Raises:
        RecipeError: options, weights or the judge of the recipe do not fit.
        ManifestError: splits or files are missing.
    """

    def __init__(self, recipe: Recipe, manifest: Manifest, is_new: bool) -> None:
        self.recipe = recipe
        self.large = recipe.preprocess.model_copy(
            update={"size_px": recipe.preprocess.size_px * recipe.enhance.scale, "enlarge": "cubic"}
        )
        self.learn, self.choose = (manifest.split(name) for name in (recipe.data.train, recipe.data.val))
        self.learn.check_files()
        self.choose.check_files()
        if recipe.enhance.patch_px > recipe.preprocess.size_px:
            raise RecipeError(
                "recipe",
                [
                    f"enhance.patch_px: {recipe.enhance.patch_px} is more than preprocess.size_px, "
                    f"{recipe.preprocess.size_px}"
                ],
            )
        self.judge = Judge(recipe.enhance.judge) if recipe.enhance.judge else None
        self.nets: dict[str, nn.Module] = {"net": build.enhancer(recipe)}

    def prepare(
        self, run: RunDir, fabric: Fabric, progress: Callable[[str, int, int], None], say: Callable[[str], None]
    ) -> None:
        """Decode the faces.

        Raises:
            ManifestError: no face can be read, or none is large enough.
        """
        found = []
        with fabric.rank_zero_first():
            for part, name in ((self.learn, self.recipe.data.train), (self.choose, self.recipe.data.val)):
                large = part.take(cache.at_least(part, self.large))
                if len(large) < len(part):
                    say(f"left out: {len(part) - len(large)} faces of {name} smaller than {self.large.size_px} px")
                found.append(
                    cache.build(large, self.large, run.cache / f"{name}.npy", partial(progress, f"decoding {name}"))
                )
        for problem in (problem for faces in found for problem in faces.problems):
            say(f"left out: {problem}")
        self.faces, self.unseen_faces = (faces.pixels for faces in found)

    def phase(self, stage: Recipe, fabric: Fabric) -> tuple[SuperResolve, Loader]:
        """The task, and batches of large faces."""
        judge = None if self.judge is None else self.judge.to(fabric.device)
        task = SuperResolve(self.nets["net"], stage.enhance, self.unseen_faces, stage.runtime.seed, fabric, judge)
        every_face = np.ones((len(self.faces), 1), np.float32)  # faces have no targets but themselves
        loader = Loader(
            self.faces,
            every_face,
            stage.runtime.batch,
            stage.runtime.seed,
            fabric.device,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        return task, loader
