"""Which of several models is better, and is it more than chance? Everything from saved scores.

Differences are always the second minus the first, on the same pictures: what both find hard has no part in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluate.interval import numbers_of
from mien.evaluate.metrics import confusion, mean, plain
from mien.evaluate.paired import Arm, Paired, pair
from mien.evaluate.permutation import holm
from mien.evaluate.redraw import redraw
from mien.evaluate.significance import Estimate, estimate, mcnemar, sign_flip
from mien.labels import Labels

Vector = NDArray[np.float64]

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
#: A p-value below this is called more than chance.
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Standing:
    """The numbers of one arm; with several trainings, their means.

    Attributes:
        name: of the arm.
        runs: trainings.
        numbers: accuracy, balanced_accuracy and macro_f1 with intervals.
        spread: standard deviation of each over the trainings; nan for one.
        nll: mean negative logarithm of the label's probability, in nats.
        recall: (C,); nan for a class without a row.
        f1: (C,) likewise.
        confusion_percent: (C, C) per cent of each label.
        ms_per_face: time of the network, when the scores know it.
        model_bytes: size of the model file, likewise.
        train_seconds: of one training.
    """

    name: str
    runs: int
    numbers: dict[str, Estimate]
    spread: dict[str, float]
    nll: float
    recall: Vector
    f1: Vector
    confusion_percent: Vector
    ms_per_face: float | None
    model_bytes: int | None
    train_seconds: float | None


@dataclass(frozen=True, eq=False)
class Pair:
    """Two arms against each other.

    Attributes:
        first: name.
        second: name; all differences are this one minus the first.
        differences: of accuracy, balanced_accuracy and macro_f1.
        recall: class -> difference.
        f1: class -> difference.
        confusion_points: (C, C) difference of the per cents of each label, in points.
        only_first: pictures that only the first has right; None with several trainings.
        only_second: likewise.
        p_value: of a difference of accuracy as large by chance.
        adjusted: the same, with the number of pairs taken into account (Holm).
    """

    first: str
    second: str
    differences: dict[str, Estimate]
    recall: dict[str, Estimate]
    f1: dict[str, Estimate]
    confusion_points: Vector
    only_first: int | None
    only_second: int | None
    p_value: float
    adjusted: float

    @property
    def better(self) -> str | None:
        """Name of the arm with the higher accuracy when that is more than chance, or None."""
        if not self.adjusted < LEVEL:
            return None
        return self.second if self.differences["accuracy"].value > 0 else self.first

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        estimates = {
            name: {key: value.to_dict() for key, value in getattr(self, name).items()}
            for name in ("differences", "recall", "f1")
        }
        numbers = {"p_value": plain(self.p_value), "adjusted": plain(self.adjusted), "better": self.better}
        return {**vars(self), **estimates, **numbers, "confusion_points": _cells(self.confusion_points)}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two arms or more on the same pictures.

    Attributes:
        labels: the classes.
        rows: pictures.
        support: (C,) of each class.
        arms: in the order in which they were given.
        pairs: all of them.
        test: what the p-values are from.
        notes: what must be said beside the numbers.
    """

    labels: Labels
    rows: int
    support: NDArray[np.int64]
    arms: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    test: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        return {
            "rows": self.rows,
            "classes": {name: int(count) for name, count in zip(self.labels, self.support, strict=True)},
            "arms": [_plain_standing(arm, self.labels) for arm in self.arms],
            "pairs": [each.to_dict() for each in self.pairs],
            "test": self.test,
            "notes": list(self.notes),
        }


def compare(
    arms: Sequence[Arm],
    *,
    labels: Labels | None = None,
    match: str | None = None,
    draws: int = 1000,
    seed: int = 0,
    by_subject: bool = False,
) -> Comparison:
    """Compare models on the pictures that all of them have scored.

    With one training on each side, the p-value is McNemar's (or, by subject, that of its permutation form); with
    several, it is Welch's, with the variance over pictures and over trainings.

    Args:
        arms: two or more.
        labels: the classes to answer with; by default those of the data that all models know.
        match: column that tells which pictures belong together; by default their names.
        draws: data sets drawn for the intervals, 2 or more.
        seed: of the draws.
        by_subject: draw whole persons.

    Raises:
        InputError: fewer than two arms, or scores that cannot be compared.

    Example:
        >>> from mien.scores import Scores
        >>> labels, ids = Labels(("a", "b")), np.array([f"{row}.png" for row in range(40)])
        >>> good, bad = np.eye(2, dtype=np.float32)[[0, 1] * 20], np.eye(2, dtype=np.float32)[[0] * 40]
        >>> truth = np.array([0, 1] * 20)
        >>> old, new = (Scores(logits, truth, labels, ids) for logits in (bad, good))
        >>> found = compare([Arm("old", (old,)), Arm("new", (new,))])
        >>> found.pairs[0].better, found.pairs[0].differences["accuracy"].value
        ('new', 0.5)
    """
    if len(arms) < 2:
        raise InputError("a comparison needs two models; name another")
    if draws < 2:
        raise InputError(f"{draws} draws: an interval needs at least 2")
    rows = pair(arms, labels=labels, match=match)
    units = rows.units(by_subject)
    stacked = np.concatenate(rows.answers)
    drawn = redraw(rows.targets, stacked, len(rows.labels), draws=draws, seed=seed, units=units)
    truth = np.stack([confusion(rows.targets, each, len(rows.labels)) for each in stacked])
    ends = np.cumsum([len(arm.runs) for arm in arms])
    tables = [
        _Table.of(truth[end - len(arm.runs) : end], drawn[end - len(arm.runs) : end])
        for arm, end in zip(arms, ends, strict=True)
    ]
    standings = tuple(
        _standing(arm, table, float(nll.mean())) for arm, table, nll in zip(arms, tables, rows.nll, strict=True)
    )
    has_seeds = any(len(arm.runs) > 1 for arm in arms)
    pairs = [
        _pair(
            rows, places, (arms[places[0]].name, arms[places[1]].name), [tables[each] for each in places], units, seed
        )
        for places in combinations(range(len(arms)), 2)
    ]
    adjusted = holm(np.array([each.p_value for each in pairs]))
    notes = [*rows.notes, *_notes_on_choice(arms)]
    alone = [arm.name for arm in arms if len(arm.runs) == 1]
    if not has_seeds:
        notes.append(
            "One training each: this compares these files. Whether a recipe is better only several seeds tell."
        )
    elif alone:
        notes.append(f"{', '.join(alone)}: one training only; taken to vary as much as those on the other side.")
    return Comparison(
        rows.labels,
        len(rows),
        truth[0].sum(axis=1),
        standings,
        tuple(replace(each, adjusted=float(value)) for each, value in zip(pairs, adjusted, strict=True)),
        _test(has_seeds, all(len(arm.runs) > 1 for arm in arms), by_subject),
        tuple(notes),
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """Numbers of the trainings of one arm: of the data as they are (S, ...) and drawn (S, B, ...)."""

    confusions: NDArray[np.int64]
    numbers: dict[str, Vector]
    drawn: dict[str, Vector]
    recall: Vector
    drawn_recall: Vector
    f1: Vector
    drawn_f1: Vector

    @classmethod
    def of(cls, confusions: NDArray[np.int64], drawn: NDArray[np.float32]) -> _Table:
        (recall, f1), (drawn_recall, drawn_f1) = _by_class(confusions), _by_class(drawn)
        numbers, again = numbers_of(confusions), numbers_of(drawn)
        return cls(confusions, numbers, again, recall, drawn_recall, f1, drawn_f1)

    @property
    def percent(self) -> Vector:
        """(C, C) mean over trainings."""
        rows = self.confusions.sum(axis=-1, keepdims=True)
        share = np.where(rows > 0, 100 * self.confusions / np.maximum(rows, 1), np.nan)
        return np.asarray(share.mean(axis=0), np.float64)


def _by_class(confusions: NDArray[Any]) -> tuple[Vector, Vector]:
    """Recall and F1 (..., C); nan for a class without a row."""
    hits = np.diagonal(confusions, axis1=-2, axis2=-1).astype(np.float64)
    support, named = confusions.sum(axis=-1), confusions.sum(axis=-2)
    recall, f1 = hits / np.maximum(support, 1), 2 * hits / np.maximum(support + named, 1)
    return np.where(support > 0, recall, np.nan), np.where(support > 0, f1, np.nan)


def _standing(arm: Arm, table: _Table, nll: float) -> Standing:
    count = len(arm.runs)
    speeds = [run.about["ms_per_face"] for run in arm.runs if "ms_per_face" in run.about]
    sizes = [run.about["model_bytes"] for run in arm.runs if "model_bytes" in run.about]
    return Standing(
        name=arm.name,
        runs=count,
        numbers={name: estimate(table.numbers[name], table.drawn[name]) for name in METRICS},
        spread={name: float(table.numbers[name].std(ddof=1)) if count > 1 else float("nan") for name in METRICS},
        nll=nll,
        recall=table.recall.mean(axis=0),
        f1=table.f1.mean(axis=0),
        confusion_percent=table.percent,
        ms_per_face=mean(np.array(speeds, float)) if speeds else None,
        model_bytes=round(mean(np.array(sizes, float))) if sizes else None,
        train_seconds=arm.train_seconds,
    )


def _pair(
    rows: Paired,
    places: tuple[int, int],
    names: tuple[str, str],
    tables: Sequence[_Table],
    units: NDArray[np.intp] | None,
    seed: int,
) -> Pair:
    first, second = tables

    def classes(kind: str) -> dict[str, Estimate]:
        values = [getattr(table, kind) for table in tables]
        drawn = [getattr(table, f"drawn_{kind}") for table in tables]
        return {
            name: estimate(values[1][:, index], drawn[1][..., index], values[0][:, index], drawn[0][..., index])
            for index, name in enumerate(rows.labels)
            if np.isfinite(values[0][0, index])
        }

    differences = {
        name: estimate(second.numbers[name], second.drawn[name], first.numbers[name], first.drawn[name])
        for name in METRICS
    }
    only: tuple[int | None, int | None] = (None, None)
    p_value = differences["accuracy"].p_value
    if len(first.confusions) == len(second.confusions) == 1:
        right = [rows.answers[place][0] == rows.targets for place in places]
        only = (int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
        gained = right[1].astype(float) - right[0]
        p_value = mcnemar(*only) if units is None else sign_flip(gained, units, seed=seed)
    points = second.percent - first.percent
    return Pair(*names, differences, classes("recall"), classes("f1"), points, *only, p_value, p_value)


def _test(has_seeds: bool, all_have: bool, by_subject: bool) -> str:
    alone = "McNemar's test" if not by_subject else "permutation test of whole persons (sign flips)"
    several = "Welch's t over pictures and trainings"
    return several if all_have else alone if not has_seeds else f"{several}; between single trainings {alone}"


def _notes_on_choice(arms: Sequence[Arm]) -> list[str]:
    """Arms that were trained or chosen on these pictures have it easier than others."""
    found: dict[str, list[str]] = {}
    for arm in arms:
        about = arm.runs[0].about
        made = about.get("made_from") or {}
        if made.get("digest") and made.get("digest") == about.get("manifest"):
            for what, split in (("trained", made.get("train")), ("chosen", made.get("val"))):
                if split is not None and about.get("split") == split:
                    found.setdefault(what, []).append(arm.name)
    unfair = "the others were not, so far as is known, and this is no fair comparison."
    return [
        f"{', '.join(names)}: {what} on this split; {'the numbers flatter.' if len(names) == len(arms) else unfair}"
        for what, names in found.items()
    ]


def _cells(values: Vector) -> list[list[float | None]]:
    return [[plain(float(value)) for value in row] for row in values]


def _plain_standing(arm: Standing, labels: Labels) -> dict[str, Any]:
    def by_class(values: Vector) -> dict[str, float | None]:
        return {name: plain(float(value)) for name, value in zip(labels, values, strict=True)}

    return {
        **vars(arm),
        "numbers": {name: value.to_dict() for name, value in arm.numbers.items()},
        "spread": {name: plain(value) for name, value in arm.spread.items()},
        "nll": plain(arm.nll),
        "recall": by_class(arm.recall),
        "f1": by_class(arm.f1),
        "confusion_percent": _cells(arm.confusion_percent),
    }
