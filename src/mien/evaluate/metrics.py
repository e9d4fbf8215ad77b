"""Numbers from scores: what is right, of which class, how sure.

A class that the data lack has no recall, no F1 and no area under a curve: its entry is nan, the means are over the
classes that are there, and ``Metrics.absent`` names the others. (torchmetrics counts such a class as 0, scikit-learn
as nan for the whole mean.) Knows nothing of models and of files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluate.ranking import Ranking, rank
from mien.labels import Labels
from mien.scores import Scores

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Metrics:
    """What a set of scores amounts to.

    Attributes:
        labels: the classes.
        confusion: (C, C) int64 counts; row = label, column = answer.
        nll: mean negative logarithm of the label's probability, in nats.
        top2_accuracy: share of rows whose label is among the two most probable classes.
        rankings: one per class, for ROC and precision-recall.

    Example:
        >>> logits = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
        >>> scores = Scores(logits, np.array([0, 1, 1]), Labels(("a", "b")), np.array(["x", "y", "z"]))
        >>> found = measure(scores)
        >>> round(found.accuracy, 3), round(found.balanced_accuracy, 3)
        (0.667, 0.75)
    """

    labels: Labels
    confusion: NDArray[np.int64]
    nll: float
    top2_accuracy: float
    rankings: tuple[Ranking, ...]

    @property
    def rows(self) -> int:
        """Rows with a label."""
        return int(self.confusion.sum())

    @property
    def support(self) -> NDArray[np.int64]:
        """(C,) rows of each class."""
        return np.asarray(self.confusion.sum(axis=1), np.int64)

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes without a row: left out of every mean."""
        return tuple(name for name, count in zip(self.labels, self.support, strict=True) if count == 0)

    @property
    def accuracy(self) -> float:
        """Share of rows that are right."""
        return float(self.confusion.trace() / self.rows)

    @property
    def recall(self) -> Vector:
        """(C,) share of each class's rows that are right; nan for a class without a row."""
        return _share(self.confusion.diagonal(), self.support)

    @property
    def precision(self) -> Vector:
        """(C,) share of each class's answers that are right; nan for a class that is never the answer."""
        return _share(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def f1(self) -> Vector:
        """(C,) harmonic mean of precision and recall; nan for a class without a row."""
        scores = _share(2 * self.confusion.diagonal(), self.support + self.confusion.sum(axis=0))
        return np.where(self.support > 0, scores, np.nan)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall."""
        return mean(self.recall)

    @property
    def macro_f1(self) -> float:
        """Mean F1, every class counted alike."""
        return mean(self.f1)

    @property
    def weighted_f1(self) -> float:
        """Mean F1, every class weighted by its rows."""
        return float(np.nansum(self.f1 * self.support) / self.rows)

    @property
    def roc_auc(self) -> Vector:
        """(C,) area under the ROC curve, one class against the rest; nan where there is nothing to tell apart."""
        return np.array([ranking.roc_auc for ranking in self.rankings])

    @property
    def pr_auc(self) -> Vector:
        """(C,) average precision, one class against the rest; nan where there is nothing to tell apart."""
        return np.array([ranking.pr_auc for ranking in self.rankings])

    @property
    def confusion_percent(self) -> Vector:
        """(C, C) per cent of each row; nan for a class without a row."""
        return 100 * _share(self.confusion, self.support[:, None])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        columns = {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "roc_auc": self.roc_auc,
            "pr_auc": self.pr_auc,
        }
        return {
            "rows": self.rows,
            "accuracy": plain(self.accuracy),
            "balanced_accuracy": plain(self.balanced_accuracy),
            "macro_f1": plain(self.macro_f1),
            "weighted_f1": plain(self.weighted_f1),
            "top2_accuracy": plain(self.top2_accuracy),
            "nll": plain(self.nll),
            "mean_roc_auc": plain(mean(self.roc_auc)),
            "mean_pr_auc": plain(mean(self.pr_auc)),
            "absent": list(self.absent),
            "per_class": {
                name: {
                    "support": int(self.support[index]),
                    **{key: plain(float(values[index])) for key, values in columns.items()},
                }
                for index, name in enumerate(self.labels)
            },
            "confusion": {"classes": list(self.labels), "counts": self.confusion.tolist()},
        }


def measure(scores: Scores) -> Metrics:
    """Measure scores against their labels; rows without a label do not count.

    Args:
        scores: as they are: nothing is calibrated here (see ``mien.evaluate.view``).

    Raises:
        InputError: no row has a label, or a logit is not a number.
    """
    scores = scores.labelled()
    if not len(scores):
        raise InputError("no row of the scores has a label, so there is nothing to measure against")
    if np.isnan(scores.logits).any():
        raise InputError(
            f"row {int(np.isnan(scores.logits).any(axis=1).argmax()) + 1} of the scores has a logit of nan"
        )
    targets, logits = scores.targets, scores.logits.astype(np.float64)
    rows = np.arange(len(targets))
    own = logits[rows, targets]
    top = logits.max(axis=1)
    # at equal logits the class with the lower index is the answer, here as in argmax
    better = (logits > own[:, None]).sum(axis=1)
    earlier = ((logits == own[:, None]) & (np.arange(len(scores.labels)) < targets[:, None])).sum(axis=1)
    probabilities = scores.probabilities()
    return Metrics(
        labels=scores.labels,
        confusion=confusion(targets, logits.argmax(axis=1), len(scores.labels)),
        nll=float((top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - own).mean()),
        top2_accuracy=float((better + earlier < 2).mean()),
        rankings=tuple(rank(probabilities[:, index], targets == index) for index in range(len(scores.labels))),
    )


def confusion(targets: NDArray[np.int64], answers: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """(C, C) counts; row = label, column = answer."""
    cells = np.bincount(targets * classes + answers, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def mean(values: Vector) -> float:
    """Mean of what is defined; nan when nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def plain(value: float) -> float | None:
    """A number for JSON, which knows no nan."""
    return round(value, 6) if np.isfinite(value) else None


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Vector:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
