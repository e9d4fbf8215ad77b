"""Mean weights of the members of a fused net, by hand."""

import json

import numpy as np
import pytest

from mien.card import Card
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.members import member_weights
from mien.evaluate.run import score
from mien.evaluate.summary import to_text
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.runtime.network import Answers
from mien.scores import Scores

AB = Labels(("a", "b", "c"))


def by_shade(faces):
    """Class 0 for dark, 1 for bright; the brighter, the more the first member counts."""
    shades = np.array([face.mean() / 255 for face in faces], np.float32)
    return Answers(np.eye(3, dtype=np.float32)[(shades > 0.5).astype(int)], np.column_stack([shades, 1 - shades]))


@pytest.fixture
def scores(tmp_path) -> Scores:
    for name, shade in {"dark": 0, "dim": 51, "light": 204, "white": 255}.items():
        write(tmp_path / f"{name}.png", np.full((9, 9, 3), shade, np.uint8))
    manifest = Manifest.of(
        root=tmp_path, labels=AB, image=["dark.png", "dim.png", "light.png", "white.png"], label=["a", "a", "b", ""]
    )
    card = Card(name="two", classes=AB.names, members=("big", "small"), preprocess=Preprocess(size_px=8))
    return score(by_shade, card, manifest, batch_size=3)


def test_over_all_rows_and_by_label(scores):
    found = member_weights(scores)
    assert found["names"] == ["big", "small"]
    assert found["all"] == pytest.approx([0.5, 0.5])
    assert set(found["classes"]) == {"a", "b"}  # no row is labelled c
    assert found["classes"]["a"] == pytest.approx([0.1, 0.9])
    assert found["classes"]["b"] == pytest.approx([0.8, 0.2])


def test_people_and_programs_are_told(scores):
    evaluation = Evaluation.of(scores, draws=0)
    told = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))["member_weights"]
    assert told["classes"]["b"] == pytest.approx([0.8, 0.2])
    lines = to_text(evaluation).splitlines()
    start = lines.index("mean weight of each net, over all pictures and by label")
    assert [line.split() for line in lines[start + 1 : start + 4]] == [
        ["net", "all", "a", "b"], ["big", "50.0%", "10.0%", "80.0%"], ["small", "50.0%", "90.0%", "20.0%"],
    ]  # fmt: skip


def test_fewer_classes_keep_the_weights(scores):
    evaluation = Evaluation.of(scores, labels=Labels(("b", "c")), draws=0)
    assert evaluation.to_dict()["member_weights"]["classes"] == {"b": pytest.approx([0.8, 0.2])}


def test_a_single_net_has_none():
    single = Scores(np.eye(3, dtype=np.float32)[:2], np.array([0, 1]), AB, np.array(["x", "y"]))
    assert member_weights(single) is None
    evaluation = Evaluation.of(single, draws=0)
    assert evaluation.to_dict()["member_weights"] is None
    assert "mean weight" not in to_text(evaluation)
