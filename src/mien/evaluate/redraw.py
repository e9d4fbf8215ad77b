"""Draw the rows of a data set again and again, the same for every model that answered them: paired bootstrap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.interval import PIECE


def redraw(
    targets: NDArray[np.int64],
    answers: NDArray[np.intp],
    classes: int,
    *,
    draws: int = 1000,
    seed: int = 0,
    units: NDArray[np.intp] | None = None,
) -> NDArray[np.float32]:
    """Confusion matrices over data sets drawn with replacement, every model on the same rows.

    Args:
        targets: (N,) class indices, all of them known.
        answers: (K, N) of K models.
        classes: how many.
        draws: data sets.
        seed: the same seed draws the same rows.
        units: (N,) from :func:`mien.evaluate.interval.units_of`: whole units are drawn; None for single rows.

    Returns:
        (K, draws, C, C) counts; row = label, column = answer. Whole numbers, exact as float32 below 16 million rows.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 16.

    Example:
        >>> found = redraw(np.array([0, 1, 1]), np.array([[0, 1, 0], [0, 0, 1]]), 2, draws=5)
        >>> found.shape, set(found.sum(axis=(2, 3)).ravel().tolist())
        ((2, 5, 2, 2), {3.0})
    """
    models, size = len(answers), classes * classes
    cells = [np.eye(size, dtype=np.float32)[targets * classes + each] for each in answers]
    pieces = [[weights @ cell for cell in cells] for weights in _weights(len(targets), draws, seed, units)]
    joined = np.concatenate([np.stack(piece) for piece in pieces], axis=1)
    return joined.reshape(models, draws, classes, classes)


def _weights(count: int, draws: int, seed: int, units: NDArray[np.intp] | None) -> Iterator[NDArray[np.float32]]:
    """(b, N) how often each row is drawn, in pieces."""
    generator = np.random.default_rng(seed)
    things = count if units is None else int(units.max()) + 1
    step = max(1, PIECE // count)
    for start in range(0, draws, step):
        here = min(step, draws - start)
        drawn = generator.integers(0, things, (here, things)) + things * np.arange(here)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=here * things).reshape(here, things).astype(np.float32)
        yield weights if units is None else weights[:, units]
