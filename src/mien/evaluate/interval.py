"""How far could these numbers be off? Bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluate.metrics import plain
from mien.scores import Scores

#: Groups are drawn in pieces of about this many numbers, 80 MB.
PIECE = 10_000_000


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``: where the number would lie in ``level`` of data sets drawn like this one."""

    low: float
    high: float
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"low": plain(self.low), "high": plain(self.high), "level": self.level}


def intervals(
    scores: Scores, *, draws: int = 1000, level: float = 0.95, seed: int = 0, groups: NDArray[Any] | None = None
) -> dict[str, Interval]:
    """Percentile bootstrap of accuracy, balanced accuracy and macro-F1.

    Drawing N rows with replacement is drawing the cells of the confusion matrix from a multinomial distribution, so
    the rows themselves are not touched. With groups, whole groups are drawn: rows of one person are alike, and an
    interval that takes them as independent is too narrow.

    Args:
        scores: rows without a label do not count.
        draws: data sets drawn.
        level: share of the draws that the interval holds.
        seed: the same seed gives the same interval.
        groups: (N,) one value per row of ``scores``, e.g. ``scores.subjects``; rows with an empty text stand alone.

    Raises:
        InputError: no row has a label, or draws or level make no sense.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 13.

    Example:
        >>> from mien.labels import Labels
        >>> logits = np.repeat(np.array([[1, 0], [0, 1]], np.float32), 50, axis=0)
        >>> targets = np.r_[np.zeros(40, int), np.ones(60, int)]
        >>> found = intervals(Scores(logits, targets, Labels(("a", "b")), np.full(100, "x")))["accuracy"]
        >>> 0.8 < found.low < 0.9 < found.high < 1
        True
    """
    if draws < 2 or not 0 < level < 1:
        raise InputError(
            f"a bootstrap with {draws} draws at level {level}: expected at least 2, and a level from 0 to 1"
        )
    labelled = scores.targets >= 0
    if not labelled.any():
        raise InputError("no row of the scores has a label, so there is no interval")
    classes = len(scores.labels)
    cells = scores.targets[labelled] * classes + scores.logits[labelled].argmax(axis=1)
    generator = np.random.default_rng(seed)
    if groups is None:
        counts = np.bincount(cells, minlength=classes * classes)
        drawn = generator.multinomial(len(cells), counts / len(cells), draws)
    else:
        drawn = draw_groups(cells, np.asarray(groups)[labelled], classes * classes, draws, generator)
    low, high = (1 - level) / 2, (1 + level) / 2
    found = {}
    for name, values in numbers_of(drawn.reshape(draws, classes, classes)).items():
        bounds = np.quantile(values, [low, high])
        found[name] = Interval(float(bounds[0]), float(bounds[1]), level)
    return found


def draw_groups(
    cells: NDArray[np.int64], groups: NDArray[Any], size: int, draws: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """(draws, size) cells, whole groups drawn with replacement."""
    group = units_of(groups)
    count = int(group.max()) + 1
    table = np.bincount(group * size + cells, minlength=count * size).reshape(count, size).astype(np.float64)
    step = max(1, PIECE // count)
    pieces = [
        generator.multinomial(count, np.full(count, 1 / count), min(step, draws - start)).astype(np.float64) @ table
        for start in range(0, draws, step)
    ]
    return np.rint(np.concatenate(pieces)).astype(np.int64)


def draw_means(
    values: NDArray[np.floating[Any]], *, draws: int = 1000, seed: int = 0, groups: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Means of columns over data sets drawn with replacement, all columns over the same rows.

    Args:
        values: (N, K) numbers of each row.
        draws: data sets drawn.
        seed: the same seed draws the same rows.
        groups: (N,) one value per row, e.g. persons: whole groups are drawn; an empty text stands alone.

    Returns:
        (draws, K) float64.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993. Differences of columns are paired.

    Example:
        >>> draw_means(np.ones((5, 2)), draws=3).tolist()
        [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    """
    generator = np.random.default_rng(seed)
    table = np.column_stack([values, np.ones(len(values))])
    if groups is not None and (np.asarray(groups).astype(str) != "").any():
        unit = units_of(groups)
        order = np.argsort(unit, kind="stable")
        table = np.add.reduceat(table[order], np.flatnonzero(np.diff(unit[order], prepend=-1)))
    count = len(table)
    step = max(1, PIECE // count)
    pieces = [
        generator.multinomial(count, np.full(count, 1 / count), min(step, draws - start)).astype(np.float64) @ table
        for start in range(0, draws, step)
    ]
    sums = np.concatenate(pieces)
    means: NDArray[np.float64] = sums[:, :-1] / sums[:, -1:]
    return means


def units_of(groups: NDArray[Any]) -> NDArray[np.intp]:
    """(N,) number of what is drawn as a whole: one per name, and one of its own for each row without a name.

    Example:
        >>> units_of(np.array(["ann", "", "bob", "ann", ""])).tolist()
        [0, 2, 1, 0, 3]
    """
    texts = np.asarray(groups).astype(str)
    names, unit = np.unique(texts, return_inverse=True)
    alone = texts == ""
    unit = np.where(alone, len(names) + np.cumsum(alone), unit)
    _, unit = np.unique(unit, return_inverse=True)
    return np.asarray(unit, np.intp)


def numbers_of(confusions: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Accuracy, balanced accuracy and macro-F1 of (..., C, C) confusion matrices; classes absent from one left out."""
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    support, named = confusions.sum(axis=-1), confusions.sum(axis=-2)
    present = support > 0
    recall, f1 = hits / np.maximum(support, 1), 2 * hits / np.maximum(support + named, 1)
    classes = present.sum(axis=-1)
    return {
        "accuracy": hits.sum(axis=-1) / confusions.sum(axis=(-2, -1)),
        "balanced_accuracy": np.where(present, recall, 0).sum(axis=-1) / classes,
        "macro_f1": np.where(present, f1, 0).sum(axis=-1) / classes,
    }
