"""What would the answers be with other biases? Counted for many biases in one pass over the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

#: Rows times candidates that are looked at together: 1 MB of logits, which stays in the cache of a core.
PIECE = 1 << 18

#: (..., C + 1, C) counts: row = label, the last for rows without one; column = answer.
Counts = NDArray[Any]


class Tally:
    """Logits and labels, laid out for counting.

    Args:
        logits: (N, C) float32.
        targets: (N,) class indices; -1 without a label.

    Raises:
        InputError: there is no row, or a logit is not a number.

    Example:
        >>> tally = Tally(np.array([[2.0, 1.0], [0.5, 1.0]], np.float32), np.array([1, 1]))
        >>> tally.counts(np.array([[0.0, 0.0], [0.0, 1.5]]))[:, 1].tolist()
        [[1, 1], [0, 2]]
    """

    def __init__(self, logits: NDArray[np.floating[Any]], targets: NDArray[np.integer[Any]]) -> None:
        if not len(logits):
            raise InputError("no row to choose biases on")
        if np.isnan(logits).any():
            raise InputError(f"row {int(np.isnan(logits).any(axis=1).argmax()) + 1} of the scores has a logit of nan")
        self.size, self.classes = logits.shape
        #: (C, N): one class after the other, so that every step below runs along memory.
        self.columns = np.ascontiguousarray(logits.T, np.float32)
        self.targets = np.where(targets < 0, self.classes, targets).astype(np.intp)

    def answers(self, biases: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        """(K, N) answers with each of (K, C) biases added to the logits; at equal logits the lower index wins."""
        added = biases.astype(np.float32)
        best = self.columns[0] + added[:, :1]
        answers = np.zeros(best.shape, np.uint8)
        own = np.empty_like(best)
        for index in range(1, self.classes):
            np.add(self.columns[index], added[:, index : index + 1], out=own)
            # classes come in ascending order, so the largest index that ever was the best is the answer
            np.maximum(answers, (own > best).view(np.uint8) * np.uint8(index), out=answers)
            np.maximum(best, own, out=best)
        return answers

    def counts(self, biases: NDArray[np.floating[Any]]) -> Counts:
        """(K, C + 1, C) counts of labels and answers for each of (K, C) biases."""
        size = (self.classes + 1) * self.classes
        step = max(1, PIECE // self.size)
        found = []
        for start in range(0, len(biases), step):
            answers = self.answers(biases[start : start + step])
            cells = answers.astype(np.intp)
            cells += self.targets * self.classes
            cells += (np.arange(len(answers)) * size)[:, None]
            found.append(np.bincount(cells.ravel(), minlength=len(answers) * size))
        return np.concatenate(found).reshape(len(biases), self.classes + 1, self.classes)
