"""`evaluate_model`: the evaluation, by paths or by objects."""

import numpy as np
import pytest
from tests.conftest import ASSETS

import mien
from mien import images
from mien.errors import ManifestError
from mien.evaluate.run import evaluate


@pytest.fixture
def faces(tmp_path):
    """Two pictures of a colour and a photograph, in two splits."""
    for name, colour in (("red", (255, 0, 0)), ("green", (0, 255, 0))):
        images.write(tmp_path / f"{name}.png", np.full((12, 12, 3), colour, np.uint8))
    paths = [*(str(tmp_path / f"{name}.png") for name in ("red", "green", "red")), str(ASSETS / "grace_hopper.jpg")]
    manifest = mien.Manifest.of(
        image=paths, label=["angry", "happy", "sad", "sad"], split=["val", "val", "val", "train"]
    )
    manifest.save(tmp_path / "faces.csv")
    return tmp_path / "faces.csv"


def test_by_paths_and_by_objects(colours, faces):
    found = mien.evaluate_model(colours(), faces, "val", draws=0, threads=1)
    assert found.raw.metrics.rows == 3
    assert found.raw.metrics.accuracy == pytest.approx(2 / 3)  # the red picture that is called sad
    manifest = mien.Manifest.load(faces)
    same = evaluate(colours(), manifest, split="val", draws=0)
    np.testing.assert_array_equal(found.scores.logits, same.scores.logits)
    assert mien.evaluate_model(str(colours()), manifest, draws=0).raw.metrics.rows == 4


def test_printing_shows_the_tables(colours, faces):
    text = str(mien.evaluate_model(colours(), faces, "val", draws=10))
    assert "colours" in text.splitlines()[0]
    assert "66.7%" in text
    assert "answers to each label" in text


def test_options_reach_the_evaluation(colours, faces, tmp_path):
    mien.evaluate_model(colours(), faces, "val", draws=0, out=tmp_path / "scores.npz")
    assert len(mien.Scores.load(tmp_path / "scores.npz").targets) == 3
    with pytest.raises(ManifestError, match="no rows with split 'test'"):
        mien.evaluate_model(colours(), faces, "test")
