"""Faces with their answers."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.images import read
from mien.labels import Labels
from mien.prediction import Prediction
from mien.report.predictions import plot_predictions

LABELS = Labels.named("basic4")
GREEN, RED = (0x22, 0x88, 0x33), (0xEE, 0x66, 0x77)


def answer(index: int, threshold: float = 0.0) -> Prediction:
    return Prediction(LABELS, np.eye(4, dtype=np.float32)[index] * 0.8 + 0.05, threshold)


def pixels(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - colour).max(axis=2) < 6).sum())


@pytest.fixture
def face() -> np.ndarray:
    return np.full((48, 48, 3), 128, np.uint8)


def test_one_face(tmp_path, face):
    image = read(plot_predictions([face], [answer(1)], tmp_path / "one.png"))
    assert pixels(image, (128, 128, 128)) > 10_000
    assert pixels(image, GREEN) == pixels(image, RED) == 0


@pytest.mark.parametrize(("label", "shade"), [("happy", GREEN), ("Happiness", GREEN), ("sad", RED), ("awe", RED)])
def test_right_and_wrong_are_told_apart(tmp_path, face, label, shade):
    image = read(plot_predictions([face], [answer(1)], tmp_path / "one.png", labels=[label]))
    other = RED if shade is GREEN else GREEN
    assert pixels(image, shade) > 500
    assert pixels(image, other) == 0


def test_abstaining_is_neither(tmp_path, face):
    image = read(plot_predictions([face], [answer(1, threshold=0.99)], tmp_path / "one.png", labels=["sad"]))
    assert pixels(image, GREEN) == pixels(image, RED) == 0


def test_a_page_grows_with_its_rows(tmp_path, face):
    sizes = [
        read(
            plot_predictions([face] * count, [answer(0)] * count, tmp_path / f"{count}.png", columns=2, title="page")
        ).shape
        for count in (2, 3, 5)
    ]
    assert sizes[0][1] == sizes[1][1] == sizes[2][1]
    assert sizes[0][0] < sizes[1][0] < sizes[2][0]


def test_lists_must_fit(tmp_path, face):
    with pytest.raises(InputError, match="0 faces"):
        plot_predictions([], [], tmp_path / "x.png")
    with pytest.raises(InputError, match="1 labels for 2 faces"):
        plot_predictions([face] * 2, [answer(0)] * 2, tmp_path / "x.png", labels=["sad"])
    with pytest.raises(InputError, match="columns"):
        plot_predictions([face], [answer(0)], tmp_path / "x.png", columns=0)
