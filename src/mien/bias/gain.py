"""What biases gain, on rows that chose them or on others: before, after, and an interval for the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.bias.objectives import Objective, recalls
from mien.bias.tally import Counts
from mien.errors import InputError
from mien.evaluate.interval import draw_groups
from mien.evaluate.metrics import plain
from mien.labels import Labels

LEVEL = 0.95
#: What is measured beside the objective, where there are labels.
ALWAYS = ("accuracy", "macro_recall", "macro_f1")


@dataclass(frozen=True)
class Gain:
    """One number without and with biases, on the same rows.

    Attributes:
        before: without biases.
        after: with them.
        low: lower end of the 95 % interval of ``after - before``; nan when none was asked for.
        high: upper end.
    """

    before: float
    after: float
    low: float = float("nan")
    high: float = float("nan")

    @property
    def gain(self) -> float:
        """How much higher the number is."""
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        values = {"before": self.before, "after": self.after, "gain": self.gain, "low": self.low, "high": self.high}
        return {name: plain(value) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class Effect:
    """What biases do to the answers of some rows.

    Attributes:
        before: (C + 1, C) counts without biases; row = label, the last for rows without one; column = answer.
        after: the same with them.
        gains: by the name of the number: the objective, accuracy, macro_recall, macro_f1.
        recall: by class, of the classes that have rows.
    """

    before: Counts
    after: Counts
    gains: dict[str, Gain]
    recall: dict[str, Gain]

    @property
    def rows(self) -> int:
        """Rows looked at."""
        return int(self.before.sum())

    def to_dict(self, labels: Labels) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "rows": self.rows,
            **{name: gain.to_dict() for name, gain in self.gains.items()},
            "recall": {name: gain.to_dict() for name, gain in self.recall.items()},
            "answered": {
                name: {"before": int(before), "after": int(after)}
                for name, before, after in zip(labels, self.before.sum(axis=0), self.after.sum(axis=0), strict=True)
            },
        }


def effect(
    targets: NDArray[np.integer[Any]],
    before: NDArray[np.integer[Any]],
    after: NDArray[np.integer[Any]],
    labels: Labels,
    objective: Objective,
    *,
    draws: int = 1000,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
) -> Effect:
    """Compare two answers to the same rows, with a paired bootstrap.

    Args:
        targets: (N,) class indices; -1 without a label.
        before: (N,) answers without biases.
        after: (N,) answers with them.
        labels: the classes.
        objective: measured first.
        draws: data sets drawn for the intervals; 0 for none.
        seed: of the draws.
        groups: (N,) e.g. persons: whole groups are drawn; an empty text stands alone.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993: rows are drawn with both their answers.

    Example:
        >>> found = effect(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]),
        ...                Labels(("a", "b")), Objective("macro_recall"), draws=200)
        >>> found.gains["accuracy"].before, found.gains["accuracy"].after, found.recall["b"].gain
        (0.75, 1.0, 0.5)
    """
    if draws == 1:
        raise InputError("an interval from 1 draw: expected at least 2, or 0 for no interval")
    classes = len(labels)
    shape = (classes + 1, classes, classes)
    cells = np.ravel_multi_index((np.where(targets < 0, classes, targets), before, after), shape)
    size = int(np.prod(shape))
    joint = np.bincount(cells, minlength=size).reshape(1, *shape)
    numbers = _numbers(joint, objective)
    bounds: dict[str, NDArray[np.float64]] = {}
    if draws:
        generator = np.random.default_rng(seed)
        if groups is None or not (np.asarray(groups).astype(str) != "").any():
            used = np.flatnonzero(joint)  # most cells are empty, and stay so
            drawn = np.zeros((draws, size), np.int64)
            drawn[:, used] = generator.multinomial(len(cells), joint.ravel()[used] / len(cells), draws)
        else:
            drawn = draw_groups(cells, np.asarray(groups), size, draws, generator)
        for name, (first, second) in _numbers(drawn.reshape(draws, *shape), objective).items():
            defined = (second - first)[~np.isnan(second - first)]  # a class may be absent from a draw
            if len(defined):
                bounds[name] = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    gains = {}
    for name, (first, second) in numbers.items():
        low, high = bounds.get(name, np.full(2, np.nan))
        gains[name] = Gain(float(first[0]), float(second[0]), float(low), float(high))
    recall = {label: gains.pop(f"recall.{index}") for index, label in enumerate(labels) if joint[0, index].sum()}
    kept = {name: gain for name, gain in gains.items() if not name.startswith("recall.")}
    return Effect(joint[0].sum(axis=2), joint[0].sum(axis=1), kept, recall)


def _numbers(joint: Counts, objective: Objective) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Every number (B,) before and after, of (B, C + 1, C, C) counts of label, answer before and answer after."""
    sides = joint.sum(axis=3), joint.sum(axis=2)
    found = {objective.name: (objective.measure(sides[0]), objective.measure(sides[1]))}
    if joint[:, :-1].any():
        for name in ALWAYS:
            measure = Objective(name).measure
            found[name] = measure(sides[0]), measure(sides[1])
        before, after = recalls(sides[0]), recalls(sides[1])
        for index in range(joint.shape[2]):
            found[f"recall.{index}"] = before[:, index], after[:, index]
    return found
