"""Numbers of faces over time, on paths that are drawn by hand."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.face import Face
from mien.faces.track import COAST_S, Tracker, overlap

STEP_S = 0.04


def face(x, y=0.0, side=40.0):
    return Face(np.array([x, y, x + side, y + side], np.float32))


def test_overlap_by_hand():
    first = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], float)
    second = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]], float)
    assert overlap(first, second)[0].tolist() == pytest.approx([1, 50 / 150, 0, 0])
    assert overlap(first, second)[1].tolist() == [0, 0, 0, 0]


def test_order_of_detection_does_not_matter():
    tracker = Tracker()
    assert tracker.update([face(0), face(100)], 0.0) == [1, 2]
    assert tracker.update([face(103), face(3)], STEP_S) == [2, 1]
    assert tracker.update([face(200), face(106), face(6)], 2 * STEP_S) == [3, 2, 1]


def test_two_people_who_pass_each_other_keep_their_numbers():
    """The one to the right walks in front; at the height of it the detector sees one face only."""
    tracker = Tracker()
    tracker.update([face(0), face(200)], 0.0)
    for frame in range(1, 51):
        a, b = face(4.0 * frame), face(200 - 4.0 * frame)
        if abs(a.box[0] - b.box[0]) < 16:  # hidden
            assert tracker.update([a], frame * STEP_S) == [1]
        else:
            assert tracker.update([b, a], frame * STEP_S) == [2, 1], frame


def test_a_face_lost_and_found():
    tracker = Tracker(max_gap_s=1.0)
    assert tracker.update([face(0)], 0.0) == [1]
    assert tracker.update([], 0.5) == []
    assert tracker.update([face(4)], 1.0) == [1]
    assert tracker.update([], 1.9) == []
    assert tracker.alive == {1}
    assert tracker.update([face(4)], 2.01) == [2], "gone for more than a second"
    assert tracker.alive == {2}


def test_numbers_are_never_used_twice():
    tracker = Tracker(max_gap_s=0.1)
    numbers = [tracker.update([face(0)], second)[0] for second in range(5)]
    assert numbers == [1, 2, 3, 4, 5]


def test_a_moving_face_is_foreseen_and_coasts_to_a_stop():
    """100 px a second for half a second, then hidden: it is expected at most 100 * COAST_S further on."""
    tracker = Tracker()
    for frame in range(13):
        tracker.update([face(4.0 * frame, side=20)], frame * STEP_S)
    last = 4.0 * 12
    # 0.8 s later a face 29 px further on overlaps the place foreseen, 30 * (1 - exp(-0.8 / 0.3)) = 27.9 px on
    assert pytest.approx(0.3) == COAST_S
    assert tracker.update([face(last + 29, side=20)], 12 * STEP_S + 0.8) == [1]


def test_one_face_in_two_places_is_another_face():
    tracker = Tracker()
    tracker.update([face(0)], 0.0)
    assert tracker.update([face(300)], STEP_S) == [2]


def test_a_face_may_move_by_most_of_its_width():
    tracker = Tracker()
    tracker.update([face(0)], 0.0)
    assert tracker.update([face(28)], STEP_S) == [1]  # overlap 12 / 68 = 0.18
    other = Tracker()
    other.update([face(0)], 0.0)
    assert other.update([face(31)], STEP_S) == [2]  # 9 / 71 = 0.13


def test_a_place_that_is_known():
    tracker = Tracker()
    tracker.update([face(0)], 0.0)
    tracker.place(1, face(60), STEP_S)
    assert tracker.update([face(122)], 2 * STEP_S) == [1]


def test_two_faces_at_the_same_time():
    """Frames with the same time (a damaged clip) make no velocity of infinity."""
    tracker = Tracker()
    tracker.update([face(0)], 1.0)
    assert tracker.update([face(5)], 1.0) == [1]
    assert tracker.update([face(6)], 1.04) == [1]


@pytest.mark.parametrize("options", [{"max_gap_s": -1}, {"min_overlap": 0}, {"min_overlap": 1.1}])
def test_values_that_make_no_sense(options):
    with pytest.raises(InputError, match=next(iter(options))):
        Tracker(**options)
