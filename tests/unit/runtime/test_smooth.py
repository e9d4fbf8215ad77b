"""Smoothing over time: numbers by hand."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.runtime.smooth import Smoother


def shares(*logits):
    exponent = np.exp(np.array(logits, np.float64))
    return (exponent / exponent.sum()).astype(np.float32)


def test_a_step_shows_to_63_per_cent_after_the_time_constant():
    smoother = Smoother(0.5)
    smoother.add(1, shares(0, 0), 0.0)
    found = smoother.add(1, shares(2, 0), 0.5)
    assert found == pytest.approx(shares(2 * (1 - np.exp(-1)), 0), abs=1e-6)  # 1.264: 0.7797
    assert found[0] == pytest.approx(0.7797, abs=1e-4)


@pytest.mark.parametrize("rate", [5, 25, 60])
def test_the_frame_rate_does_not_matter(rate):
    smoother = Smoother(0.3)
    smoother.add(1, shares(0, 0, 1), 0.0)
    for frame in range(1, rate + 1):
        found = smoother.add(1, shares(3, 0, 1), frame / rate)
    assert found == pytest.approx(shares(3 * (1 - np.exp(-1 / 0.3)), 0, 1), abs=1e-5)


def test_a_number_added_to_all_logits_of_a_frame_changes_nothing():
    """Why logarithms of probabilities may stand for logits."""
    logits = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]]) + np.array([[5.0], [-3.0], [0.0]])
    weights = [np.exp(-2.0), (1 - np.exp(-1.0)) * np.exp(-1.0), 1 - np.exp(-1.0)]  # tau = 1 s, frames 1 s apart
    smoother = Smoother(1.0)
    for time_s, row in enumerate(logits):
        found = smoother.add(1, shares(*row), float(time_s))
    assert found == pytest.approx(shares(*(weights @ logits)), abs=1e-5)


def test_tracks_do_not_mix_and_are_forgotten():
    smoother = Smoother(1.0)
    smoother.add(1, shares(9, 0), 0.0)
    assert smoother.add(2, shares(0, 0), 0.1) == pytest.approx([0.5, 0.5])
    smoother.keep(frozenset({2}))
    assert smoother.add(1, shares(0, 0), 0.2) == pytest.approx([0.5, 0.5])


def test_none_at_all():
    smoother = Smoother(0.0)
    smoother.add(1, shares(9, 0), 0.0)
    given = shares(0, 1)
    assert smoother.add(1, given, 0.04) is given


def test_a_probability_of_zero_passes():
    smoother = Smoother(0.1)
    smoother.add(1, np.array([0, 1], np.float32), 0.0)
    found = smoother.add(1, np.array([1, 0], np.float32), 2.0)
    assert found == pytest.approx([1, 0], abs=1e-5)
    assert found.sum() == pytest.approx(1)


def test_a_negative_time_constant():
    with pytest.raises(InputError, match="time constant"):
        Smoother(-0.1)
