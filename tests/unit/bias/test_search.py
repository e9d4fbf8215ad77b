"""Problems whose answer is known; the promises of all methods are in tests/contracts/test_biases.py."""

import numpy as np
import pytest

from mien.bias.objectives import Objective
from mien.bias.search import Problem, search
from mien.bias.tally import Tally
from mien.errors import InputError
from mien.runtime.prior import estimate


def problem(logits, targets, objective="macro_recall", free=None, **options) -> Problem:
    tally = Tally(np.array(logits, np.float32), np.array(targets))
    free = range(tally.classes) if free is None else free
    return Problem(tally, Objective(objective), free, **{"reach": 2.0, "trials": 500, **options})


def test_the_class_answered_most_stays_zero_when_all_are_free():
    assert problem([[2, 1, 0]] * 3, [0, 1, 2]).free == [1, 2]
    assert problem([[0, 1, 2]] * 3, [0, 1, 2]).free == [0, 1]
    assert problem([[0, 1, 2]] * 3, [0, 1, 2], free=[2, 0]).free == [2, 0]


def test_the_zero_bias_comes_first_and_wins_when_nothing_is_better():
    found = problem([[3, 0], [0, 3]], [0, 1])
    assert found.points.tolist() == [[0.0]]
    search(found, "coordinate")
    assert found.answer().tolist() == [0.0, 0.0]


def test_among_equal_biases_the_smallest_is_the_answer():
    # b is right from 0.5 on; a stays right up to 1.5
    found = problem([[1.5, 0], [0.5, 0]], [0, 1], free=[1])
    found.try_points(np.array([[1.4], [0.6], [1.0], [1.8]]))
    assert found.answer().tolist() == [0.0, 0.6]


def test_no_more_trials_than_allowed():
    found = problem([[1.5, 0], [0.5, 0]], [0, 1], free=[1], trials=3)
    assert len(found.try_points(np.linspace(-1, 1, 7)[:, None])) == 2
    assert len(found.values) == 3
    assert found.try_points(np.ones((4, 1))).shape == (0,)


def test_a_grid_is_the_finest_that_fits_with_zero_on_it():
    found = problem([[1.5, 0, 0], [0.5, 0, 0]], [0, 1], trials=60)
    search(found, "grid")
    assert len(found.values) == 49
    assert np.unique(found.points[:, 0]).round(6).tolist() == np.linspace(-2, 2, 7).round(6).tolist()


def test_a_grid_too_large_says_the_way_out():
    with pytest.raises(InputError, match=r"grid over 4 classes has at least 81 points, but there are 50 trials"):
        search(problem(np.eye(5), range(5), trials=50), "grid")


def test_logit_adjustment_is_tau_log_prior():
    # 3 of a, 1 of b: at tau 1 b gains log 3
    found = problem([[1, 0]] * 4, [0, 0, 0, 1])
    search(found, "logit_adjustment")
    expected = np.linspace(0, 2, 81) * np.log(3)
    np.testing.assert_allclose(found.points[:, 0], expected, atol=1e-6)


def test_logit_adjustment_scales_with_the_temperature():
    found = problem([[1, 0]] * 4, [0, 0, 0, 1], temperature=2.0, prior=np.array([0.8, 0.2]))
    search(found, "logit_adjustment")
    assert found.points[-1, 0] == pytest.approx(2 * 2 * np.log(4), abs=1e-6)


def test_em_finds_the_shares_that_the_rows_were_drawn_with():
    draw = np.random.default_rng(0)
    prior, shares = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    truth = draw.random(40_000) < shares[1]
    value = draw.normal(np.where(truth, 1.0, -1.0))  # log likelihood ratio of the two classes: 2 x value
    probability = 1 / (1 + np.exp(-2 * value))
    found = estimate(np.stack([1 - probability, probability], 1), prior)
    np.testing.assert_allclose(found, shares, atol=0.01)


def test_em_gives_the_biases_of_bayes_rule_and_looks_at_no_label():
    logits = np.log(np.array([[0.99, 0.01]] * 8 + [[0.02, 0.98]] * 2))
    found = problem(logits, [1] * 10, prior=np.array([0.5, 0.5]))
    biases = search(found, "em")
    shares = estimate(np.exp(logits), np.array([0.5, 0.5]))
    np.testing.assert_allclose(biases[1] - biases[0], np.log(shares[1] / shares[0]), atol=1e-4)


def test_em_without_a_prior_says_so():
    with pytest.raises(InputError, match="prior"):
        search(problem([[1, 0], [0, 1]], [0, 1]), "em")
