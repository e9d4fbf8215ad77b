"""Paired bootstrap: the same rows for all models, against a slow loop."""

import numpy as np
import pytest

from mien.evaluate.interval import PIECE
from mien.evaluate.redraw import redraw

TARGETS = np.array([0, 1, 2, 1, 0, 2, 1])
ANSWERS = np.array([[0, 1, 1, 1, 2, 2, 0], [0, 0, 2, 1, 0, 2, 1]])


def slow(targets, answers, classes, draws, seed, units=None):
    generator = np.random.default_rng(seed)
    things = len(targets) if units is None else units.max() + 1
    found = np.zeros((len(answers), draws, classes, classes))
    drawn = generator.integers(0, things, (draws, things))
    for draw in range(draws):
        for thing in drawn[draw]:
            for row in [thing] if units is None else np.flatnonzero(units == thing):
                for model in range(len(answers)):
                    found[model, draw, targets[row], answers[model, row]] += 1
    return found


@pytest.mark.parametrize("units", [None, np.array([0, 0, 1, 2, 2, 2, 3])])
def test_the_same_as_a_loop(units):
    found = redraw(TARGETS, ANSWERS, 3, draws=40, seed=7, units=units)
    np.testing.assert_array_equal(found, slow(TARGETS, ANSWERS, 3, 40, 7, units))


def test_both_models_see_the_same_rows():
    found = redraw(TARGETS, ANSWERS, 3, draws=50, seed=1)
    np.testing.assert_array_equal(found[0].sum(axis=2), found[1].sum(axis=2))
    twice = redraw(TARGETS, np.stack([ANSWERS[0]] * 2), 3, draws=50, seed=1)
    np.testing.assert_array_equal(twice[0], twice[1])


def test_pieces_make_no_difference(monkeypatch):
    whole = redraw(TARGETS, ANSWERS, 3, draws=30, seed=2)
    monkeypatch.setattr("mien.evaluate.redraw.PIECE", 7 * 4)
    np.testing.assert_array_equal(redraw(TARGETS, ANSWERS, 3, draws=30, seed=2), whole)
    assert PIECE > 1000


def test_the_spread_is_that_of_the_binomial():
    generator = np.random.default_rng(3)
    targets = np.zeros(400, np.int64)
    answers = (generator.random((1, 400)) < 0.3).astype(np.intp)
    wrong = redraw(targets, answers, 2, draws=4000, seed=4)[0, :, 0, 1] / 400
    share = answers.mean()
    assert wrong.mean() == pytest.approx(share, abs=0.002)
    assert wrong.std() == pytest.approx(np.sqrt(share * (1 - share) / 400), rel=0.05)
