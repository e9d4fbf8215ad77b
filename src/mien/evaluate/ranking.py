"""How well does a score put one class above the rest? ROC and precision-recall curves, and the areas under them.

Everything comes from one sort. Rows with equal scores are one step of a curve, so that their order does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Ranking:
    """One class against the rest, at every threshold.

    Attributes:
        hits: (T,) float64; rows of the class with a score of at least the threshold; thresholds go down.
        alarms: (T,) float64; rows of other classes with such a score.

    Example:
        >>> ranking = rank(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]))
        >>> ranking.roc_auc, round(ranking.pr_auc, 4)
        (0.5, 0.8333)
    """

    hits: NDArray[np.float64]
    alarms: NDArray[np.float64]

    @property
    def is_defined(self) -> bool:
        """True when there is something to tell apart: at least one row of the class and one of the rest."""
        return bool(len(self.hits) and self.hits[-1] > 0 and self.alarms[-1] > 0)

    @property
    def roc_auc(self) -> float:
        """Chance that a row of the class is scored above a row of the rest, ties counted half; nan if undefined.

        The area under the ROC curve by trapezoids, as in scikit-learn's ``roc_auc_score``.
        """
        if not self.is_defined:
            return float("nan")
        widths = np.diff(self.alarms, prepend=0.0)
        heights = self.hits - np.diff(self.hits, prepend=0.0) / 2
        return float(widths @ heights / (self.hits[-1] * self.alarms[-1]))

    @property
    def pr_auc(self) -> float:
        """Average precision: precision at every threshold, weighted by the recall it adds; nan if undefined.

        Not interpolated, as in scikit-learn's ``average_precision_score``; trapezoids would flatter here.

        Source: J. Davis, M. Goadrich, "The relationship between Precision-Recall and ROC curves", ICML 2006.
        """
        if not self.is_defined:
            return float("nan")
        return float(np.diff(self.hits, prepend=0.0) @ (self.hits / (self.hits + self.alarms)) / self.hits[-1])

    def roc(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """False positive rate and true positive rate, both from 0 to 1."""
        return np.r_[0.0, self.alarms / self.alarms[-1]], np.r_[0.0, self.hits / self.hits[-1]]

    def precision_recall(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recall (rising) and the precision at it."""
        return self.hits / self.hits[-1], self.hits / (self.hits + self.alarms)


def rank(values: NDArray[np.floating[Any]], is_class: NDArray[np.bool_]) -> Ranking:
    """Rank rows by a score.

    Args:
        values: (N,) scores of one class.
        is_class: (N,) True where the row is of that class.
    """
    order = np.argsort(values)[::-1]
    falling = values[order]
    last = np.r_[np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1] if len(falling) else np.empty(0, int)
    hits = np.cumsum(is_class[order])[last].astype(np.float64)
    return Ranking(hits, last + 1.0 - hits)
