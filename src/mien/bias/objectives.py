"""What biases are good for: numbers of counted answers, the higher the better, each between 0 and 1.

Every entry is a function of counts (K, C + 1, C) (row = label, the last for rows without one; column = answer) and of
shares (C,), or None where it takes none, and gives (K,) values. A class without a row is left out of means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.bias.tally import Counts
from mien.errors import InputError
from mien.table import Table

Vector = NDArray[np.float64]

OBJECTIVES = Table(
    "objective",
    {
        "macro_recall": ("mien.bias.objectives:macro_recall", "mean recall of the classes (balanced accuracy)"),
        "macro_f1": ("mien.bias.objectives:macro_f1", "mean F1 of the classes"),
        "weighted_f1": ("mien.bias.objectives:weighted_f1", "mean F1, every class weighted by its rows"),
        "accuracy": ("mien.bias.objectives:accuracy", "share of rows that are right"),
        "weighted_recall": ("mien.bias.objectives:weighted_recall", "mean recall, weighted as you say"),
        "worst_recall": ("mien.bias.objectives:worst_recall", "recall of the class with the lowest"),
        "distribution": ("mien.bias.objectives:distribution", "answers distributed like a target; needs no labels"),
    },
)
#: Those that take shares, and what the user calls them.
SHARES = {"weighted_recall": "weights", "distribution": "target"}
#: Those that look at answers only.
UNLABELLED = ("distribution",)


@dataclass(frozen=True, eq=False)
class Objective:
    """One entry of the table, with its settings.

    Attributes:
        name: the entry.
        shares: (C,) what it takes: a target distribution, or weights.
        max_accuracy_loss: biases that lose more accuracy than this share of the rows (0.01 = 1 point) are worse than
            none; None for no such floor.

    Example:
        >>> counts = np.array([[[8, 2], [1, 1], [0, 0]], [[7, 3], [0, 2], [0, 0]]])
        >>> Objective("macro_recall").values(counts, counts[0]).tolist()
        [0.65, 0.85]
    """

    name: str
    shares: Vector | None = None
    max_accuracy_loss: float | None = None

    def __post_init__(self) -> None:
        OBJECTIVES.entry(self.name)
        option = SHARES.get(self.name)
        if (self.shares is None) != (option is None):
            wanted = f"needs {option}" if option else "takes neither weights nor a target"
            raise InputError(f"the objective {self.name} {wanted}")
        if self.max_accuracy_loss is not None and not 0 <= self.max_accuracy_loss <= 1:
            raise InputError(f"the most accuracy to lose is {self.max_accuracy_loss}: expected a share from 0 to 1")

    @property
    def needs_labels(self) -> bool:
        """True when rows without a label are of no use."""
        return self.name not in UNLABELLED or self.max_accuracy_loss is not None

    def measure(self, counts: Counts) -> Vector:
        """(K,) the number itself, whatever it costs in accuracy."""
        found: Vector = OBJECTIVES.load(self.name)(counts, self.shares)
        return found

    def values(self, counts: Counts, zero: Counts) -> Vector:
        """(K,) what a search makes as high as it can: the number, or below 0 where too much accuracy is lost.

        Args:
            counts: (K, C + 1, C), of each candidate.
            zero: (C + 1, C), of the same rows without biases.
        """
        found = self.measure(counts)
        if self.max_accuracy_loss is None:
            return found
        lost = accuracy(zero[None], None) - accuracy(counts, None)
        over = lost - self.max_accuracy_loss
        return np.where(over > 1e-12, -over, found)


def hits(counts: Counts) -> NDArray[np.float64]:
    """(K, C) rows of each class that are right."""
    return np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)


def recalls(counts: Counts) -> NDArray[np.float64]:
    """(K, C) share of each class's rows that are right; nan for a class without a row."""
    return _share(hits(counts), counts[:, :-1].sum(axis=2))


def accuracy(counts: Counts, shares: Vector | None) -> Vector:
    """Share of labelled rows that are right."""
    return _share(hits(counts).sum(axis=1), counts[:, :-1].sum(axis=(1, 2)))


def macro_recall(counts: Counts, shares: Vector | None) -> Vector:
    """Mean recall."""
    return _mean(recalls(counts), np.ones(counts.shape[2]))


def weighted_recall(counts: Counts, shares: Vector | None) -> Vector:
    """Mean recall, every class weighted by ``shares``."""
    assert shares is not None
    return _mean(recalls(counts), shares)


def worst_recall(counts: Counts, shares: Vector | None) -> Vector:
    """Lowest recall."""
    found: Vector = np.nan_to_num(recalls(counts), nan=1.0).min(axis=1)
    return found


def macro_f1(counts: Counts, shares: Vector | None) -> Vector:
    """Mean F1, every class alike."""
    return _mean(_f1(counts), np.ones(counts.shape[2]))


def weighted_f1(counts: Counts, shares: Vector | None) -> Vector:
    """Mean F1, every class weighted by its rows."""
    return _mean(_f1(counts), counts[:, :-1].sum(axis=2))


def distribution(counts: Counts, shares: Vector | None) -> Vector:
    """Closeness of the answers to a target: 1 - total variation distance, over all rows, labelled or not."""
    assert shares is not None
    answered = counts.sum(axis=1)
    found: Vector = 1 - 0.5 * np.abs(_share(answered, answered.sum(axis=1, keepdims=True)) - shares).sum(axis=1)
    return found


def _f1(counts: Counts) -> NDArray[np.float64]:
    """(K, C); nan for a class without a row."""
    support = counts[:, :-1].sum(axis=2)
    named = counts[:, :-1].sum(axis=1)
    return np.where(support > 0, _share(2 * hits(counts), support + named), np.nan)


def _mean(values: NDArray[np.float64], weights: Vector) -> Vector:
    """(K,) weighted mean of what is defined."""
    weights = np.where(np.isnan(values), 0.0, weights)
    return _share((np.nan_to_num(values) * weights).sum(axis=1), weights.sum(axis=1))


def _share(part: Vector, whole: Vector) -> Vector:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
