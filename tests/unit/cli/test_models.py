"""``mien models``."""

import hashlib
import json
import re

import pytest

from mien.faces.yunet import SHIPPED


@pytest.fixture
def store(tmp_path, monkeypatch, colours):
    folder = tmp_path / "store"
    folder.mkdir()
    path = colours(
        "mine.onnx",
        licence="MIT",
        data_licence="drawn, free for any use",
        description="colours",
        metrics={"val": {"accuracy": 0.5}},
    )
    path.rename(folder / "mine.onnx")
    monkeypatch.setenv("MIEN_MODELS", str(folder))
    return folder


def test_list(mien, store):
    done = mien("models", "list", "--json")
    found = {item["name"]: item for item in json.loads(done.out)}
    assert found["mine"]["classes"] == ["angry", "happy", "sad"]
    assert (found["mine"]["licence"], found["mine"]["size_px"], found["mine"]["reason"]) == ("MIT", 8, None)
    assert found["mine"]["metrics"] == {"val": {"accuracy": 0.5}}
    text = mien("models", "list")
    assert "angry, happy, sad; 8 px; licence MIT" in text.out
    assert str(store) in text.err


def test_a_file_that_is_no_recognizer_is_told_of_and_hides_nothing(mien, store):
    (store / "face_detection_yunet_2023mar.onnx").write_bytes(SHIPPED.read_bytes())
    (store / "broken.onnx").write_bytes(b"x")
    done = mien("models", "list")
    assert done.code == 0
    assert "without a mien card" in done.out
    assert "angry, happy, sad" in done.out
    assert {item["name"]: item["reason"] is None for item in json.loads(mien("models", "list", "--json").out)}["mine"]


def test_show(mien, store):
    done = mien("models", "show", "mine")
    assert done.code == 0
    assert "AI Act" in done.out
    assert re.search("of its data +drawn, free for any use", done.out)
    assert hashlib.sha256((store / "mine.onnx").read_bytes()).hexdigest() in done.out
    card = json.loads(mien("models", "show", store / "mine.onnx", "--json").out)
    assert (card["name"], card["preprocess"]["size_px"], card["bytes"]) == (
        "mine", 8, (store / "mine.onnx").stat().st_size,
    )  # fmt: skip


def test_show_of_an_unknown_one(mien, store):
    done = mien("models", "show", "mime")
    assert (done.code, "did you mean 'mine'" in done.err) == (2, True)
