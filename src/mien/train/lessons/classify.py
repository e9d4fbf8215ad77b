"""From manifest and recipe to a classifier that can be trained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from mien.data import cache
from mien.errors import ManifestError
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build, distill
from mien.train.augment.pipeline import Augmentation
from mien.train.loader import Loader
from mien.train.nets.exported import settle
from mien.train.sampling import row_weights
from mien.train.targets import class_counts, soft_targets
from mien.train.tasks.classify import Classify

#: Faces that the batch norms of a net from a model file take their statistics from.
STATISTICS = 256


class Classification:
    """Learn to name the perceived expression.

    Args:
        recipe: the intent.
        manifest: the data, over the classes that are learned.
        is_new: the run has no checkpoint to go on from.

    Raises:
        RecipeError: names, options, weights or teachers of the recipe do not fit.
        ManifestError: splits or files are missing.
    """

    def __init__(self, recipe: Recipe, manifest: Manifest, is_new: bool) -> None:
        self.recipe, self.labels = recipe, manifest.labels
        self.learn, self.choose = (manifest.split(name) for name in (recipe.data.train, recipe.data.val))
        if recipe.data.per_class is not None:
            self.learn = self.learn.at_most(recipe.data.per_class, recipe.runtime.seed)
        self.learn.check_files()
        self.choose.check_files()
        self.is_new = is_new
        if is_new:
            distill.check(recipe.distill, manifest.labels)
            net: nn.Module = build.classifier(recipe, manifest.labels)
        else:  # a run that goes on has its teachers' answers and its weights already
            net = build.net(recipe, len(manifest.labels))
        self.nets = {"net": net}

    def prepare(
        self, run: RunDir, fabric: Fabric, progress: Callable[[str, int, int], None], say: Callable[[str], None]
    ) -> None:
        """Decode the pictures, ask the teachers, and look at the targets.

        Raises:
            ManifestError: no picture can be read, or no validation row has a label.
        """
        recipe, labels = self.recipe, self.labels
        for stage in recipe.stages():
            if len(found := stage.imbalance_corrections()) > 1:
                say(f"warning: imbalance is corrected {len(found)} times over ({', '.join(found)}): keep one of them")
                break
        with fabric.rank_zero_first():
            self.faces, faces = (
                cache.build(part, recipe.preprocess, run.cache / f"{name}.npy", partial(progress, f"decoding {name}"))
                for part, name in ((self.learn, recipe.data.train), (self.choose, recipe.data.val))
            )
            used, asking = self.learn.take(self.faces.rows), partial(progress, "asking the teachers")
            self.teacher = distill.answers(recipe.distill, used, labels, run, asking)
        for problem in (*self.faces.problems, *faces.problems):
            say(f"left out: {problem}")
        self.targets = soft_targets(self.learn, recipe.data)[self.faces.rows]
        if unseen := [name for name, count in zip(labels, self.targets.sum(axis=0), strict=True) if count == 0]:
            say(f"no training picture of {', '.join(unseen)}: data.labels leaves such classes out")
        truth = self.choose.targets()[faces.rows]
        if not (truth >= 0).any():
            raise ManifestError(
                f"no row of the split {recipe.data.val!r} has a label, so there is nothing to choose by"
            )
        if self.is_new and any(start.startswith("model:") for start in recipe.model.starts):
            settle(self.nets["net"], self._some_faces())
        self.unseen_faces, self.truth = faces.pixels[truth >= 0], truth[truth >= 0]

    def _some_faces(self) -> torch.Tensor:
        """Training faces, drawn at random, as the net takes them."""
        count = min(STATISTICS, len(self.faces.pixels))
        rows = np.random.default_rng(self.recipe.runtime.seed).choice(len(self.faces.pixels), count, replace=False)
        faces = (self.faces.pixels[row] for row in np.sort(rows))
        return torch.from_numpy(self.recipe.preprocess([np.broadcast_to(face, (*face.shape[:2], 3)) for face in faces]))

    def phase(self, stage: Recipe, fabric: Fabric) -> tuple[Classify, Loader]:
        """Loss, augmentation and sampling of one phase."""
        weights = row_weights(self.targets, self.labels, stage.sampling)
        drawn = slice(None) if weights is None else weights > 0
        task = Classify(
            self.nets["net"],
            build.loss(stage, self.targets[drawn].sum(axis=0)).to(fabric.device),
            Augmentation(stage.augment, stage.preprocess, stage.schedule.epochs, class_counts(self.targets)),
            stage.preprocess,
            self.labels,
            self.unseen_faces,
            self.truth,
            fabric,
        )
        loader = Loader(
            self.faces.pixels,
            self.targets,
            stage.runtime.batch,
            stage.runtime.seed,
            fabric.device,
            teacher=self.teacher,
            weights=weights,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        return task, loader
