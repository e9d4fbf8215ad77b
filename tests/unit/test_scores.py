"""A scored data set."""

import json
import math

import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import Labels
from mien.scores import Scores, softmax

LABELS = Labels(("a", "b"))


def scores(**more):
    logits = np.array([[0, math.log(3)], [5, 5], [1000, -1000]], np.float32)
    return Scores(logits, np.array([1, -1, 0]), LABELS, np.array(["x", "y", "z"]), **more)


def test_softmax_by_hand_and_without_overflow():
    expected = np.array([[0.25, 0.75], [0.5, 0.5], [1, 0]])
    assert scores().probabilities() == pytest.approx(expected, abs=1e-6)
    assert softmax(np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_rows_by_number_and_by_mask():
    found = scores(subjects=np.array(["p", "q", "r"]), votes=np.eye(3, 2, dtype=np.float32))
    assert found.take(np.array([2, 0])).ids.tolist() == ["z", "x"]
    assert found.take(np.array([True, False, True])).subjects.tolist() == ["p", "r"]
    assert found.labelled().ids.tolist() == ["x", "z"]
    assert found.take(np.array([1])).votes.tolist() == [[0, 1]]


def test_there_and_back(tmp_path):
    before = scores(domains=np.array(["web", "web", "press"]), model="m", about={"split": "val", "names": ["ü"]})
    before.save(tmp_path / "s.npz")
    after = Scores.load(tmp_path / "s.npz")
    assert np.array_equal(after.logits, before.logits)
    assert (after.domains.tolist(), after.labels, after.model, after.about) == (
        ["web", "web", "press"], LABELS, "m", {"split": "val", "names": ["ü"]},
    )  # fmt: skip
    assert after.subjects is None


def test_arrays_that_do_not_fit():
    with pytest.raises(InputError, match="targets has 2 rows, logits have 3"):
        Scores(np.zeros((3, 2), np.float32), np.array([0, 1]), LABELS, np.array(["x", "y", "z"]))
    with pytest.raises(InputError, match=r"\(3, 4\) for 2 classes"):
        Scores(np.zeros((3, 4), np.float32), np.array([0, 1, 0]), LABELS, np.array(["x", "y", "z"]))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 half a zip"])
def test_files_that_are_no_scores(tmp_path, content):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(InputError, match="not a scores file"):
        Scores.load(tmp_path / "s.npz")
    with pytest.raises(InputError, match="mien evaluate"):
        Scores.load(tmp_path / "none.npz")


@pytest.mark.parametrize("arrays", [{"x": np.zeros(3)}, {"meta": np.array("{}")}, {"meta": np.array("[")}])
def test_another_npz(tmp_path, arrays):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(InputError, match="not a scores file"):
        Scores.load(tmp_path / "s.npz")


def test_an_array_under_the_wrong_name(tmp_path):
    np.save(tmp_path / "s.npy", np.zeros(3))
    (tmp_path / "s.npy").rename(tmp_path / "s.npz")
    with pytest.raises(InputError, match="not a scores file"):
        Scores.load(tmp_path / "s.npz")


def test_nothing_is_unpickled(tmp_path):
    np.savez(tmp_path / "s.npz", meta=np.array({"a": 1}, dtype=object))
    with pytest.raises(InputError, match="not a scores file"):
        Scores.load(tmp_path / "s.npz")


def test_weights_of_members_go_along(tmp_path):
    weights = np.array([[0.25, 0.75], [0.5, 0.5], [1, 0]], np.float32)
    before = scores(member_weights=weights, members=("big", "small"))
    before.save(tmp_path / "s.npz")
    after = Scores.load(tmp_path / "s.npz").take(np.array([2, 0]))
    assert after.members == ("big", "small")
    assert after.member_weights.tolist() == [[1, 0], [0.25, 0.75]]
    with pytest.raises(InputError, match="2 columns for 1 members"):
        scores(member_weights=weights, members=("big",))
    with pytest.raises(InputError, match="0 columns for 2 members"):
        scores(members=("big", "small"))


def test_a_file_from_before_there_were_members(tmp_path):
    meta = {"labels": ["a", "b"], "label_set": "custom", "model": "m", "about": {}}
    arrays = {"logits": np.zeros((1, 2), np.float32), "targets": np.array([0]), "ids": np.array(["x"])}
    np.savez(tmp_path / "s.npz", meta=np.array(json.dumps(meta)), **arrays)
    assert Scores.load(tmp_path / "s.npz").members == ()
