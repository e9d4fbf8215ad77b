"""Averages over time, by hand."""

import numpy as np
import pytest

from mien.face import Face
from mien.labels import Labels
from mien.prediction import Prediction, Reading
from mien.runtime.timeline import STEP_S, STEPS, Timeline

LABELS = Labels(("calm", "glad"))


def reading(time_s, glad, track=1, threshold=0.0):
    answer = Prediction(LABELS, np.array([1 - glad, glad], np.float32), threshold)
    return Reading(Face(np.zeros(4, np.float32)), answer, time_s=time_s, track=track)


def test_a_summary_by_hand():
    timeline = Timeline(LABELS)
    timeline.add([reading(1.0, 0.25), reading(1.0, 1.0, track=2)])
    timeline.add([reading(2.0, 0.75)])
    timeline.add([reading(3.0, 0.5, threshold=0.6)])
    assert timeline.summary() == [
        {
            "track": 1, "first_s": 1.0, "last_s": 3.0, "readings": 3,
            "mean_probabilities": {"calm": 0.5, "glad": 0.5}, "shares": {"calm": 0.333333, "glad": 0.333333},
        },
        {
            "track": 2, "first_s": 1.0, "last_s": 1.0, "readings": 1,
            "mean_probabilities": {"calm": 0.0, "glad": 1.0}, "shares": {"calm": 0.0, "glad": 1.0},
        },
    ]  # fmt: skip


def test_pictures_have_no_timeline():
    timeline = Timeline(LABELS)
    timeline.add([reading(None, 0.5), reading(1.0, 0.5, track=None)])
    assert timeline.tracks == {}


def test_a_series_of_steps():
    timeline = Timeline(LABELS)
    for time_s, glad in ((0.0, 0.0), (0.02, 0.5), (0.05, 1.0), (0.5, 0.25)):
        timeline.add([reading(time_s, glad)])
    times, shares = timeline.series(1)
    assert times == pytest.approx([0.02, 0.06, 0.5])
    assert shares[:, 1] == pytest.approx([0.25, 1.0, 0.25])


def test_a_long_video_has_no_more_steps():
    timeline = Timeline(LABELS)
    for second in range(10_000):
        timeline.add([reading(second, 0.0 if second < 5_000 else 1.0)])
    times, shares = timeline.series(1)
    assert timeline.step_s == 16 * 0.64 == STEP_S * 2**8  # the first power of two with 1,000 steps for 9,999 s
    assert len(times) <= STEPS
    assert timeline.tracks[1].mean == pytest.approx([0.5, 0.5])
    assert shares[0].tolist() == [1, 0]
    assert shares[-1].tolist() == [0, 1]
    assert sum(count for count, _ in timeline.tracks[1].steps.values()) == 10_000
