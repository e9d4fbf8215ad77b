"""Answers under corruptions, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.interval import Interval, draw_means
from mien.evaluate.metrics import mean, plain
from mien.images import Pixels
from mien.labels import Labels


@dataclass(frozen=True)
class Condition:
    """The answers under one corruption.

    Attributes:
        corruption: its name; empty for the faces as they are.
        severity: from 1 to 5; 0 for the faces as they are.
        accuracy: share of rows that are right.
        interval: of the accuracy; None when none was asked for.
        drop: accuracy that is lost against the faces as they are.
        drop_interval: of the drop, on the same rows; None when none was asked for.
        balanced_accuracy: mean recall.
        recall: class -> share that is right; classes without a row are left out.
        confidence: mean probability of the answers: a good model knows when it sees badly.
    """

    corruption: str
    severity: int
    accuracy: float
    interval: Interval | None
    drop: float
    drop_interval: Interval | None
    balanced_accuracy: float
    recall: dict[str, float]
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "corruption": self.corruption or None,
            "severity": self.severity,
            "accuracy": plain(self.accuracy),
            "interval": None if self.interval is None else self.interval.to_dict(),
            "drop": plain(self.drop),
            "drop_interval": None if self.drop_interval is None else self.drop_interval.to_dict(),
            "balanced_accuracy": plain(self.balanced_accuracy),
            "recall": {name: plain(value) for name, value in self.recall.items()},
            "confidence": plain(self.confidence),
        }


@dataclass(frozen=True, eq=False)
class Robustness:
    """A model under all corruptions.

    Attributes:
        labels: the classes.
        rows: faces measured.
        support: class -> how many of them.
        clean: the faces as they are.
        conditions: one per corruption and severity.
        mean_accuracy: mean accuracy over all conditions ("mean corruption accuracy").
        mean_interval: of it; None when none was asked for.
        example: one of the faces, (S, S, 3) uint8 RGB, to show what the corruptions are.
        notes: what must be said beside the numbers.
        about: model, manifest, split, seed, severities.
    """

    labels: Labels
    rows: int
    support: dict[str, int]
    clean: Condition
    conditions: tuple[Condition, ...]
    mean_accuracy: float
    mean_interval: Interval | None
    example: Pixels
    notes: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def corruptions(self) -> list[str]:
        """Names, in order."""
        return list(dict.fromkeys(condition.corruption for condition in self.conditions))

    def of(self, corruption: str) -> list[Condition]:
        """One corruption, severity by severity."""
        return [condition for condition in self.conditions if condition.corruption == corruption]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "classes": list(self.labels),
            "rows": self.rows,
            "support": self.support,
            "clean": self.clean.to_dict(),
            "mean_accuracy": plain(self.mean_accuracy),
            "mean_interval": None if self.mean_interval is None else self.mean_interval.to_dict(),
            "conditions": [condition.to_dict() for condition in self.conditions],
            "notes": list(self.notes),
            "about": self.about,
        }


def summarise(
    found: NDArray[np.float64],
    targets: NDArray[np.int64],
    cases: Sequence[tuple[str, int]],
    labels: Labels,
    people: NDArray[np.str_] | None,
    draws: int,
    seed: int,
    example: Pixels,
    notes: tuple[str, ...],
    about: dict[str, Any],
) -> Robustness:
    """Count what is right; intervals draw the same rows under all conditions.

    Args:
        found: (N, cases, 2) answer and confidence; the first case is the faces as they are.
        targets: (N,) class indices, every row labelled.
        cases: corruption and severity.
        labels: the classes.
        people: (N,) drawn as wholes; None to draw single rows.
        draws: data sets drawn; 0 for no intervals.
        seed: of the draws.
        example: one of the faces.
        notes: go into the result.
        about: goes into the result.
    """
    is_right = (found[:, :, 0] == targets[:, None]).astype(np.float64)
    drawn = draw_means(is_right, draws=draws, seed=seed, groups=people) if draws else None
    conditions = []
    for place, (name, level) in enumerate(cases):
        recall = {
            label: float(is_right[targets == index, place].mean())
            for index, label in enumerate(labels)
            if (targets == index).any()
        }
        conditions.append(
            Condition(
                corruption=name,
                severity=level,
                accuracy=float(is_right[:, place].mean()),
                interval=None if drawn is None else _interval(drawn[:, place]),
                drop=float(is_right[:, 0].mean() - is_right[:, place].mean()),
                drop_interval=None if drawn is None else _interval(drawn[:, 0] - drawn[:, place]),
                balanced_accuracy=mean(np.array(list(recall.values()))),
                recall=recall,
                confidence=float(found[:, place, 1].mean()),
            )
        )
    return Robustness(
        labels=labels,
        rows=len(targets),
        support={label: int((targets == index).sum()) for index, label in enumerate(labels)},
        clean=conditions[0],
        conditions=tuple(conditions[1:]),
        mean_accuracy=float(is_right[:, 1:].mean()),
        mean_interval=None if drawn is None else _interval(drawn[:, 1:].mean(axis=1)),
        example=example,
        notes=notes,
        about=about,
    )


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high), 0.95)
