"""The surest mistakes: which are drawn, in which order."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.evaluation import Evaluation
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.report import mistakes
from mien.scores import Scores

LABELS = Labels(("a", "b"))


@pytest.fixture
def manifest(tmp_path) -> Manifest:
    for row in range(5):
        write(tmp_path / f"{row}.png", np.full((10, 10, 3), 40 * row + 20, np.uint8))
    return Manifest.of(root=tmp_path, labels=LABELS, image=[f"{row}.png" for row in range(5)], label=["a"] * 5)


@pytest.fixture
def evaluation(manifest) -> Evaluation:
    # rows 1, 2 and 4 are wrong; 4 is the surest of them, then 1
    logits = np.array([[5, 0], [0, 2], [0, 1], [9, 0], [0, 3]], np.float32)
    ids = np.array(manifest.frame["image"].tolist(), dtype=str)
    return Evaluation.of(Scores(logits, np.zeros(5, np.int64), LABELS, ids))


def test_the_surest_come_first(evaluation, manifest, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        mistakes, "plot_predictions", lambda faces, found, path, **more: drawn.update(faces=faces, found=found, **more)
    )
    mistakes.plot_mistakes(evaluation, manifest, Preprocess(size_px=8), tmp_path / "out.png", count=2)
    assert [int(face.mean()) for face in drawn["faces"]] == [180, 60]
    assert [round(each.confidence, 3) for each in drawn["found"]] == [0.953, 0.881]
    assert drawn["labels"] == ["a", "a"]


def test_it_is_drawn(evaluation, manifest, tmp_path):
    path = mistakes.plot_mistakes(evaluation, manifest, Preprocess(size_px=8), tmp_path / "out.png")
    assert path.exists()


def test_no_mistake_no_picture(evaluation, manifest, tmp_path):
    right = replace(evaluation, viewed=evaluation.viewed.take(np.array([0, 3])))
    assert mistakes.plot_mistakes(right, manifest, Preprocess(size_px=8), tmp_path / "out.png") is None


def test_another_manifest(evaluation, manifest, tmp_path):
    other = manifest.with_columns(image=[f"x{row}.png" for row in range(5)])
    with pytest.raises(InputError, match=r"no picture 4\.png"):
        mistakes.plot_mistakes(evaluation, other, Preprocess(size_px=8), tmp_path / "out.png")
