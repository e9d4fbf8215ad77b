"""Is the model as good for every group? Numbers by a column of the manifest, and what of it is chance.

Groups differ in their mix of classes, and some classes are easier than others. So the test compares what a group gets
right with what the recalls of all rows would give for its classes: under the null hypothesis, rows of one class are
exchangeable between groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluate.interval import Interval, intervals, units_of
from mien.evaluate.metrics import confusion, mean, plain
from mien.evaluate.permutation import holm, permute
from mien.labels import Labels
from mien.scores import Scores

Vector = NDArray[np.float64]

#: Rows that a group needs to be tested and to be called the worst.
SMALLEST = 30
#: Groups that a table can show.
MOST = 200


@dataclass(frozen=True, eq=False)
class GroupNumbers:
    """One group.

    Attributes:
        name: value of the column; empty for rows without one.
        rows: with a label.
        is_small: too few rows to be tested.
        accuracy: share that is right.
        balanced_accuracy: mean recall of the classes that the group has.
        macro_f1: mean F1 of those classes.
        expected: accuracy of this mix of classes with the recalls of all rows.
        confidence: mean probability of the answers.
        recall: class -> share that is right; classes that the group lacks are left out.
        intervals: 95 % bootstrap intervals of accuracy, balanced_accuracy and macro_f1; empty when none were asked for.
        p_value: of a difference from ``expected`` as large as this one by chance; nan for a small group.
        adjusted: the same, with the number of groups looked at taken into account.
    """

    name: str
    rows: int
    is_small: bool
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    expected: float
    confidence: float
    recall: dict[str, float]
    intervals: dict[str, Interval]
    p_value: float
    adjusted: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        kept = {**vars(self), "recall": {name: plain(value) for name, value in self.recall.items()}}
        kept["intervals"] = {name: interval.to_dict() for name, interval in self.intervals.items()}
        return {name: plain(value) if isinstance(value, float) else value for name, value in kept.items()}


@dataclass(frozen=True, eq=False)
class Groups:
    """A model on every group of a column.

    Attributes:
        column: its name.
        labels: the classes.
        groups: largest first.
        accuracy: over all rows.
        p_value: of differences between the groups as large as these by chance; nan with fewer than two groups tested.
        permutations: drawn for the p-values.
    """

    column: str
    labels: Labels
    groups: tuple[GroupNumbers, ...]
    accuracy: float
    p_value: float
    permutations: int

    @property
    def tested(self) -> tuple[GroupNumbers, ...]:
        """Groups that are large enough."""
        return tuple(group for group in self.groups if not group.is_small)

    @property
    def worst(self) -> GroupNumbers | None:
        """The group with the lowest accuracy, small ones left out; None when all are small."""
        return min(self.tested, key=lambda group: group.accuracy, default=None)

    @property
    def spread(self) -> float:
        """Difference between the highest and the lowest accuracy, small groups left out; nan when all are small."""
        found = [group.accuracy for group in self.tested]
        return max(found) - min(found) if found else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        return {
            "column": self.column,
            "accuracy": plain(self.accuracy),
            "worst": None if self.worst is None else self.worst.name,
            "spread": plain(self.spread),
            "p_value": plain(self.p_value),
            "permutations": self.permutations,
            "groups": [group.to_dict() for group in self.groups],
        }


def measure_groups(
    scores: Scores,
    column: str,
    *,
    smallest: int = SMALLEST,
    draws: int = 1000,
    permutations: int = 10_000,
    seed: int = 0,
    by_subject: bool = False,
) -> Groups:
    """Measure scores by a column; rows without a label do not count.

    Args:
        scores: as they are, see ``mien.evaluate.view``.
        column: split, domain, subject, origin or any other column of the manifest.
        smallest: groups with fewer rows are shown, but not tested.
        draws: data sets drawn for the intervals; 0 for none.
        permutations: for the p-values, which are never below ``1 / (permutations + 1)``.
        seed: of all draws.
        by_subject: draw and permute whole persons instead of single rows.

    Raises:
        InputError: no such column, one that names too many groups, no labels, or no subjects.

    The tests are those of :mod:`mien.evaluate.permutation`.

    Example:
        >>> logits = np.array([[1, 0]] * 60 + [[0, 1]] * 60, np.float32)
        >>> where = np.array(["web"] * 60 + ["press"] * 60)
        >>> scores = Scores(logits, np.zeros(120, int), Labels(("a", "b")), where, domains=where)
        >>> found = measure_groups(scores, "domain")
        >>> found.worst.name, found.spread, found.p_value < 0.001
        ('press', 1.0, True)
    """
    scores = scores.labelled()
    if not len(scores):
        raise InputError("no row of the scores has a label, so there is nothing to measure against")
    names, group = np.unique(scores.column(column), return_inverse=True)
    if len(names) > MOST:
        raise InputError(f"the column {column} has {len(names):,} values: more than {MOST} groups make no table")
    if by_subject and (scores.subjects is None or not (scores.subjects != "").any()):
        raise InputError("the data name no subjects, so persons cannot be drawn as wholes")
    answers = scores.logits.argmax(axis=1)
    is_right = answers == scores.targets
    overall = np.bincount(scores.targets, is_right, len(scores.labels)) / np.maximum(
        np.bincount(scores.targets, minlength=len(scores.labels)), 1
    )
    rows = np.bincount(group)
    large = rows >= smallest
    kept = large[group]
    p_values, adjusted, p_value = np.full(len(names), np.nan), np.full(len(names), np.nan), float("nan")
    if large.sum() >= 2:
        # column = subject is a grouping of persons: then single rows are what can be exchanged
        people = scores.subjects if by_subject and column != "subject" else None
        units = None if people is None else units_of(people[kept])
        _, dense = np.unique(group[kept], return_inverse=True)
        found, p_value = permute(is_right[kept], scores.targets[kept], dense, units, permutations, seed)
        p_values[large], adjusted[large] = found, holm(found)
    confidence = scores.probabilities().max(axis=1)
    numbers = []
    for index in np.argsort(-rows, kind="stable"):
        part = scores.take(np.flatnonzero(group == index))
        cells = confusion(part.targets, part.logits.argmax(axis=1), len(scores.labels))
        support, hits = cells.sum(axis=1), cells.diagonal()
        here = support > 0
        recall, f1 = hits[here] / support[here], 2 * hits[here] / (support + cells.sum(axis=0))[here]
        people = part.subjects if by_subject else None
        numbers.append(
            GroupNumbers(
                name=str(names[index]),
                rows=len(part),
                is_small=not large[index],
                accuracy=float(hits.sum() / support.sum()),
                balanced_accuracy=mean(recall),
                macro_f1=mean(f1),
                expected=float(support @ overall / support.sum()),
                confidence=float(confidence[group == index].mean()),
                recall=dict(zip(np.array(scores.labels.names)[here].tolist(), recall.tolist(), strict=True)),
                intervals=intervals(part, draws=draws, seed=seed, groups=people) if draws else {},
                p_value=float(p_values[index]),
                adjusted=float(adjusted[index]),
            )
        )
    return Groups(column, scores.labels, tuple(numbers), float(is_right.mean()), p_value, permutations)
