"""Annotated pictures: looked at by eye when they were designed; here the promises that can be computed."""

import numpy as np
import pytest

from mien.face import Face
from mien.labels import Labels
from mien.prediction import Prediction, Reading
from mien.runtime.draw import COLOURS, _ink, annotate

LABELS = Labels(("calm", "glad", "a very long name of a class"))
GREY = (100, 100, 100)


def reading(*box, index=1, threshold=0.0):
    probabilities = np.full(3, 0.1, np.float32)
    probabilities[index] = 0.8
    return Reading(Face(np.array(box, np.float32)), Prediction(LABELS, probabilities, threshold))


def blank(height, width):
    return np.full((height, width, 3), GREY, np.uint8)


def test_a_box_in_the_colour_of_its_class():
    image = blank(400, 600)
    drawn = annotate(image, [reading(200, 100, 400, 300)])
    assert drawn.shape == image.shape
    assert (image == 100).all(), "the picture given is left as it was"
    assert tuple(drawn[200, 201]) == COLOURS[1]
    assert tuple(drawn[200, 398]) == COLOURS[1]
    assert tuple(drawn[200, 300]) == GREY, "the face itself stays free"
    assert (drawn[320:340, 210:390] != 100).any(), "bars below"
    assert (drawn[70:95, 210:300] != 100).any(), "a title above"
    assert tuple(drawn[50, 50]) == GREY


def test_an_abstention_is_grey():
    drawn = annotate(blank(400, 600), [reading(200, 100, 400, 300, threshold=0.9)])
    assert tuple(drawn[200, 201]) == (130, 140, 150)


def test_the_largest_face_lies_on_top():
    drawn = annotate(blank(400, 600), [reading(100, 100, 300, 300), reading(100, 150, 250, 250, index=0)])
    assert tuple(drawn[200, 101]) == COLOURS[1]


def test_without_readings_a_picture_stays_as_it_is():
    noise = np.random.default_rng(0).integers(0, 256, (300, 280, 3), np.uint8)
    assert np.array_equal(annotate(noise, []), noise)


def test_small_pictures_are_enlarged_and_get_room_below():
    drawn = annotate(blank(48, 48), [reading(0, 0, 48, 48)])
    assert drawn.shape[1] == 288  # 48 * ceil(256 / 48)
    assert drawn.shape[0] > 288
    assert tuple(drawn[200, 144]) == GREY, "the bars do not cover the face"
    assert (drawn[288:] != (15, 18, 22)).any(), "they are in the strip"


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (30, 900), (2000, 1500)])
@pytest.mark.parametrize("box", [(-50, -40, 3000, 4000), (0, 0, 1, 1), (-9, -9, -5, -5), (10, 2, 300, 9)])
def test_any_picture_and_any_box(size, box):
    drawn = annotate(blank(*size), [reading(*box, index=2)])
    assert drawn.dtype == np.uint8
    assert drawn.shape[1] % size[1] == 0


def test_ink_that_can_be_read():
    assert [_ink(colour) for colour in ((240, 228, 66), (0, 114, 178))] == [(0, 0, 0), (255, 255, 255)]
