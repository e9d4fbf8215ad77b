"""Risk, coverage and thresholds, by hand and against scipy."""

import numpy as np
import pytest
from scipy.stats import beta

from mien.errors import InputError
from mien.evaluate.selective import lower_bound, risk_coverage, threshold_for


def test_risk_and_area_by_hand():
    found = risk_coverage(np.array([0.6, 0.9, 0.7, 0.8]), np.array([True, True, False, True]))
    assert found.threshold.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert found.risk == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert found.aurc == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert found.at(0.75) == (0.5, 1.0)
    assert found.at(0.0) == (1.0, 0.75)
    assert found.at(0.95)[0] == 0


def test_equal_confidences_are_answered_together():
    one = risk_coverage(np.array([0.9, 0.5, 0.5]), np.array([True, True, False]))
    other = risk_coverage(np.array([0.9, 0.5, 0.5]), np.array([True, False, True]))
    assert one.answered.tolist() == other.answered.tolist() == [1, 3]
    assert one.aurc == other.aurc == pytest.approx((0 + 0.25 + 1 / 3) / 3)


@pytest.mark.parametrize(("hits", "count"), [(95, 100), (1, 3), (20, 20), (1500, 3000)])
def test_the_bound_of_clopper_and_pearson(hits, count):
    assert lower_bound(hits, count, 0.95) == pytest.approx(beta.ppf(0.05, hits, count - hits + 1), abs=1e-9)
    assert lower_bound(0, count) == 0


def model(generator, count):
    """Answers that are right with exactly their confidence."""
    confidence = generator.uniform(0.3, 1, count)
    return confidence, generator.random(count) < confidence


def test_the_wanted_accuracy_is_reached_as_often_as_promised():
    generator = np.random.default_rng(1)
    reached, coverage = [], []
    for _ in range(200):
        found = threshold_for(risk_coverage(*model(generator, 2000)), 0.85, 0.9)
        assert found.value is not None
        # above a threshold t the mean confidence, and so the accuracy, is (t + 1) / 2
        reached.append((found.value + 1) / 2 >= 0.85)
        coverage.append(found.coverage)
    assert np.mean(reached) >= 0.9
    assert np.mean(coverage) == pytest.approx(0.3 / 0.7, abs=0.15)  # at best, all above 0.7


def test_no_threshold_is_needed_or_none_is_enough():
    everything = threshold_for(risk_coverage(np.linspace(0.5, 1, 400), np.ones(400, bool)), 0.9)
    assert (everything.value, everything.coverage, everything.accuracy) == (0.0, 1.0, 1.0)
    none = threshold_for(risk_coverage(np.linspace(0.5, 1, 400), np.arange(400) % 2 == 0), 0.9)
    assert none.value is None
    assert none.coverage == 0


@pytest.mark.parametrize(("accuracy", "certainty"), [(95, 0.9), (0, 0.9), (0.9, 1.0), (0.9, 0.2)])
def test_numbers_that_make_no_sense(accuracy, certainty):
    with pytest.raises(InputError, match="expected"):
        threshold_for(risk_coverage(np.array([0.5]), np.array([True])), accuracy, certainty)
