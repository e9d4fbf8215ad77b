"""``mien enhance``."""

import json

import numpy as np
import pytest

from mien import images
from mien.manifest import Manifest


@pytest.fixture
def faces(tmp_path):
    """Eight faces in an array, a damaged file, and a manifest of them all with two splits."""
    draw = np.random.default_rng(0)
    np.save(tmp_path / "faces.npy", draw.integers(0, 256, (8, 12, 12), dtype=np.uint8))
    (tmp_path / "broken.png").write_bytes(b"")
    Manifest.of(
        root=tmp_path,
        image=[*(f"faces.npy#{row}" for row in range(8)), "broken.png"],
        label=["happy", "sad"] * 4 + ["sad"],
        split=["train"] * 6 + ["test"] * 3,
    ).save(tmp_path / "faces.csv")
    return tmp_path / "faces.csv"


def test_a_manifest(mien, faces):
    done = mien("enhance", faces, "--out", "large", "--model", "lanczos", "--size", "32")
    assert done.code == 0
    assert "8 pictures, 0 of them from an earlier run" in done.out
    assert "left out: broken.png: " in done.out
    made = Manifest.load("large/manifest.csv")
    assert {images.read(path).shape for path in made.paths()} == {(32, 32, 3)}
    assert len(Manifest.load("large/test.csv")) == 2
    assert images.read("large/before-after.png").ndim == 3


def test_json_splits_sizes_and_going_on(mien, faces):
    call = ("enhance", faces, "--out", "large", "--model", "bicubic", "--split", "train", "--samples", "0", "--json")
    found = json.loads(mien(*call, "--size", "20x30", "--sharpen", "0.5", "--contrast", "1.2", "--workers", "1").out)
    assert (found["done"], found["made_before"], found["failed"]) == (6, 0, [])
    assert "sheet" not in found
    assert images.read("large/images/faces/0.png").shape == (20, 30, 3)
    again = json.loads(mien(*call, "--size", "20x30", "--sharpen", "0.5", "--contrast", "1.2").out)
    assert again["made_before"] == 6
    other = mien(*call, "--size", "21")
    assert other.code == 2
    assert "--fresh" in other.err
    assert json.loads(mien(*call, "--size", "21", "--fresh").out)["made_before"] == 0


def test_a_folder_whose_pictures_are_all_damaged(mien, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"x")
    done = mien("enhance", "bad", "--out", "large", "--model", "bicubic")
    assert done.code == 2
    assert "a.png" in done.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "big"], "--size big: expected a side"),
        (["--sharpen", "9"], "expected 0 to 5"),
        (["--model", "bicubick"], "without a network: bicubic"),
        (["--split", "tset"], "no rows with split 'tset'"),
        (["--engine", "dask"], "unknown engine 'dask'"),
        (["--device", "gpu"], "expected auto, cuda, openvino or cpu"),
    ],
)
def test_mistakes(mien, faces, options, words):
    done = mien("enhance", faces, "--out", "large", *options)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
