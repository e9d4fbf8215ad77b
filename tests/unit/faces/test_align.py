"""Crops against coordinates worked out by hand."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from mien.errors import InputError
from mien.face import Face
from mien.faces.align import crop, crops


def _face(box: tuple[float, float, float, float], landmarks: list[tuple[float, float]] | None = None) -> Face:
    points = None if landmarks is None else np.array(landmarks, np.float32)
    return Face(np.array(box, np.float32), 1.0, points)


def _numbered(height: int, width: int) -> np.ndarray:
    """Every pixel says where it is: red = column, green = row."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)


UPRIGHT = [(-20, -18), (20, -18), (0, 0), (-16, 18), (16, 18)]


def _leaning(centre: tuple[float, float], degrees: float) -> list[tuple[float, float]]:
    """The five points of a face that leans clockwise by ``degrees``."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(centre[0] + cosine * x - sine * y, centre[1] + sine * x + cosine * y) for x, y in UPRIGHT]


def test_square_box_without_margin_is_the_box() -> None:
    found = crop(_numbered(100, 120), _face((30, 40, 50, 60)), margin=0.0)
    assert (found.shape, found.dtype) == ((20, 20, 3), np.uint8)
    assert found[0, 0].tolist() == [30, 40, 0]
    assert found[-1, -1].tolist() == [49, 59, 0]


def test_margin_and_longer_side_make_the_square() -> None:
    # box 20 x 30 around (40, 55); side = 30 * 1.2 = 36, so x from 22 to 57, y from 37 to 72
    found = crop(_numbered(100, 120), _face((30, 40, 50, 70)), margin=0.2)
    assert found.shape == (36, 36, 3)
    assert found[0, 0].tolist() == [22, 37, 0]
    assert found[-1, -1].tolist() == [57, 72, 0]


def test_shift_moves_down_by_a_fraction_of_the_side() -> None:
    found = crop(_numbered(100, 120), _face((30, 40, 50, 60)), margin=0.0, shift=0.25)
    assert found[0, 0].tolist() == [30, 45, 0]


def test_outside_the_picture_the_border_is_repeated() -> None:
    found = crop(_numbered(50, 50), _face((-10, -4, 10, 16)), margin=0.0)
    assert found.shape == (20, 20, 3)
    assert found[0, :11, 0].tolist() == [0] * 11  # columns -10 to 0 all show column 0
    assert found[:5, 0, 1].tolist() == [0] * 5  # rows -4 to 0
    assert found[-1, -1].tolist() == [9, 15, 0]


def test_wholly_outside_is_the_nearest_corner() -> None:
    assert np.unique(crop(_numbered(50, 50), _face((200, 200, 210, 210)), 0.0).reshape(-1, 3), axis=0).tolist() == [
        [49, 49, 0]
    ]


def test_upright_landmarks_and_none_give_the_same_pixels() -> None:
    image = _numbered(200, 200)
    box = (60.0, 60.0, 140.0, 140.0)
    assert np.array_equal(crop(image, _face(box, _leaning((100, 100), 0)), 0.1), crop(image, _face(box), 0.1))


@pytest.mark.parametrize("degrees", [-80, -35, -10, 7, 25, 60])
@pytest.mark.parametrize("side", [80, 81])
def test_a_leaning_face_is_turned_level(degrees: float, side: int) -> None:
    centre = (100.0, 110.0)
    points = _leaning(centre, degrees)
    image = np.zeros((220, 200, 3), np.uint8)
    for channel, index in ((0, 0), (1, 1), (2, 2)):  # right eye red, left eye green, nose blue
        x, y = points[index]
        layer = np.zeros(image.shape[:2], np.uint8)
        # box coordinates have pixel centres at halves; cv2.circle takes whole numbers, here in 1/16 px
        cv2.circle(layer, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 5 * 16, 255, -1, cv2.LINE_AA, 4)
        image[..., channel] = layer
    half = side / 2
    box = (centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half)
    found = crop(image, _face(box, points), margin=0.0)
    assert found.shape == (side, side, 3)
    for channel, (x, y) in enumerate(UPRIGHT[:3]):
        weights = found[..., channel].astype(float)
        rows, columns = np.mgrid[:side, :side] + 0.5
        assert (columns * weights).sum() / weights.sum() == pytest.approx(half + x, abs=0.25)
        assert (rows * weights).sum() / weights.sum() == pytest.approx(half + y, abs=0.25)


def test_level_off_leaves_the_face_leaning() -> None:
    image = _numbered(200, 200)
    face = _face((60, 60, 140, 140), _leaning((100, 100), 30))
    assert np.array_equal(crop(image, face, 0.0, level=False), image[60:140, 60:140])
    assert not np.array_equal(crop(image, face, 0.0), image[60:140, 60:140])


def test_the_shift_of_a_turned_face_goes_along_the_face() -> None:
    # a face lying on its side, crown to the right: it leans by 90 degrees, its chin points left
    image = _numbered(200, 200)
    face = _face((80, 80, 120, 120), _leaning((100, 100), 90))
    found = crop(image, face, margin=0.0, shift=0.5)  # the square's centre moves 20 px to the left: (80, 100)
    assert found[:, :, 0].mean() == pytest.approx(79.5, abs=0.6)
    assert found[:, :, 1].mean() == pytest.approx(99.5, abs=0.6)
    assert found[0, 20, 0] > found[-1, 20, 0], "the crown, to the right in the picture, is on top"


def test_a_face_wider_than_opencv_can_warp() -> None:
    image = np.zeros((64, 40_000, 3), np.uint8)
    image[:, 39_000:] = 200
    found = crop(image, _face((39_470, 10, 39_510, 50), _leaning((39_490, 30), 20)), margin=0.0)
    assert found.shape == (40, 40, 3)
    assert (found == 200).all()


def test_landmarks_that_say_nothing_turn_nothing() -> None:
    image = _numbered(100, 100)
    for point in (50.0, float("nan")):
        face = _face((40, 40, 60, 60), [(point, point)] * 5)
        assert np.array_equal(crop(image, face, 0.0), image[40:60, 40:60])


def test_many_faces_of_one_picture() -> None:
    image = _numbered(100, 100)
    found = crops(image, [_face((0, 0, 10, 10)), _face((20, 20, 50, 40))], margin=0.0)
    assert [one.shape[0] for one in found] == [10, 30]
    assert crops(image, [], margin=0.0) == []


@pytest.mark.parametrize("box", [(10, 10, 10, 20), (20, 10, 10, 20), (float("nan"), 0, 1, 1)])
def test_an_empty_box_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError, match="x1 < x2"):
        crop(_numbered(30, 30), _face(box), margin=0.0)


def test_a_margin_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="margin is -1"):
        crop(_numbered(30, 30), _face((0, 0, 9, 9)), margin=-1)
