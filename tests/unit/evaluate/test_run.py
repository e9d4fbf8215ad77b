"""Scoring a manifest with a network that is no network: it reads the answer from the pixels."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mien.card import Card
from mien.errors import InputError, LabelError, ManifestError
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.run import score
from mien.face import Face
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.scores import Scores

LABELS = Labels.named("basic4")
CARD = Card(
    name="shades",
    classes=LABELS.names,
    label_set=LABELS.id,
    preprocess=Preprocess(size_px=8),
    recipe={"data": {"train": "train", "val": "val"}},
)


def by_shade(faces):
    """Class 0 for black ... class 3 for nearly white, in steps of 64."""
    assert all(face.dtype == np.uint8 and face.ndim == 3 and face.shape[2] == 3 for face in faces)
    return np.eye(4, dtype=np.float32)[[int(face.mean()) // 64 for face in faces]]


@pytest.fixture
def shades(tmp_path) -> Manifest:
    """Six pictures whose shade is their class, one of them under a wrong label, and one row without a label."""
    shade = [0, 1, 2, 3, 0, 1, 2]
    for row, level in enumerate(shade):
        write(tmp_path / f"{row}.png", np.full((20, 20, 3), 64 * level + 20, np.uint8))
    labels = [LABELS.names[index] for index in [0, 1, 2, 3, 0, 3]] + [""]
    splits = ["val"] * 5 + ["train"] * 2
    return Manifest.of(
        root=tmp_path, labels=LABELS, image=[f"{row}.png" for row in range(7)], label=labels, split=splits,
        subject=[f"p{row}" for row in range(7)],
    )  # fmt: skip


def test_every_row_is_scored(shades):
    seen = []
    scores = score(
        by_shade, CARD, shades, model="m", batch_size=3, progress=lambda done, total: seen.append((done, total))
    )
    assert scores.logits.argmax(1).tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert scores.targets.tolist() == [0, 1, 2, 3, 0, 3, -1]
    assert scores.ids.tolist() == [f"{row}.png" for row in range(7)]
    assert scores.splits.tolist() == ["val"] * 5 + ["train"] * 2
    assert scores.subjects.tolist()[:2] == ["p0", "p1"]
    assert (scores.model, scores.votes) == ("m", None)
    assert seen == [(3, 7), (6, 7), (7, 7)]
    evaluation = Evaluation.of(scores)
    assert evaluation.raw.metrics.accuracy == pytest.approx(5 / 6)
    assert "1 pictures have no label" in " ".join(evaluation.notes)


def test_one_split_saved_and_read_again(shades, tmp_path):
    scores = score(by_shade, CARD, shades, split="val")
    assert len(scores) == 5
    scores.save(tmp_path / "scores.npz")
    again = Scores.load(tmp_path / "scores.npz")
    one, other = Evaluation.of(scores).to_dict(), Evaluation.of(again).to_dict()
    assert one == other
    json.dumps(one, allow_nan=False)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
@pytest.mark.parametrize("bad_row", [0, 3, 6])
def test_a_bad_picture_is_listed_and_the_rest_goes_on(shades, tmp_path, batch_size, bad_row):
    (tmp_path / f"{bad_row}.png").write_bytes(b"no picture")
    scores = score(by_shade, CARD, shades, batch_size=batch_size)
    (problem,) = scores.about["problems"]
    assert (problem["row"], problem["kind"], problem["image"]) == (bad_row + 1, "unreadable", f"{bad_row}.png")
    assert "not a picture" in problem["reason"]
    shade = np.delete([0, 1, 2, 3, 0, 1, 2], bad_row)
    np.testing.assert_array_equal(scores.logits.argmax(1), shade)
    np.testing.assert_array_equal(scores.targets, np.delete(shades.targets(), bad_row))
    assert "1 of 7 pictures could not be read" in " ".join(Evaluation.of(scores).notes)


def test_rows_of_a_split_are_counted_in_the_whole_manifest(shades, tmp_path):
    (tmp_path / "6.png").write_bytes(b"")
    assert score(by_shade, CARD, shades, split="train").about["problems"][0]["row"] == 7


def test_missing_files_and_nothing_usable(shades, tmp_path):
    (tmp_path / "2.png").unlink()
    with pytest.raises(ManifestError, match=r"row 3: .*2\.png is missing"):
        score(by_shade, CARD, shades)
    for row in range(7):
        (tmp_path / f"{row}.png").write_bytes(b"")
    with pytest.raises(ManifestError, match=r"none of the 7 pictures can be used; .*empty"):
        score(by_shade, CARD, shades)
    with pytest.raises(ManifestError, match="no rows with split 'test'"):
        score(by_shade, CARD, shades, split="test")


def test_classes_without_overlap_show_before_the_work(shades):
    card = CARD.model_copy(update={"classes": ("left", "right"), "label_set": "custom"})
    with pytest.raises(LabelError, match="do not overlap"):
        score(lambda faces: pytest.fail("the network ran"), card, shades)


def test_a_box_is_cut_out_with_the_models_margin(tmp_path):
    image = np.full((40, 40, 3), 250, np.uint8)
    image[10:30, 10:30] = 84  # class 1 inside the box
    write(tmp_path / "a.png", image)
    manifest = Manifest.of(
        root=tmp_path, labels=LABELS, image=["a.png"] * 3, label=["happy"] * 3, box=["10 10 30 30", "", "30 10 10 30"]
    )
    tight = score(by_shade, CARD, manifest)
    assert tight.ids.tolist() == ["a.png @ 10 10 30 30", "a.png"]
    assert tight.logits.argmax(1).tolist() == [1, 3]  # the second row has no box: the whole picture
    assert "expected x1 < x2" in tight.about["problems"][0]["reason"]
    wide = CARD.model_copy(update={"preprocess": Preprocess(size_px=8, margin=1.0)})
    assert score(by_shade, wide, manifest).logits.argmax(1).tolist() == [3, 3]


class Centre:
    """A detector that finds a face in bright pictures only: the middle of it."""

    def detect(self, image):
        return [] if image.mean() < 64 else [Face(np.array([5, 5, 15, 15], np.float32))]


def test_pictures_without_a_face_are_misses(shades, monkeypatch):
    monkeypatch.setattr("mien.data.faces.find_with", lambda name: Centre())
    scores = score(by_shade, CARD, shades, split="val", detector="libfacedetection")
    assert [problem["kind"] for problem in scores.about["problems"]] == ["no face", "no face"]
    evaluation = Evaluation.of(scores)
    assert evaluation.raw.metrics.accuracy == 1
    assert evaluation.accuracy_with_misses == pytest.approx(3 / 5)
    assert "In 2 of 5 pictures no face was found" in " ".join(evaluation.notes)


def test_one_channel_reads_the_same_grey(shades):
    card = CARD.model_copy(update={"preprocess": Preprocess(size_px=8, channels=1, mean=(0.5,), std=(0.5,))})
    assert score(by_shade, card, shades).logits.argmax(1).tolist() == [0, 1, 2, 3, 0, 1, 2]


def test_leaks_give_both_numbers(shades, tmp_path):
    (tmp_path / "0.png").write_bytes(b"")  # rows of the manifest, and not of what could be read
    scores = score(by_shade, CARD, shades, leaked=np.array([1, 2, 6]))
    assert scores.about["leaked"] == {"from": "train", "ids": ["1.png", "2.png", "6.png"]}
    evaluation = Evaluation.of(scores)
    assert evaluation.leaked == 3
    assert evaluation.raw.metrics.accuracy == pytest.approx(4 / 5)
    assert evaluation.without_leaks.metrics.accuracy == pytest.approx(2 / 3)
    assert evaluation.to_dict()["without_leaks"]["rows"] == 3


def test_no_leak_is_said_too_and_all_leaks_are_an_error(shades):
    scores = score(by_shade, CARD, shades, leaked=np.array([], np.intp))
    assert (Evaluation.of(scores).leaked, Evaluation.of(scores).without_leaks.metrics.rows) == (0, 6)
    with pytest.raises(InputError, match="also in split 'train'"):
        Evaluation.of(score(by_shade, CARD, shades, leaked=np.arange(7)))


def test_votes_go_along(shades):
    votes = {f"votes.{name}": [10 * (index == row % 4) for row in range(7)] for index, name in enumerate(LABELS)}
    rich = shades.with_columns(**votes, **{"votes.contempt": [20] + [0] * 6, "votes_unknown": [0, 30] + [0] * 5})
    rich = replace(rich, labels=Labels((*LABELS.names, "contempt")))
    scores = score(by_shade, CARD, rich)
    np.testing.assert_array_equal(scores.votes, 10 * np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1, 2]])
    assert scores.other_votes.tolist() == [20, 30, 0, 0, 0, 0, 0]
    found = Evaluation.of(scores).raw.votes
    assert (found.majority_rows, found.majority_accuracy) == (5, 1.0)


def test_labels_that_the_model_does_not_know_are_counted(shades):
    rich = replace(shades, labels=Labels((*LABELS.names, "fear")))
    rich = rich.with_columns(label=["fear", *rich.frame["label"][1:]])
    scores = score(by_shade, CARD, rich)
    assert scores.about["unknown_labels"] == {"fear": 1}
    evaluation = Evaluation.of(scores)
    assert evaluation.raw.metrics.rows == 5
    assert any("these pictures do not count: fear 1" in note for note in evaluation.notes)


@pytest.mark.parametrize(
    ("split", "same", "words"),
    [
        ("train", True, "trained on this split"),
        ("val", True, "used to choose the model"),
        (None, True, "No split was named"),
        ("val", False, "a split of the same name"),
        (None, False, None),
    ],
)
def test_a_split_that_made_the_model_is_said(shades, split, same, words):
    digest = shades.digest() if same else "other"
    card = CARD.model_copy(update={"data": {"digest": digest}, "metrics": {"selection": {"split": "val"}}})
    notes = " ".join(Evaluation.of(score(by_shade, card, shades, split=split)).notes)
    assert words in notes if words else "chose" not in notes


@pytest.mark.parametrize("split", [None, "val"])
def test_what_a_model_began_with_counts_too(shades, split):
    begun = [{"name": "first", "data": {"digest": shades.digest()}}, {"name": "best.pt"}]
    selection = {"selection": {"split": "val"}}
    card = CARD.model_copy(update={"data": {"digest": "other", "begun_with": begun}, "metrics": selection})
    notes = Evaluation.of(score(by_shade, card, shades, split=split)).notes
    assert any(note.startswith("What the model began with learned from this manifest") for note in notes)


def test_intervals_by_subject(shades):
    scores = score(by_shade, CARD, shades)
    assert Evaluation.of(scores, by_subject=True).raw.intervals["accuracy"].high == 1
    assert Evaluation.of(scores, draws=0).raw.intervals == {}
    with pytest.raises(InputError, match="no subjects"):
        Evaluation.of(replace(scores, subjects=np.full(7, "")), by_subject=True)
