"""Which shares have the classes in what a network is taught? They go into its card, for ``mien.runtime.prior``."""

from __future__ import annotations

import numpy as np

from mien.card import Card
from mien.errors import InputError
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.train.losses.logit_adjusted import log_prior
from mien.train.losses.objective import class_weights
from mien.train.sampling import row_weights
from mien.train.targets import soft_targets


def taught(recipe: Recipe, manifest: Manifest) -> tuple[float, ...]:
    """Shares of the classes that a network takes for granted once it has learned.

    They are those of its targets, where votes count in parts: drawn, smoothed and weighted as in the last phase. A loss
    that knows the frequencies keeps them out of the answers, so they are taken out here too. Teachers are believed
    to agree with the targets.

    Args:
        recipe: of a classifier.
        manifest: over the classes that are learned.

    Returns:
        One per class, adding up to one.

    Raises:
        ManifestError: no such split, or no row with a usable target.
    """
    stage = recipe.stages()[-1]
    rows = manifest.split(recipe.data.train)
    if recipe.data.per_class is not None:
        rows = rows.at_most(recipe.data.per_class, recipe.runtime.seed)
    targets = soft_targets(rows, recipe.data).astype(np.float64)
    drawn = row_weights(targets.astype(np.float32), manifest.labels, stage.sampling)
    counts = (targets if drawn is None else targets[drawn > 0]).sum(axis=0)  # what the loss is told, as in a training
    shares = targets.sum(axis=0) if drawn is None else drawn @ targets
    loss = stage.loss
    shares = (1 - loss.smoothing) * shares / shares.sum() + loss.smoothing / len(shares)
    if (weights := class_weights(loss, counts)) is not None:
        shares = shares * weights.numpy()
    tau = {"logit_adjusted": loss.option("tau"), "balanced_softmax": 1.0}.get(loss.name, 0.0)
    shares = shares * np.exp(-tau * log_prior(counts).numpy().astype(np.float64))
    return tuple((shares / shares.sum()).round(6).tolist())


def taught_by(manifest: Manifest, card: Card) -> tuple[float, ...]:
    """The shares for the card of a model that was trained on a manifest, perhaps elsewhere.

    Where the card has no recipe of mien, the labels of the split train are counted, or of all rows.

    Raises:
        InputError: no row has a label of the model.
    """
    manifest = manifest.with_labels(card.labels)
    if card.recipe:
        return taught(Recipe.load(card.recipe), manifest)
    is_train = (manifest.frame["split"] == "train").to_numpy()
    targets = manifest.targets()[is_train if is_train.any() else slice(None)]
    counts = np.bincount(targets[targets >= 0], minlength=len(card.classes))
    if not counts.any():
        raise InputError(f"no row of the manifest has one of the labels {', '.join(card.classes)}")
    return tuple((counts / counts.sum()).round(6).tolist())
