"""Suspects of a manifest: by a model, by votes, by both."""

import csv
import json

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.suspects import find_suspects
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.report.suspects import suspect_sheet
from mien.scores import Scores

LABELS = Labels(("happy", "sad"))


def faces(**columns) -> Manifest:
    return Manifest.of(labels=LABELS, image=[f"{row}.png" for row in range(6)], **columns)


@pytest.fixture
def manifest() -> Manifest:
    return faces(label=["happy", "happy", "sad", "sad", "sad", ""], split="train")


def scores_of(happy: list[float], order: list[int], about: dict | None = None) -> Scores:
    """Scores whose probability of happy is given; the rows in any order."""
    values = np.array([[np.log(value), np.log(1 - value)] for value in happy], np.float32)[order]
    ids = np.array([f"{row}.png" for row in order])
    splits = np.full(len(order), "train")
    return Scores(values, np.zeros(len(order), np.int64), LABELS, ids, splits=splits, about=about or {})


HAPPY = [0.9, 0.8, 0.9, 0.2, 0.1, 0.5]


def test_the_model_contradicts(manifest):
    found = find_suspects(manifest, scores_of(HAPPY, [5, 3, 2, 4, 0, 1]))
    assert [(each.row, each.label, each.suggested, each.why) for each in found.found] == [(2, "sad", "happy", "model")]
    assert found.found[0].margin == pytest.approx(0.1 - 0.9, abs=1e-6)
    assert found.found[0].vote_share is None
    assert (found.judged, found.voted) == (5, 0)
    assert found.pairs() == {"sad -> happy": 1}
    assert any("no label" in note for note in found.notes)
    assert any("Only 5 labels" in note for note in found.notes)


def test_people_disagree():
    columns = {"votes.happy": [8, 2, 5, 0, 4, 0], "votes.sad": [2, 7, 5, 0, 3, 9], "votes_unknown": [0, 1, 0, 0, 3, 0]}
    found = find_suspects(faces(label=["happy", "happy", "sad", "sad", "sad", ""], **columns))
    # row 1: 2 of 10; row 4: 3 of 10; row 2: a half is enough; row 3: nobody voted; row 5: no label
    assert [(each.row, each.suggested, each.vote_share, each.why) for each in found.found] == [
        (1, "sad", 0.2, "people"),
        (4, "happy", 0.3, "people"),
    ]
    assert found.voted == 5
    # -0.2 log2 0.2 - 0.7 log2 0.7 - 0.1 log2 0.1
    assert found.found[0].vote_entropy == pytest.approx(1.156780, abs=1e-6)


def test_both_and_the_answer_outside_the_classes(manifest):
    columns = {"votes.happy": [9, 9, 9, 0, 0, 0], "votes.sad": [0, 0, 1, 9, 2, 9], "votes_unknown": [0, 0, 0, 0, 7, 0]}
    voted = manifest.with_columns(**columns)
    found = find_suspects(voted, scores_of(HAPPY, list(range(6))))
    assert [(each.row, each.suggested, each.why) for each in found.found] == [(2, "happy", "both"), (4, "", "people")]


def test_a_model_that_learned_these_labels(manifest):
    about = {"manifest": "d", "made_from": {"digest": "d", "train": "train"}}
    found = find_suspects(manifest, scores_of(HAPPY, list(range(6)), about))
    assert any("trained on 6 of these pictures" in note for note in found.notes)
    again = find_suspects(manifest, scores_of(HAPPY, list(range(6)), {**about, "folds": 5}))
    assert not any("trained on" in note for note in again.notes)


def test_written(manifest, tmp_path):
    found = find_suspects(manifest, scores_of(HAPPY, list(range(6))))
    found.save(tmp_path / "suspects.csv", manifest)
    lines = list(csv.DictReader((tmp_path / "suspects.csv").read_text().splitlines()))
    assert lines == [
        {
            "row": "2", "image": "2.png", "label": "sad", "suggested": "happy", "margin": "-0.8000", "vote_share": "",
            "vote_entropy": "", "why": "model", "split": "train", "decision": "",
        }
    ]  # fmt: skip
    found.save(tmp_path / "suspects.json", manifest)
    written = json.loads((tmp_path / "suspects.json").read_text())
    assert written["counts"] == {"model": 1, "people": 0, "both": 0}
    assert written["suspects"][0]["row"] == 2
    with pytest.raises(InputError, match=r"\.csv or \.json"):
        found.save(tmp_path / "suspects.txt", manifest)


def test_a_sheet(manifest, tmp_path):
    for row in range(6):
        write(tmp_path / f"{row}.png", np.full((8, 8, 3), 30 * row, np.uint8))
    data = Manifest(manifest.frame, tmp_path, LABELS)
    picture = suspect_sheet(data, find_suspects(data, scores_of(HAPPY, list(range(6)))))
    assert (picture == 60).all(axis=2).sum() >= 96 * 96 - 200  # the suspect, and a caption over none of it


def test_what_cannot_be_judged(manifest):
    with pytest.raises(InputError, match="no votes"):
        find_suspects(manifest)
    with pytest.raises(InputError, match=r"no picture 5\.png"):
        find_suspects(manifest.take(np.arange(5)), scores_of(HAPPY, list(range(6))))
