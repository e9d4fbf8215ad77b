"""Does what was learned from some pictures hold for others? A matrix of trainings and tests.

A cell is a training tested on a group of pictures (:mod:`mien.evaluate.domains`). All trainings are tested on the same
pictures, so that rows of the matrix can be compared; columns differ in difficulty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluate.domains import CROSS_BOTH, CROSS_CONTENT, CROSS_DOMAIN, KINDS, WITHIN, Group, Kind, Training
from mien.evaluate.interval import numbers_of
from mien.evaluate.metrics import confusion, mean, measure, plain
from mien.evaluate.paired import Arm, pair
from mien.evaluate.redraw import redraw
from mien.evaluate.significance import Estimate, estimate
from mien.labels import Labels
from mien.scores import Scores

Vector = NDArray[np.float64]
METRICS = ("accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True, eq=False)
class Cell:
    """A training, tested on a group; with several seeds, means.

    Attributes:
        training: its name.
        group: what it is tested on.
        relation: how far that is from what it has seen.
        rows: pictures.
        numbers: accuracy, balanced_accuracy and macro_f1 with intervals.
        roc_auc: mean over classes, one against the rest.
        pr_auc: likewise (average precision).
        recall: class -> share that is right; classes that the group lacks are left out.
    """

    training: str
    group: Group
    relation: str
    rows: int
    numbers: dict[str, Estimate]
    roc_auc: float
    pr_auc: float
    recall: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **vars(self),
            "group": str(self.group),
            "numbers": {name: value.to_dict() for name, value in self.numbers.items()},
            "roc_auc": plain(self.roc_auc),
            "pr_auc": plain(self.pr_auc),
        }


@dataclass(frozen=True, eq=False)
class Scenario:
    """All cells of one kind of training and one relation: their mean, and what is lost against staying within.

    Attributes:
        kind: of the trainings.
        relation: of the groups to them.
        cells: how many.
        numbers: means over the cells.
        lost: the same less "alone, within domain" on the same groups; None for that scenario itself, and where there
            is none to compare with.
    """

    kind: Kind
    relation: str
    cells: int
    numbers: dict[str, Estimate]
    lost: dict[str, Estimate] | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        lost = None if self.lost is None else {name: value.to_dict() for name, value in self.lost.items()}
        return {**vars(self), "numbers": {name: value.to_dict() for name, value in self.numbers.items()}, "lost": lost}


@dataclass(frozen=True, eq=False)
class Cross:
    """The matrix.

    Attributes:
        labels: the classes.
        groups: columns.
        trainings: rows.
        runs: trainings of each row, with different seeds.
        cells: (training's name, group) -> numbers.
        mean: training's name -> mean over the groups.
        worst: training's name -> group with the lowest balanced accuracy.
        scenarios: means of cells that belong together.
        notes: what must be said beside the numbers.
    """

    labels: Labels
    groups: tuple[Group, ...]
    trainings: tuple[Training, ...]
    runs: int
    cells: dict[tuple[str, Group], Cell]
    mean: dict[str, dict[str, Estimate]]
    worst: dict[str, Group]
    scenarios: tuple[Scenario, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "classes": list(self.labels),
            "groups": [str(group) for group in self.groups],
            "trainings": [
                {
                    "name": training.name,
                    "kind": training.kind,
                    "seen": [str(group) for group in training.groups],
                    "mean": {name: value.to_dict() for name, value in self.mean[training.name].items()},
                    "worst": str(self.worst[training.name]),
                }
                for training in self.trainings
            ],
            "runs": self.runs,
            "cells": [cell.to_dict() for cell in self.cells.values()],
            "scenarios": [scenario.to_dict() for scenario in self.scenarios],
            "notes": list(self.notes),
        }

    def to_csv(self) -> str:
        """One line per cell."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        ends = [f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")]
        writer.writerow(["training", "group", "relation", "pictures", *ends, "roc_auc", "pr_auc"])
        for cell in self.cells.values():
            values = [getattr(cell.numbers[metric], end) for metric in METRICS for end in ("value", "low", "high")]
            shares = (f"{value:.4f}" for value in (*values, cell.roc_auc, cell.pr_auc))
            writer.writerow([cell.training, cell.group, cell.relation, cell.rows, *shares])
        return text.getvalue()


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Of some cells together: name -> (S,) of each run, and (S, B) over drawn data sets."""

    values: dict[str, Vector]
    drawn: dict[str, Vector]

    @classmethod
    def mean(cls, parts: Sequence[_Numbers]) -> _Numbers:
        """Cells count alike, however many pictures they have."""
        return cls(
            {name: np.mean([part.values[name] for part in parts], axis=0) for name in METRICS},
            {name: np.mean([part.drawn[name] for part in parts], axis=0) for name in METRICS},
        )

    def estimates(self) -> dict[str, Estimate]:
        return {name: estimate(self.values[name], self.drawn[name]) for name in METRICS}

    def against(self, other: _Numbers) -> dict[str, Estimate]:
        return {
            name: estimate(self.values[name], self.drawn[name], other.values[name], other.drawn[name])
            for name in METRICS
        }


def cross(
    scores: Mapping[Training, Sequence[Scores]],
    *,
    domain: str = "domain",
    content: str | None = None,
    draws: int = 1000,
    seed: int = 0,
    by_subject: bool = False,
    notes: Sequence[str] = (),
) -> Cross:
    """Make the matrix from the scores of every training on the test pictures of all groups.

    Args:
        scores: of each training, one for each seed; all on the same pictures.
        domain: column of the scores.
        content: a second one, or None.
        draws: data sets drawn for the intervals.
        seed: of the draws.
        by_subject: draw whole persons.
        notes: what else must be said beside the numbers.

    Raises:
        InputError: no trainings, different numbers of seeds, or scores that do not belong together.
    """
    counts = {len(runs) for runs in scores.values()}
    if len(counts) != 1 or 0 in counts:
        raise InputError("a matrix needs as many seeds of every training")
    groups = tuple(sorted(set(groups_of(next(iter(scores.values()))[0], domain, content))))
    numbers: dict[tuple[str, Group], _Numbers] = {}
    cells: dict[tuple[str, Group], Cell] = {}
    said = list(notes)
    nameless = _nameless(next(iter(scores.values()))[0], groups, domain, content) if by_subject else []
    if nameless:
        said.append(f"{', '.join(nameless)}: no persons are named, so single pictures are drawn there")
    for group in groups:
        parts = {
            training.name: [_part(run, group, domain, content) for run in runs] for training, runs in scores.items()
        }
        rows = pair([Arm(name, tuple(runs)) for name, runs in parts.items()])
        said += [f"{group}: {note}" for note in rows.notes]
        count, units = len(rows.labels), rows.units(by_subject and str(group) not in nameless)
        drawn = redraw(rows.targets, np.concatenate(rows.answers), count, draws=draws, seed=seed, units=units)
        ends = np.cumsum([len(answers) for answers in rows.answers])
        for training, answers, end in zip(scores, rows.answers, ends, strict=True):
            tables = np.stack([confusion(rows.targets, each, count) for each in answers])
            found = _Numbers(numbers_of(tables), numbers_of(drawn[end - len(answers) : end]))
            numbers[training.name, group] = found
            areas = [measure(run) for run in parts[training.name]]
            share = np.diagonal(tables, axis1=1, axis2=2) / np.maximum(tables.sum(axis=2), 1)
            cells[training.name, group] = Cell(
                training.name,
                group,
                training.relation(group),
                len(rows),
                found.estimates(),
                mean(np.array([mean(each.roc_auc) for each in areas])),
                mean(np.array([mean(each.pr_auc) for each in areas])),
                {
                    name: float(share[:, index].mean())
                    for index, name in enumerate(rows.labels)
                    if tables[0, index].sum()
                },
            )
    return Cross(
        rows.labels,
        groups,
        tuple(scores),
        counts.pop(),
        cells,
        {
            training.name: _Numbers.mean([numbers[training.name, group] for group in groups]).estimates()
            for training in scores
        },
        {
            training.name: min(groups, key=lambda group: cells[training.name, group].numbers["balanced_accuracy"].value)
            for training in scores
        },
        tuple(_scenarios(tuple(scores), groups, numbers)),
        tuple(dict.fromkeys(said)),
    )


def groups_of(scores: Scores, domain: str, content: str | None) -> list[Group]:
    """The group of each row."""
    domains = scores.column(domain).tolist()
    contents = [""] * len(domains) if content is None else scores.column(content).tolist()
    return [Group(*both) for both in zip(domains, contents, strict=True)]


def _part(scores: Scores, group: Group, domain: str, content: str | None) -> Scores:
    rows = [row for row, each in enumerate(groups_of(scores, domain, content)) if each == group]
    return scores.take(np.array(rows, np.intp))


def _nameless(scores: Scores, groups: Sequence[Group], domain: str, content: str | None) -> list[str]:
    """Groups whose rows name no persons.

    Raises:
        InputError: no group names any.
    """
    people = np.full(len(scores), "") if scores.subjects is None else scores.subjects
    named = {group for group, who in zip(groups_of(scores, domain, content), people, strict=True) if who}
    if not named:
        raise InputError("the data name no subjects, so persons cannot be drawn as wholes")
    return [str(group) for group in groups if group not in named]


def _scenarios(
    trainings: Sequence[Training], groups: Sequence[Group], numbers: Mapping[tuple[str, Group], _Numbers]
) -> list[Scenario]:
    at_home = {
        group: numbers[training.name, group]
        for training in trainings
        if training.kind == "alone"
        for group in training.groups
    }
    places: dict[tuple[Kind, str], list[tuple[str, Group]]] = {}
    for training in trainings:
        for group in groups:
            places.setdefault((training.kind, training.relation(group)), []).append((training.name, group))
    found = []
    for (kind, relation), cells in sorted(places.items(), key=lambda item: _order(*item[0])):
        here = _Numbers.mean([numbers[cell] for cell in cells])
        lost = None
        if (kind, relation) != ("alone", WITHIN) and all(group in at_home for _, group in cells):
            lost = here.against(_Numbers.mean([at_home[group] for _, group in cells]))
        found.append(Scenario(kind, relation, len(cells), here.estimates(), lost))
    return found


def _order(kind: Kind, relation: str) -> tuple[int, int]:
    return list(KINDS).index(kind), (WITHIN, CROSS_CONTENT, CROSS_DOMAIN, CROSS_BOTH).index(relation)
