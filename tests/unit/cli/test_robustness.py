"""``mien robustness``, and groups in ``mien evaluate``."""

import json

import numpy as np
import pytest

from mien.images import write
from mien.manifest import Manifest


@pytest.fixture
def faces(tmp_path):
    """Eighty faces of two colours; those from the night are too dark to be told apart."""
    labels, places = ["angry", "happy"] * 40, ["day"] * 40 + ["night"] * 40
    for row, (label, place) in enumerate(zip(labels, places, strict=True)):
        strength = 200 if place == "day" else 0
        colour = (strength, 0, 0) if label == "angry" else (0, strength, 0)
        write(tmp_path / f"{row}.png", np.full((8, 8, 3), colour, np.uint8))
    manifest = Manifest.of(
        root=tmp_path,
        image=[f"{row}.png" for row in range(80)],
        label=labels,
        split=["val"] * 80,
        domain=places,
        camera=["a", "b", "a", "c"] * 20,
    )
    manifest.save(tmp_path / "faces.csv")
    return manifest


def test_table_pictures_and_json(mien, colours, faces, tmp_path):
    line = ("robustness", colours(), "faces.csv", "--labels", "angry,happy", "--sample", 30, "--severities", "1,5")
    done = mien(*line, "--pictures", "p", "--out", "r.json", "--bootstrap", 50, "--threads", 1)
    assert done.code == 0, done.err
    assert "30 faces, 2 classes" in done.out
    assert "low resolution" in done.out
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"robustness.png", "corruptions.png"}
    found = json.loads((tmp_path / "r.json").read_text())
    assert len(found["conditions"]) == 12
    again = mien(*line, "--bootstrap", 50, "--corruptions", "blur", "--json")
    assert json.loads(again.out)["conditions"][0] == found["conditions"][0]


def test_mistakes(mien, colours, faces):
    assert "expected numbers from 1 to 5" in mien("robustness", colours(), "faces.csv", "--severities", "bad").err
    assert "unknown corruption 'snow'" in mien("robustness", colours(), "faces.csv", "--corruptions", "snow").err


def test_groups(mien, colours, faces, tmp_path):
    line = ("evaluate", colours(), "faces.csv", "--labels", "angry,happy", "--threads", 1, "--bootstrap", 100)
    done = mien(*line, "--by", "domain", "--by", "camera", "--pictures", "p", "--out", "s.npz")
    assert done.code == 0, done.err
    assert "worst: night with 50.0%; 50.0 points between the best and the worst" in done.out
    assert "more than chance (p <0.001)" in done.out
    assert "by camera" in done.out
    assert {"by_domain.png", "by_camera.png"} <= {path.name for path in (tmp_path / "p").iterdir()}
    saved = json.loads(mien("evaluate", "s.npz", "--labels", "angry,happy", "--by", "camera", "--json").out)
    assert [group["rows"] for group in saved["groups"][0]["groups"]] == [40, 20, 20]
    assert [group["is_small"] for group in saved["groups"][0]["groups"]] == [False, True, True]


def test_groups_by_a_column_that_came_later(mien, colours, faces, tmp_path):
    mien("evaluate", colours(), "faces.csv", "--threads", 1, "--bootstrap", 0, "--out", "s.npz")
    faces.with_columns(glasses=["yes", "no"] * 40).save(tmp_path / "later.csv")
    done = mien("evaluate", "s.npz", "later.csv", "--by", "glasses", "--json", "--bootstrap", 0)
    assert done.code == 0, done.err
    assert {group["name"] for group in json.loads(done.out)["groups"][0]["groups"]} == {"yes", "no"}
    assert "no column 'hat'" in mien("evaluate", "s.npz", "--by", "hat").err
