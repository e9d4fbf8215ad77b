"""``mien synth import`` from a shell; what it does is tested in tests/unit/train/test_stylegan2_ada.py."""

import json
import os
import pickle
from pathlib import Path

import pytest

from mien.card import Card
from mien.preprocess import Preprocess


@pytest.fixture
def brought(monkeypatch):
    """The arguments of each import; the file that is written is empty."""
    from mien.train import stylegan2_ada

    calls = []

    def bring_in(network, out, classes, **options):
        calls.append((network, classes, options))
        Path(out).write_bytes(b"model")
        card = Card(
            kind="generator", name="faces", classes=classes, licence=options["licence"], preprocess=Preprocess()
        )
        return stylegan2_ada.Brought(Path(out), card, 2e-6)

    monkeypatch.setattr(stylegan2_ada, "bring_in", bring_in)
    return calls


def test_it_says_what_it_has_written(mien, brought):
    done = mien("synth", "import", "network.pkl", "--out", "faces.onnx", "--classes", "happy, sad", "--name", "mine")
    assert (done.code, done.err) == (0, "")
    assert brought == [
        (Path("network.pkl"), ("happy", "sad"), {"name": "mine", "licence": "unknown", "has_one_centre": False})
    ]
    for part in ("48 px, RGB, happy, sad", "at most 2.0e-06", "say it with --licence", "written: faces.onnx"):
        assert part in done.out


def test_json(mien, brought):
    done = mien(
        "synth", "import", "network.pkl", "--out", "faces.onnx", "--licence", "CC0", "--one-centre", "--json"
    )  # fmt: skip
    assert brought == [(Path("network.pkl"), (), {"name": "", "licence": "CC0", "has_one_centre": True})]
    assert json.loads(done.out) == {
        "model": "faces.onnx",
        "bytes": 5,
        "size_px": 48,
        "channels": 3,
        "classes": [],
        "licence": "CC0",
        "parity": 2e-6,
    }


class Hostile:
    def __reduce__(self):
        return os.system, ("touch ran",)


def test_mistakes_are_one_line(mien, tmp_path):
    (tmp_path / "network.pkl").write_bytes(pickle.dumps({"G_ema": Hostile()}))
    (tmp_path / "text.pkl").write_text("no pickle")
    for arguments, why in (
        (("network.pkl", "--out", "faces.pkl"), "expected a file name that ends in .onnx"),
        (("network.pkl", "--out", "faces.onnx"), "refused, nothing in it was run"),
        (("text.pkl", "--out", "faces.onnx"), "not a pickle, or a damaged one"),
        (("none.pkl", "--out", "faces.onnx"), "none.pkl: No such file"),
    ):
        done = mien("synth", "import", *arguments)
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert why in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"network.pkl", "text.pkl"}
