"""What it takes to learn to draw faces."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import cv2
import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from mien.data import cache
from mien.errors import ManifestError
from mien.images import write
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.runtime.features import Features
from mien.train import build
from mien.train.loader import Loader
from mien.train.nets.stylegan2 import Generator
from mien.train.sampling import row_weights
from mien.train.targets import soft_targets
from mien.train.tasks.gan import Critic, Gan


class Drawing:
    """Learn to draw faces, of every class where there are classes.

    Args:
        recipe: the intent.
        manifest: faces; synthetic ones are refused, so that no generator learns from another.
        is_new: the run has no checkpoint to go on from.

    Raises:
        RecipeError: options do not fit.
        ManifestError: splits or files are missing, or faces are synthetic.
    """

    def __init__(self, recipe: Recipe, manifest: Manifest, is_new: bool) -> None:
        self.recipe, self.labels = recipe, manifest.labels
        self.learn, self.choose = (manifest.split(name) for name in (recipe.data.train, recipe.data.val))
        if recipe.data.per_class is not None:
            self.learn = self.learn.at_most(recipe.data.per_class, recipe.runtime.seed)
        for part in (self.learn, self.choose):
            part.check_files()
            if count := int((part.frame["origin"] == "synthetic").sum()):
                raise ManifestError(
                    f"{count} of {len(part)} faces are synthetic: a generator learns from real ones; leave them out "
                    "(origin 'real' or 'enhanced')"
                )
        self.features = Features(recipe.gan.features, device="cpu")
        classes = len(self.labels) if recipe.gan.conditional else 0
        self.nets: dict[str, nn.Module] = {
            "generator": build.generator(recipe, classes),
            "critic": build.critic(recipe, classes),
        }

    def prepare(
        self, run: RunDir, fabric: Fabric, progress: Callable[[str, int, int], None], say: Callable[[str], None]
    ) -> None:
        """Decode the faces, and look at those of the validation split as the recognizer does.

        Raises:
            ManifestError: no face can be read, or too few have a label.
        """
        found = []
        with fabric.rank_zero_first():
            for part, name in ((self.learn, self.recipe.data.train), (self.choose, self.recipe.data.val)):
                faces = cache.build(
                    part, self.recipe.preprocess, run.cache / f"{name}.npy", partial(progress, f"decoding {name}")
                )
                is_conditional = self.recipe.gan.conditional
                targets = (
                    soft_targets(part, self.recipe.data) if is_conditional else np.ones((len(part), 1), np.float32)
                )
                found.append((faces, targets[faces.rows]))
        (self.faces, self.targets), (unseen, classes) = found
        for problem in (*self.faces.problems, *unseen.problems):
            say(f"left out: {problem}")
        has_class = classes.any(axis=1)
        if has_class.sum() < 4:
            raise ManifestError(
                f"{int(has_class.sum())} faces of the split {self.recipe.data.val!r} have a class: expected at least 4 "
                "to compare drawn faces with"
            )
        self.classes, self.seen = classes[has_class], self._look(unseen.pixels[has_class])
        self.run = run

    def phase(self, stage: Recipe, fabric: Fabric) -> tuple[Gan, Loader]:
        """The task, and batches of real faces."""
        seed = stage.runtime.seed
        generator, critic = cast(Generator, self.nets["generator"]), cast(Critic, self.nets["critic"])
        task = Gan(generator, critic, stage.gan, self.classes, self.seen, self._look, self._show, seed, fabric)
        weights = row_weights(self.targets, self.labels, stage.sampling) if stage.gan.conditional else None
        loader = Loader(
            self.faces.pixels,
            self.targets,
            stage.runtime.batch,
            seed,
            fabric.device,
            weights=weights,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        return task, loader

    def _look(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, D) features of (N, S, S, C) faces."""
        return self.features([np.broadcast_to(face, (*face.shape[:2], 3)) for face in pixels])

    def _show(self, images: int, rows: list[NDArray[np.uint8]]) -> None:
        """Write a sheet of drawn faces: one line per class, the same latents in every line and every epoch."""
        picture = np.concatenate([np.concatenate(list(faces), axis=1) for faces in rows])
        large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        write(self.run.drawn / f"{images:09d}.png", np.asarray(large, np.uint8))
