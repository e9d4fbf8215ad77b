"""The picture of a video: what is in it, not what it looks like."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.face import Face
from mien.images import read
from mien.labels import Labels
from mien.prediction import Prediction, Reading
from mien.report.timeline import _clock, _pieces, plot_timeline
from mien.runtime.timeline import Timeline

LABELS = Labels.named("fer7")


def timeline(people=3, seconds=20):
    found = Timeline(LABELS)
    for frame in range(seconds * 25):
        for person in range(1, people + 1):
            if (frame // 100) % (person + 1) == 0:
                shares = np.full(7, 0.1, np.float32)
                shares[(person + frame // 50) % 7] = 0.4
                answer = Prediction(LABELS, shares)
                found.add([Reading(Face(np.zeros(4, np.float32)), answer, time_s=frame / 25, track=person)])
    return found


@pytest.mark.parametrize("name", ["out.png", "out.svg"])
def test_it_is_drawn(tmp_path, name):
    path = plot_timeline(timeline(), tmp_path / name, "clip.mp4")
    if name.endswith("png"):
        image = read(path)
        assert image.std() > 20
    else:
        text = path.read_text()
        assert text.count("PolyCollection") >= 7 * 3


def test_many_people(tmp_path):
    tall = read(plot_timeline(timeline(people=12, seconds=5), tmp_path / "a.png"))
    short = read(plot_timeline(timeline(people=12, seconds=5), tmp_path / "b.png", most=2))
    assert tall.shape[0] > 2 * short.shape[0]


def test_nobody(tmp_path):
    with pytest.raises(InputError, match="no face was found"):
        plot_timeline(Timeline(LABELS), tmp_path / "out.png")


def test_gaps_stay_white():
    times = np.array([0.0, 0.5, 3.0, 9.0, 9.1])
    pieces = _pieces(times, np.eye(5), gap_s=1.0)
    assert [part.tolist() for part, _ in pieces] == [[0.0, 0.5], [2.95, 3.05], [9.0, 9.1]]
    assert pieces[1][1].shape == (2, 5)


def test_the_clock():
    assert [_clock(seconds) for seconds in (0, 7.5, 60, 125.0)] == ["0 s", "7.5 s", "1:00", "2:05"]
