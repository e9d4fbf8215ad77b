"""``mien report``, ``mien models card``, ``mien data suspects`` as a shell calls them."""

import json

import numpy as np
import pytest

from mien.images import write
from mien.manifest import Manifest


@pytest.fixture
def faces(tmp_path) -> Manifest:
    shades = {"angry": (250, 20, 20), "happy": (20, 250, 20)}
    labels = ["angry", "happy"] * 6
    noise = np.random.default_rng(0)
    for row, name in enumerate(labels):
        picture = np.full((12, 12, 3), shades[name], np.uint8)
        picture[:, 6:] = noise.integers(0, 256, (12, 6, 3))  # the network looks at the left half
        write(tmp_path / f"{row}.png", picture)
    labels[0] = "happy"
    manifest = Manifest.of(root=tmp_path, image=[f"{row}.png" for row in range(12)], label=labels, split="test")
    manifest.save(tmp_path / "faces.csv")
    return manifest


def test_report(mien, colours, faces, tmp_path):
    model = colours(classes=("angry", "happy", "sad"))
    done = mien("data", "audit", "faces.csv", "--out", "audit.json", "--no-near")
    assert done.code in (0, 1)
    done = mien("report", model, "--data", "faces.csv", "--split", "test", "--audit", "audit.json", "--bootstrap", 0)
    assert done.code == 0, done.err
    assert "holds pictures of faces" in done.out
    assert "written: report.html" in done.out
    assert mien("evaluate", model, "faces.csv", "--out", "scores.npz", "--bootstrap", 0).code == 0
    done = mien(
        "report", model, "--scores", "scores.npz", "--no-pictures", "--out", "r.html", "--bootstrap", 0, "--json"
    )
    found = json.loads(done.out)
    assert found["report"] == "r.html"
    assert found["bytes"] == (tmp_path / "r.html").stat().st_size


def test_report_mistakes(mien, colours, faces, tmp_path):
    model = colours(classes=("angry", "happy", "sad"))
    assert "without --data" in mien("report", model, "--split", "test").err
    assert mien("report", "nothing").code == 2
    (tmp_path / "audit.json").write_text("[]")
    assert "no audit" in mien("report", model, "--audit", "audit.json").err
    assert "no such audit" in mien("report", model, "--audit", "other.json").err
    assert mien("evaluate", model, "faces.csv", "--out", "scores.npz", "--bootstrap", 0).code == 0
    other = colours("other.onnx", weights=2 * np.eye(3))
    assert "not of one of these models" in mien("report", other, "--scores", "scores.npz").err


def test_card(mien, colours, tmp_path):
    assert mien("models", "card", colours()).out.startswith("# Model card: colours")
    assert mien("models", "card", colours(), "--out", "card.md").code == 0
    assert (tmp_path / "card.md").read_text().startswith("# Model card: colours")


def test_suspects_are_reviewed_and_fixed(mien, colours, faces, tmp_path):
    model = colours(classes=("angry", "happy", "sad"))
    assert mien("evaluate", model, "faces.csv", "--out", "scores.npz", "--bootstrap", 0).code == 0
    done = mien("data", "suspects", "faces.csv", "--scores", "scores.npz", "--out", "s.csv", "--sheet", "s.png")
    assert done.code == 1
    assert "happy -> angry" in done.out
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[1].startswith("0,0.png,happy,angry,")
    (tmp_path / "s.csv").write_text("\n".join([lines[0], lines[1] + "relabel"]) + "\n")
    done = mien("data", "audit", "faces.csv", "--no-near", "--fix", "clean.csv", "--reviewed", "s.csv")
    assert "relabel: reviewed: 1" in done.out
    assert "written: clean.changes.csv" in done.out
    assert (Manifest.load(tmp_path / "clean.csv").frame["label"][0]) == "angry"
    assert mien("data", "suspects", "clean.csv", "--scores", "scores.npz", "--json").code == 0


def test_suspects_mistakes(mien, faces):
    assert "no votes" in mien("data", "suspects", "faces.csv").err
    both = mien("data", "suspects", "faces.csv", "--scores", "a.npz", "--recipe", "toy")
    assert "name one of them" in both.err
    assert "without --recipe" in mien("data", "suspects", "faces.csv", "--scores", "a.npz", "--runs", "x").err
    assert "--fix" in mien("data", "audit", "faces.csv", "--reviewed", "s.csv").err
