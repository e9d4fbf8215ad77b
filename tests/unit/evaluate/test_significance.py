"""Tests of differences: against SciPy, by hand, and how often chance alone is called a difference."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, chi2, permutation_test, t, ttest_ind

from mien.evaluate.significance import EXACT, estimate, mcnemar, sign_flip


@pytest.mark.parametrize("only", [(0, 0), (3, 3), (0, 1), (1, 5), (12, 30), (350, 420), (500, 500)])
def test_mcnemar_is_the_binomial_test(only):
    expected = binomtest(only[0], sum(only), 0.5).pvalue if sum(only) else 1.0
    assert mcnemar(*only) == pytest.approx(expected)
    assert mcnemar(*only[::-1]) == mcnemar(*only)


@pytest.mark.parametrize("only", [(501, 500), (700, 600), (5000, 4000)])
def test_mcnemar_of_many_rows_is_chi_square(only):
    assert sum(only) > EXACT
    statistic = (abs(only[0] - only[1]) - 1) ** 2 / sum(only)
    assert mcnemar(*only) == pytest.approx(chi2.sf(statistic, 1))


def test_flipping_signs_of_single_rows_is_mcnemar():
    differences = np.array([1.0] * 14 + [-1.0] * 5 + [0.0] * 30)
    found = sign_flip(differences, np.arange(len(differences)), permutations=40_000)
    assert found == pytest.approx(mcnemar(5, 14), abs=0.006)


def test_flipping_signs_is_scipys_permutation_of_samples():
    differences = np.array([3.0, 2, -1, 4, 2, -2, 1])
    exact = permutation_test(
        (differences,), lambda x, axis: np.abs(x.sum(axis=axis)), permutation_type="samples", alternative="greater"
    )
    units = np.repeat(np.arange(7), 2)  # two rows of each person, half of the difference each
    found = sign_flip(np.repeat(differences / 2, 2), units, permutations=40_000)
    assert found == pytest.approx(exact.pvalue, abs=0.006)


def test_one_person_proves_nothing():
    assert sign_flip(np.ones(500), np.zeros(500, int)) == 1.0
    assert sign_flip(np.zeros(20), np.arange(20)) == 1.0


def test_the_seed_decides_the_signs(monkeypatch):
    differences = np.random.default_rng(0).choice([-1.0, 0, 1], 60)
    first = sign_flip(differences, np.arange(60), seed=3)
    assert sign_flip(differences, np.arange(60), seed=3) == first
    monkeypatch.setattr("mien.evaluate.significance.PIECE", 100)  # in small pieces: other draws, the same answer
    assert sign_flip(differences, np.arange(60), seed=3) == pytest.approx(first, abs=0.03)


def test_welch_when_pictures_do_not_vary():
    first, second = np.array([0.71, 0.73, 0.70, 0.74]), np.array([0.76, 0.74, 0.79])
    found = estimate(second, np.repeat(second[:, None], 50, 1), first, np.repeat(first[:, None], 50, 1))
    expected = ttest_ind(second, first, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_a_single_training_is_taken_to_vary_like_the_others():
    first, second = np.array([0.70, 0.72, 0.74]), np.array([0.80])
    found = estimate(second, np.repeat(second[:, None], 50, 1), first, np.repeat(first[:, None], 50, 1))
    half = t.ppf(0.975, 2) * math.sqrt(first.var(ddof=1) * (1 + 1 / 3))  # a new observation, beside a mean of three
    assert (found.low, found.high) == pytest.approx((0.08 - half, 0.08 + half))


def test_pictures_and_trainings_add_up():
    generator = np.random.default_rng(0)
    first, second = np.array([0.50, 0.52, 0.54]), np.array([0.60, 0.61, 0.62])
    drawn = [side[:, None] + generator.normal(0, 0.03, (3, 400)) for side in (first, second)]
    found = estimate(second, drawn[1], first, drawn[0])
    rows = (drawn[1].mean(axis=0) - drawn[0].mean(axis=0)).var()
    parts = [first.var(ddof=1) / 3, second.var(ddof=1) / 3]
    total = rows + sum(parts)
    degrees = total**2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 2)
    half = t.ppf(0.975, degrees) * math.sqrt(total)
    assert (found.low, found.high) == pytest.approx((0.09 - half, 0.09 + half))
    assert found.p_value == pytest.approx(2 * t.sf(0.09 / math.sqrt(total), degrees))


def test_trainings_that_are_all_alike():
    same = np.array([0.5, 0.5])
    drawn = np.full((2, 10), 0.5)
    assert estimate(same, drawn, same, drawn).p_value == 1.0
    assert estimate(same + 0.1, drawn + 0.1, same, drawn).p_value == 0.0
    assert (estimate(same, drawn).low, estimate(same, drawn).high) == (0.5, 0.5)


def test_single_trainings_have_percentiles_and_no_p_value():
    drawn = np.linspace(0, 1, 101)[None]
    found = estimate(np.array([0.5]), drawn, level=0.9)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.05, 0.95))
    assert math.isnan(found.p_value)
    assert found.to_dict() == {"value": 0.5, "low": 0.05, "high": 0.95, "p_value": None}
    assert found.is_clear
    assert not estimate(np.array([0.5]), drawn - 0.5, level=0.9).is_clear


def test_draws_without_a_class_do_not_count():
    drawn = np.array([[0.2, np.nan, 0.4]])
    assert estimate(np.array([0.3]), drawn, level=1.0).high == 0.4
    nothing = estimate(np.array([0.3]), np.full((1, 3), np.nan))
    assert (nothing.low, nothing.high) == (0.3, 0.3)


def test_intervals_stay_within_what_a_share_can_be():
    wild = np.array([0.1, 0.9])
    drawn = np.repeat(wild[:, None], 5, 1)
    assert (estimate(wild, drawn).low, estimate(wild, drawn).high) == (0, 1)
    difference = estimate(wild, drawn, wild[::-1], drawn[::-1])
    assert (difference.low, difference.high) == (-1, 1)


def test_chance_is_seldom_called_a_difference():
    """Three trainings a side of one recipe, whose accuracies vary by pictures and by training: about 5 % below 0.05."""
    generator = np.random.default_rng(5)
    below = 0
    for _ in range(300):
        sides = 0.7 + generator.normal(0, 0.02, (2, 3)) + generator.normal(0, 0.01)
        noise = generator.normal(0, 0.005, (2, 3, 100))  # what is left of the pictures in a difference
        sides += generator.normal(0, 0.005, (2, 3))
        drawn = sides[..., None] + noise
        below += estimate(sides[1], drawn[1], sides[0], drawn[0]).p_value < 0.05
    assert below / 300 < 0.09
