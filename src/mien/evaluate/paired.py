"""Several models on the same pictures, row by row, so that their answers can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluate.interval import units_of
from mien.evaluate.view import view
from mien.labels import Labels
from mien.scores import Scores


@dataclass(frozen=True, eq=False)
class Arm:
    """One side of a comparison: a model, or several trainings of one recipe.

    Attributes:
        name: short.
        runs: scores of each training, on the same pictures.
        train_seconds: mean time of a training, or None.
    """

    name: str
    runs: tuple[Scores, ...]
    train_seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Paired:
    """Answers of all arms to the rows that all of them have.

    Attributes:
        labels: the classes that all models know.
        targets: (N,) int64.
        answers: of each arm, (S, N).
        nll: of each arm, (S,) mean negative logarithm of the label's probability, in nats.
        subjects: (N,) persons, or None.
        notes: what must be said beside the numbers.
    """

    labels: Labels
    targets: NDArray[np.int64]
    answers: tuple[NDArray[np.intp], ...]
    nll: tuple[NDArray[np.float64], ...]
    subjects: NDArray[np.str_] | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.targets)

    def units(self, by_subject: bool) -> NDArray[np.intp] | None:
        """(N,) what is drawn as a whole: persons, or None for single rows.

        Raises:
            InputError: persons are asked for and the data name none.
        """
        if not by_subject:
            return None
        if self.subjects is None or not (self.subjects != "").any():
            raise InputError("the data name no subjects, so persons cannot be drawn as wholes")
        return units_of(self.subjects)


def pair(arms: Sequence[Arm], *, labels: Labels | None = None, match: str | None = None) -> Paired:
    """Match the rows of all runs of all arms.

    Args:
        arms: two or more, with different names.
        labels: the classes to answer with; by default those of the data that all models know.
        match: column that says which rows belong together, e.g. the original of an enhanced picture; by default the
            name of the picture and its box, which also counts where the column is empty, and for scores without such
            a column when others have it.

    Raises:
        InputError: no common rows or classes, labels that differ, or no such column.
    """
    if len({arm.name for arm in arms}) < len(arms):
        raise InputError(f"two arms have the same name: {', '.join(arm.name for arm in arms)}; --arm NAME=… names them")
    runs = [(arm.name, run) for arm in arms for run in arm.runs]
    common, notes = (labels, []) if labels is not None else _common(runs)
    views = [(name, view(run, common).scores.labelled()) for name, run in runs]
    without = [match is None or match not in scores.columns for _, scores in views]
    keys = [
        _keys(scores, None if lacks and not all(without) else match)
        for lacks, (_, scores) in zip(without, views, strict=True)
    ]
    places = [{key: row for row, key in enumerate(each)} for each in keys]
    shared = [key for key in keys[0] if all(key in place for place in places[1:])]
    if not shared:
        raise _nothing_shared([name for name, _ in views], keys)
    for (name, scores), place in zip(views, places, strict=True):
        if len(place) > len(shared):
            left = f"{len(place) - len(shared):,} of the {len(scores):,} pictures of {name}"
            note = f"{left} are not in all the others; they do not count."
            notes += [] if note in notes else [note]
    rows = [np.array([place[key] for key in shared], np.intp) for place in places]
    taken = [scores.take(order) for (_, scores), order in zip(views, rows, strict=True)]
    for (name, _), scores in zip(views, taken, strict=True):
        other_label = np.flatnonzero(scores.targets != taken[0].targets)
        if len(other_label):
            row = int(other_label[0])
            says = [scores.labels.names[each.targets[row]] for each in (taken[0], scores)]
            raise InputError(
                f"{len(other_label):,} of {len(shared):,} pictures have other labels in {name} than in {views[0][0]}, "
                f"the first: {shared[row][0]} is {says[0]} there and {says[1]} here; score both with the same labels"
            )
    start, answers, nll = 0, [], []
    for arm in arms:
        own = taken[start : start + len(arm.runs)]
        start += len(arm.runs)
        answers.append(np.stack([scores.logits.argmax(axis=1) for scores in own]))
        nll.append(np.array([_nll(scores) for scores in own]))
    return Paired(taken[0].labels, taken[0].targets, tuple(answers), tuple(nll), taken[0].subjects, tuple(notes))


def _common(runs: Sequence[tuple[str, Scores]]) -> tuple[Labels, list[str]]:
    """The classes of the data that every model knows."""
    seen = [view(run).scores.labels for _, run in runs]
    names = [name for name in seen[0] if all(each.find(name) is not None for each in seen[1:])]
    if len(names) < 2:
        raise InputError(f"fewer than two classes are known to all: {'; '.join(', '.join(each) for each in seen)}")
    found = seen[0] if len(names) == len(seen[0]) else Labels.of(names)
    left = [name for each in seen for name in each if found.find(name) is None]
    if not left:
        return found, []
    return found, [f"Not all know {', '.join(dict.fromkeys(left))}: such pictures do not count, and nobody answers so."]


def _keys(scores: Scores, match: str | None) -> list[tuple[str, int]]:
    """What each row is called; a name that comes again is told apart by how often it came before."""
    names = scores.ids
    if match is not None:
        column = scores.column(match)
        names = np.where(column == "", scores.ids, column)  # a picture that was made from no other is its own
    counts: dict[str, int] = {}
    keys = []
    for name in names.tolist():
        keys.append((name, counts.get(name, 0)))
        counts[name] = counts.get(name, 0) + 1
    return keys


def _nothing_shared(names: Sequence[str], keys: Sequence[Sequence[tuple[str, int]]]) -> InputError:
    """What to say when no picture is in all."""
    if empty := [name for name, own in zip(names, keys, strict=True) if not own]:
        return InputError(f"{empty[0]} has no picture with a label among the classes; score a split that has labels")
    other = next((number for number, own in enumerate(keys) if not set(keys[0]) & set(own)), None)
    if other is None:
        return InputError(f"no labelled picture is in all of {', '.join(dict.fromkeys(names))}; compare fewer of them")
    return InputError(
        f"{names[0]} and {names[other]} have no labelled picture in common: the first of one is {keys[0][0][0]!r}, of "
        f"the other {keys[other][0][0]!r}; score both on the same manifest and split, or name the column that tells "
        "which pictures belong together (--match)"
    )


def _nll(scores: Scores) -> float:
    own = scores.probabilities()[np.arange(len(scores)), scores.targets].astype(np.float64)
    return float(-np.log(np.maximum(own, np.finfo(np.float32).tiny)).mean())
