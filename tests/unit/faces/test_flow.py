"""Faces followed by optical flow: pictures that are moved and scaled by a known amount."""

import cv2
import numpy as np
import pytest

from mien.face import Face
from mien.faces import detector
from mien.faces.flow import follow
from mien.images import grey, read


@pytest.fixture(scope="module")
def scene(portrait):
    image = read(portrait)
    image = cv2.resize(image, None, fx=480 / image.shape[0], fy=480 / image.shape[0], interpolation=cv2.INTER_AREA)
    return grey(image), detector().detect(image)[0]


def warped(picture, growth, right, down, centre):
    matrix = np.array([[growth, 0, centre[0] * (1 - growth) + right], [0, growth, centre[1] * (1 - growth) + down]])
    return cv2.warpAffine(picture, matrix, picture.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(("growth", "right", "down"), [(1.0, 0, 0), (1.0, 9, -6), (1.05, 0, 0), (0.96, -5, 4)])
def test_a_known_way(scene, growth, right, down):
    picture, face = scene
    centre = (face.box[:2] + face.box[2:]) / 2
    found = follow(picture, warped(picture, growth, right, down, centre), face)
    size = face.box[2:] - face.box[:2]
    corners = np.concatenate([centre - growth * size / 2, centre + growth * size / 2])
    expected = corners + np.array([right, down, right, down])
    assert np.abs(found.box - expected).max() < 0.02 * face.size_px
    marks = (face.landmarks - centre) * growth + centre + [right, down]
    assert np.abs(found.landmarks - marks).max() < 0.02 * face.size_px
    assert found.score == face.score


def test_a_face_that_is_gone(scene):
    picture, face = scene
    noise = np.random.default_rng(0).integers(0, 256, picture.shape, np.uint8)
    assert follow(picture, noise, face) is None


def test_a_face_outside_the_picture(scene):
    picture, _ = scene
    outside = Face(np.array([-300, -300, -200, -200], np.float32))
    assert follow(picture, picture, outside) is None


def test_a_face_without_landmarks(scene):
    picture, face = scene
    found = follow(picture, picture, Face(face.box))
    assert found.landmarks is None
    assert np.allclose(found.box, face.box, atol=0.5)
