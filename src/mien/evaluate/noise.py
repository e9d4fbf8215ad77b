"""Which labels are probably wrong? Confident learning, from probabilities alone.

Written here and not taken from cleanlab, because it is a screenful of numpy, and cleanlab (2.9.0 is under Apache-2.0,
earlier releases under the AGPL) brings scikit-learn and more. On 20 random problems of 2 to 8 classes the suspects were
those of cleanlab 2.9.0, in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError


@dataclass(frozen=True, eq=False)
class Noise:
    """What confident learning says of N labels over C classes.

    Attributes:
        labelled: (C,) rows that have each label.
        thresholds: (C,) how sure the model is, on average, of the rows that have this label; nan without such a row.
        joint: (C, C) counts; row = label, column = the class that the row confidently belongs to.
        suspects: (S,) rows, the most suspect first.
        suggested: (N,) the class that a row confidently belongs to; -1 where there is none.
        margins: (N,) from -1 to 1: probability of the label less that of the most probable other class.
    """

    labelled: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    joint: NDArray[np.int64]
    suspects: NDArray[np.intp]
    suggested: NDArray[np.int64]
    margins: NDArray[np.float64]

    @property
    def rate(self) -> float:
        """Estimated share of wrong labels: what lies beside the diagonal of the joint, scaled to the labels' counts."""
        rows = self.joint.sum(axis=1)
        hits = np.where(rows > 0, self.joint.diagonal() / np.maximum(rows, 1), 1.0)
        return float(1 - (hits * self.labelled).sum() / self.labelled.sum())


def confident_learning(probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64]) -> Noise:
    """Find rows whose label the model confidently contradicts.

    A row confidently belongs to the most probable of the classes whose probability reaches the class's threshold: the
    mean probability of the class over the rows labelled with it. It is a suspect when that is not its label.

    Args:
        probabilities: (N, C), of a model that has not learned from these labels.
        targets: (N,) class indices, every one from 0 to C - 1.

    Raises:
        InputError: no row, or a label outside the classes.

    Source: C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70,
    2021, equations 1 and 2 (thresholds, confident joint), section 3.2 (suspects = off-diagonals of the confident
    joint, ranked by margin). As in cleanlab, a row whose label is the most probable class is never a suspect.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.1, 0.9]])
        >>> confident_learning(sure, np.array([0, 0, 1, 1, 0])).suspects.tolist()
        [4]
    """
    count, classes = probabilities.shape
    if not count or targets.min() < 0 or targets.max() >= classes:
        raise InputError(f"confident learning needs rows with labels from 0 to {classes - 1}")
    values = np.asarray(probabilities, np.float64)
    rows = np.arange(count)
    labelled = np.bincount(targets, minlength=classes)
    own = values[rows, targets]
    sums = np.bincount(targets, weights=own, minlength=classes)
    thresholds = np.where(labelled > 0, sums / np.maximum(labelled, 1), np.nan)
    reaches = values >= np.where(labelled > 0, thresholds, np.inf)
    suggested = np.where(reaches.any(axis=1), np.where(reaches, values, -1.0).argmax(axis=1), -1)
    is_confident = suggested >= 0
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (targets[is_confident], suggested[is_confident]), 1)
    others = values.copy()
    others[rows, targets] = -1.0
    margins = own - others.max(axis=1)
    found = np.flatnonzero(is_confident & (suggested != targets) & (values.argmax(axis=1) != targets))
    order = found[np.argsort(margins[found], kind="stable")]
    return Noise(labelled, thresholds, joint, order, suggested.astype(np.int64), margins)
