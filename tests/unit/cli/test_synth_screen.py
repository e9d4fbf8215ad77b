"""``mien synth distance``, ``screen`` and ``inception`` as they are called from a shell."""

import json

import numpy as np
import pytest

from mien import images
from mien.face import Face
from mien.manifest import Manifest
from mien.provenance import is_synthetic


class Eyes:
    def detect(self, image):
        return [Face(np.array([0, 0, 8, 8], np.float32))]


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """real.csv with train and val, drawn.csv: noisy colours, red is angry and green is happy."""
    monkeypatch.setattr("mien.synth.screen.find_with", lambda name: Eyes())
    for name, count, seed in (("real", 60, 0), ("drawn", 24, 1)):
        generator = np.random.default_rng(seed)
        for row in range(count):
            colour = (190, 60, 60) if row % 2 else (60, 190, 60)
            picture = (np.array(colour) + generator.normal(0, 25, (32, 32, 3))).clip(0, 255).astype(np.uint8)
            images.write(tmp_path / f"{name}{row}.png", picture)
        Manifest.of(
            root=tmp_path,
            image=[f"{name}{row}.png" for row in range(count)],
            label=["angry" if row % 2 else "happy" for row in range(count)],
            split=["train" if row < count - 10 else "val" for row in range(count)],
            origin=["real" if name == "real" else "synthetic"] * count,
        ).save(tmp_path / f"{name}.csv")
    return tmp_path


def test_distance_prints_a_line_and_its_reference(mien, sets, colours):
    done = mien("synth", "distance", "real.csv", "drawn.csv", "--features", colours(), "--per-class", "--threads", 1)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "colours, 3 features"
    assert [line.split()[0] for line in lines[1:]] == ["faces", "all", "real", "angry", "real", "happy", "real"]
    assert lines[2].split()[1:3] == ["60", "24"]


def test_distance_gives_json_and_a_file(mien, sets, colours):
    done = mien(
        "synth", "distance", "real.csv", "drawn.csv", "--features", colours(), "--split", "train", "--json",
        "--out", "numbers.json", "--threads", 1,
    )  # fmt: skip
    found = json.loads(done.out)
    assert found["lines"][0]["drawn"]["real"] == 50
    assert set(found["lines"][0]["reference"]) == {"real", "other", "frechet", "kernel", "precision", "recall"}
    assert json.loads((sets / "numbers.json").read_text()) == found


@pytest.mark.parametrize("values", ["1", "a,b", "1,2,3"])
def test_a_range_that_is_none_is_refused(mien, sets, values):
    done = mien("synth", "distance", "real.csv", "drawn.csv", "--range", values)
    assert done.code == 2
    assert "expected two numbers" in done.err


def test_screen_writes_both_manifests_and_a_sheet(mien, sets, colours):
    images.write(sets / "drawn0.png", images.read(sets / "real1.png"))
    done = mien(
        "synth", "screen", "drawn.csv", "--real", "real.csv", "--out", "kept.csv", "--model", colours(),
        "--sharpness", 0, "--cap", 5, "--sheet", "sheet.png", "--threads", 1,
    )  # fmt: skip
    assert done.code == 0, done.err
    kept, dropped = Manifest.load(sets / "kept.csv"), Manifest.load(sets / "kept.dropped.csv")
    assert (len(kept), len(dropped)) == (10, 14)
    assert set(kept.frame["origin"]) == {"synthetic"}
    assert dropped.frame["screen.reasons"].tolist()[0] == "label, copy"
    assert is_synthetic(sets / "sheet.png")
    assert "real faces" in done.out
    for name in ("kept.csv", "kept.dropped.csv", "sheet.png"):
        assert f"written: {name}" in done.out


def test_screen_gives_json(mien, sets, colours):
    done = mien(
        "synth", "screen", "drawn.csv", "--real", "real.csv", "--split", "train", "--out", "kept.csv", "--model",
        colours(), "--no-copies", "--no-duplicates", "--detector", "none", "--reference", 20, "--json", "--threads", 1,
    )  # fmt: skip
    found = json.loads(done.out)
    assert found["written"] == ["kept.csv", "kept.dropped.csv"]
    assert sum(line["drawn"] for line in found["real"].values()) == 20
    assert found["kept"] + len(found["dropped"]) == found["drawn"] == 24


def test_nothing_that_passes_is_exit_code_1(mien, sets, colours):
    drawn = Manifest.load(sets / "drawn.csv")
    drawn.with_columns(label=["angry" if label == "happy" else "happy" for label in drawn.frame["label"]]).save(
        sets / "wrong.csv"
    )
    done = mien(
        "synth", "screen", "wrong.csv", "--real", "real.csv", "--out", "kept.csv", "--model", colours(), "--threads", 1
    )
    assert done.code == 1
    assert len(Manifest.load(sets / "kept.dropped.csv")) == 24


def test_screen_does_not_replace_its_sources(mien, sets):
    before = (sets / "drawn.csv").read_bytes()
    done = mien("synth", "screen", "drawn.csv", "--real", "real.csv", "--out", "drawn.csv")
    assert done.code == 2
    assert "would replace" in done.err
    assert (sets / "drawn.csv").read_bytes() == before


def test_weights_that_are_none_are_refused(mien, sets):
    done = mien("synth", "inception", "nothing.pth", "--out", "inception.onnx")
    assert done.code == 2
    assert "no such file" in done.err
    (sets / "bad.pth").write_bytes(b"\x80\x04no weights")
    done = mien("synth", "inception", "bad.pth", "--out", "inception.onnx")
    assert done.code == 2
    assert "not a file of weights" in done.err
