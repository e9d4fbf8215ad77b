"""Photographs are found again in other poses, and other photographs are not."""

import cv2
import numpy as np
import pytest

from mien.data.copies import Copies
from mien.data.hashes import ALIKE, ALIKE_MIRRORED, look_at


def photograph(seed):
    """Something with coarse and fine structure, (48, 48, 3)."""
    generator = np.random.default_rng(seed)
    layers = [cv2.resize(generator.random((side, side)), (48, 48), interpolation=cv2.INTER_CUBIC) for side in (5, 16)]
    return np.repeat((120 * (layers[0] + layers[1])).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def posed(image, turn, scale, right=0.0):
    matrix = cv2.getRotationMatrix2D((23.5, 23.5), turn, scale)
    matrix[0, 2] += right
    return cv2.warpAffine(image, matrix, (48, 48), borderMode=cv2.BORDER_REPLICATE)


def thumbnails(*images):
    return np.stack([look_at(np.ascontiguousarray(image)).thumbnail for image in images])


@pytest.fixture(scope="module")
def known():
    return Copies(thumbnails(*(photograph(seed) for seed in range(60))))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        lambda image: posed(image, 4, 1.06),
        lambda image: posed(image, -5, 0.95, right=1.5),
        lambda image: cv2.GaussianBlur(image, (0, 0), 0.8),
        lambda image: (image * 0.6 + 30).astype(np.uint8),
        lambda image: posed(image[:, ::-1].copy(), 3, 1.05),
    ],
    ids=["as it is", "turned and enlarged", "turned and shrunk", "blurred", "darker", "mirrored"],
)
def test_a_copy_is_found(known, change):
    matches = known.find(thumbnails(*(change(photograph(seed)) for seed in range(10))))
    assert [match.row for match in matches] == list(range(10))
    assert all(match.is_copy for match in matches)


def test_it_says_which_way_round(known):
    plain, mirrored = known.find(thumbnails(photograph(3), photograph(3)[:, ::-1]))
    assert (plain.row, plain.is_mirrored, plain.similarity > ALIKE) == (3, False, True)
    assert (mirrored.row, mirrored.is_mirrored, mirrored.similarity > ALIKE_MIRRORED) == (3, True, True)


def test_other_photographs_are_no_copies(known):
    matches = known.find(thumbnails(*(photograph(seed) for seed in range(100, 140))))
    assert not any(match.is_copy for match in matches)
    assert all(match.similarity > -1 for match in matches)  # each was compared with something


def test_a_row_besides_does_not_count():
    some = thumbnails(photograph(0), photograph(1), photograph(0), photograph(2))
    matches = Copies(some).find(some, besides=np.arange(4))
    assert [match.row for match in matches][:3:2] == [2, 0]
    assert [match.is_copy for match in matches] == [True, False, True, False]


def test_only_some_rows_are_compared_with():
    some = thumbnails(photograph(0), photograph(1), photograph(2))
    partial = Copies(some, np.array([1, 2]))
    assert len(partial) == 2
    matches = partial.find(some, besides=np.array([0, 1, 0]))
    assert matches[0].is_copy is False
    assert matches[1].row == 2
    assert (matches[2].row, matches[2].is_copy) == (2, True)


def test_many_are_looked_up_in_pieces(known, monkeypatch):
    some = thumbnails(*(photograph(seed) for seed in range(7)))
    monkeypatch.setattr("mien.data.copies.CHUNK", 3)
    assert [match.row for match in known.find(some)] == list(range(7))
