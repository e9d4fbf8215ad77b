"""Many searches that each leave rows out: how far to shrink, and what is left of the gain on rows unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.bias.folds import folds_of
from mien.bias.objectives import Objective
from mien.bias.search import Problem, search
from mien.bias.tally import Tally

#: Shares of the biases that are compared; 0 is no biases.
SHRINKS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Folds within the rows of one fold's search, which choose how far its biases are shrunk.
INNER = 3


@dataclass(frozen=True, eq=False)
class Settings:
    """Everything a search needs beside its rows."""

    method: str
    objective: Objective
    free: tuple[int, ...]
    reach: float
    trials: int
    prior: NDArray[np.float64] | None
    temperature: float
    seed: int


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one search."""

    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    settings: Settings

    def problem(self) -> Problem:
        """The rows as a problem, nothing tried yet."""
        settings = self.settings
        return Problem(
            Tally(self.logits, self.targets),
            settings.objective,
            settings.free,
            reach=settings.reach,
            trials=settings.trials,
            prior=settings.prior,
            temperature=settings.temperature,
        )


def cross_validate(
    everything: Part,
    subjects: NDArray[Any] | None,
    count: int,
    shrink: bool,
    jobs: int,
    progress: Callable[[int, int], None],
) -> tuple[float, NDArray[np.uint8]]:
    """Choose how far to shrink, and answer every row with biases that never saw it.

    Args:
        everything: all rows.
        subjects: (N,) persons, who are never split, or None.
        count: folds.
        shrink: False keeps the biases whole.
        jobs: processes.
        progress: called with searches done and in all.

    Returns:
        The share of the biases that is best on rows not searched, and (N,) the answers. Each fold's answers come from
        a search on the other folds, shrunk as was best within those.
    """
    targets, settings = everything.targets, everything.settings
    outer = folds_of(targets, count, settings.seed, subjects)
    inner = np.zeros((count, len(targets)), np.int64)
    parts = []
    for fold in range(count):
        rows = np.flatnonzero(outer != fold)
        people = None if subjects is None else subjects[rows]
        inner[fold, rows] = folds_of(targets[rows], INNER, settings.seed + 1 + fold, people)
        parts.append(_take(everything, outer != fold))
        if shrink:
            parts += [_take(everything, (outer != fold) & (inner[fold] != part)) for part in range(INNER)]
    found = list(_run(parts, jobs, progress))
    step = 1 + INNER * shrink
    whole = found[::step]
    after = np.zeros(len(targets), np.uint8)
    for fold in range(count):
        held = outer == fold
        share = 1.0
        if shrink:
            sides = [(~held) & (inner[fold] == part) for part in range(INNER)]
            share = _share(everything, sides, found[fold * step + 1 : (fold + 1) * step])
        after[held] = Tally(everything.logits[held], targets[held]).answers((share * whole[fold])[None])[0]
    return _share(everything, [outer == fold for fold in range(count)], whole) if shrink else 1.0, after


def _share(everything: Part, held: Sequence[NDArray[np.bool_]], biases: Sequence[NDArray[np.float64]]) -> float:
    """The share that is best on all held-out rows together, each with the biases that did not see it."""
    counts = sum(
        Tally(everything.logits[rows], everything.targets[rows]).counts(np.array(SHRINKS)[:, None] * found)
        for rows, found in zip(held, biases, strict=True)
    )
    assert isinstance(counts, np.ndarray)
    values = everything.settings.objective.values(counts, counts[0])
    return SHRINKS[int(np.nanargmax(values))]  # the first of equal ones, which is the smallest


def _run(parts: Sequence[Part], jobs: int, progress: Callable[[int, int], None]) -> Iterator[NDArray[np.float64]]:
    if jobs == 1:
        for done, part in enumerate(parts, start=1):
            yield _search(part)
            progress(done, len(parts))
        return
    # fresh processes: a fork of a process that has threads may hang
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=get_context("spawn")) as pool:
        for done, found in enumerate(pool.map(_search, parts), start=1):
            yield found
            progress(done, len(parts))


def _search(part: Part) -> NDArray[np.float64]:
    return search(part.problem(), part.settings.method, part.settings.seed)


def _take(part: Part, rows: NDArray[np.bool_]) -> Part:
    return replace(part, logits=part.logits[rows], targets=part.targets[rows])
