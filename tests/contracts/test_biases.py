"""What every method of search and every objective promises. A new entry is covered without a change here."""

from __future__ import annotations

import inspect
from contextlib import nullcontext

import numpy as np
import pytest

from mien.bias.objectives import OBJECTIVES, SHARES, Objective
from mien.bias.search import METHODS, Problem, search
from mien.bias.tally import Tally
from mien.errors import InputError, UnknownName

PRIOR = np.array([0.6, 0.3, 0.1])


def _tally(rows: int = 300) -> Tally:
    draw = np.random.default_rng(4)
    targets = draw.choice(3, rows, p=PRIOR)
    logits = draw.normal(size=(rows, 3)) + 1.5 * np.eye(3)[targets] + np.log(PRIOR)
    return Tally(logits.astype(np.float32), targets)


def _problem(trials: int = 120, free: tuple[int, ...] = (0, 1, 2), **options: object) -> Problem:
    objective = Objective("macro_recall")
    return Problem(_tally(), objective, free, **{"reach": 2.0, "trials": trials, "prior": PRIOR, **options})


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("free", [(0, 1, 2), (1, 2), (2,)])
def test_never_below_doing_nothing_and_within_the_trials(name: str, free: tuple[int, ...]) -> None:
    problem = _problem(free=free)
    biases = search(problem, name, seed=1)
    assert biases.shape == (3,)
    assert np.isfinite(biases).all()
    assert len(problem.values) == len(problem.points) <= 120
    assert not problem.points[0].any(), "the zero bias is the first trial"
    assert not set(np.flatnonzero(biases)) - set(free), "classes that are not free keep 0"
    value = problem.objective.values(problem.tally.counts(biases[None]), problem.zero)[0]
    if problem.decision is None:
        assert value == problem.values.max() >= problem.values[0]


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("em", "logit_adjustment")])
def test_searches_stay_within_reach(name: str) -> None:
    problem = _problem(reach=0.7)
    search(problem, name)
    assert np.abs(problem.points).max() <= 0.7 + 1e-9


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_tries_the_same(name: str) -> None:
    first, second = _problem(40), _problem(40)
    search(first, name, seed=7)
    search(second, name, seed=7)
    np.testing.assert_array_equal(first.points, second.points)


@pytest.mark.parametrize("name", METHODS)
def test_two_trials_are_enough_or_refused_with_a_reason(name: str) -> None:
    problem = _problem(2)
    with nullcontext() if name != "grid" else pytest.raises(InputError, match="trials"):
        search(problem, name)
    assert len(problem.values) <= 2


@pytest.mark.parametrize("name", METHODS)
def test_finds_most_of_what_there_is(name: str) -> None:
    """Logits with the log shares added: balanced answers need them taken away again."""
    problem, best = _problem(250), _problem(20_000)
    search(problem, name)
    search(best, "grid")
    value = problem.objective.measure(problem.tally.counts(problem.answer()[None]))[0]
    if name != "em":  # which is after the shares of the classes, not after recall
        assert value - problem.values[0] > 0.6 * (best.values.max() - problem.values[0]) > 0.02


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_between_0_and_1_and_1_where_all_is_right(name: str) -> None:
    shares = PRIOR if name in SHARES else None
    objective = Objective(name, shares)
    values = objective.measure(_tally().counts(np.random.default_rng(0).normal(size=(20, 3))))
    assert values.shape == (20,)
    assert ((values >= 0) & (values <= 1)).all()
    perfect = np.zeros((1, 4, 3), int)
    perfect[0, [0, 1, 2], [0, 1, 2]] = (60, 30, 10)
    np.testing.assert_allclose(objective.measure(perfect), 1.0)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_class_without_a_row_changes_nothing(name: str) -> None:
    with_it = np.array([[[7, 3, 0], [2, 4, 0], [0, 0, 0], [0, 0, 0]]])
    without = np.array([[[7, 3], [2, 4], [0, 0]]])
    shares = np.array([0.7, 0.3]) if name in SHARES else None
    wider = np.array([0.7, 0.3, 0.0]) if name in SHARES else None
    assert Objective(name, wider).measure(with_it)[0] == pytest.approx(Objective(name, shares).measure(without)[0])


@pytest.mark.parametrize("table", [METHODS, OBJECTIVES], ids=["methods", "objectives"])
def test_every_entry_has_a_line_of_help_and_a_docstring(table) -> None:
    for name in table:
        assert table.entry(name).help
        assert inspect.getdoc(table.load(name))
    with pytest.raises(UnknownName, match=table.names()[0]):
        table.entry(table.names()[0][:-1])
