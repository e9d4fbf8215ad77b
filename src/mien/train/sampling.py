"""How often each class is drawn, as a function of how many pictures it has; and which rows that makes how likely."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.errors import RecipeError
from mien.labels import Labels
from mien.parts import Sampling
from mien.train.tables import SAMPLERS

#: (classes,) counts above 0 and the recipe to (classes,) weights of one picture of each class.
Sampler = Callable[[NDArray[np.float64], Sampling], NDArray[np.float64]]


def shuffle(counts: NDArray[np.float64], recipe: Sampling) -> NDArray[np.float64]:
    """Every picture is as likely as every other."""
    return np.ones_like(counts)


def inverse_frequency(counts: NDArray[np.float64], recipe: Sampling) -> NDArray[np.float64]:
    """1 / n: every class is as likely as every other."""
    return 1 / counts


def square_root(counts: NDArray[np.float64], recipe: Sampling) -> NDArray[np.float64]:
    """1 / sqrt(n): a class is as likely as the root of its count (Mahajan et al., 2018)."""
    return 1 / np.sqrt(counts)


def effective_number(counts: NDArray[np.float64], recipe: Sampling) -> NDArray[np.float64]:
    """(1 - beta) / (1 - beta^n).

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", 2019, equation 2.
    """
    return (1 - recipe.beta) / (1 - recipe.beta**counts)


def row_weights(targets: NDArray[np.float32], labels: Labels, recipe: Sampling) -> NDArray[np.float64] | None:
    """How likely each row is to be drawn.

    Args:
        targets: (N, C), rows summing to one, or to zero for rows that are not used; a row counts for
            its likeliest class.
        labels: names of the classes.
        recipe: sampler, boosts and classes.

    Returns:
        (N,) not negative, 0 = never; None when every row is to come once an epoch.

    Raises:
        RecipeError: a class that the data does not have, or none of the classes has a picture.
    """
    if recipe == Sampling():
        return None
    mistakes = [
        f"sampling.{key}: {name!r} is not a class; classes: {', '.join(labels)}"
        for key, names in (("boosts", recipe.boosts), ("classes", recipe.classes if recipe.classes != "weak" else ()))
        for name in ([] if names == "all" else names)
        if labels.find(name) is None
    ]
    if mistakes:
        raise RecipeError("recipe", mistakes)
    used = targets.any(axis=1)
    classes = targets.argmax(axis=1)
    counts = np.bincount(classes[used], minlength=len(labels)).astype(float)
    weights = np.zeros(len(labels))
    weights[counts > 0] = SAMPLERS.load(recipe.name)(counts[counts > 0], recipe)
    for name, factor in recipe.boosts.items():
        weights[labels.index(name)] *= factor
    if recipe.classes == "weak":
        weights[counts >= counts.sum() / len(labels)] = 0
    elif recipe.classes != "all":
        weights[[index for index in range(len(labels)) if index not in map(labels.index, recipe.classes)]] = 0
    rows: NDArray[np.float64] = np.where(used, weights[classes], 0)
    if not rows.any():
        raise RecipeError("recipe", [f"sampling.classes: no picture of {recipe.classes} is left to learn from"])
    return rows
