"""``mien export``: what it says of folders that cannot be exported. (A whole export: test_train.py.)"""

import json
import sys

import numpy as np
import pytest

from mien.card import Card
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.runtime.network import Network


def test_torch_that_is_missing(mien, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    done = mien("export", "run")
    assert done.code == 2
    assert "exporting a run needs torch" in done.err
    assert "pip install 'mien[lab]'" in done.err


def test_a_folder_that_is_no_run(mien, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "pictures").mkdir()
    for name in ("pictures", "nothing"):
        done = mien("export", name)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"mien: {name}: not a run folder, data.json is missing\n"
    assert list((tmp_path / "pictures").iterdir()) == []


def test_a_run_without_an_epoch(mien, tmp_path):
    pytest.importorskip("torch")
    run = RunDir(tmp_path / "run")
    run.path.mkdir()
    small = {"preprocess": {"size_px": 32}, "model": {"backbone": "timm:test_efficientnet"}}
    run.recipe.write_text(Recipe.model_validate(small).to_yaml())
    run.write_json(run.data, {"classes": ["happy", "sad"], "label_set": "custom"})
    done = mien("export", "run", "--out", "mine.onnx")
    assert done.code == 2
    assert "no epoch has ended yet" in done.err
    assert not (tmp_path / "mine.onnx").exists()


@pytest.fixture
def faces(tmp_path):
    """Forty faces of one colour each; the label is the colour that is strongest."""
    random = np.random.default_rng(0)
    shades = random.integers(0, 256, (40, 1, 1, 3), np.uint8)
    np.save(tmp_path / "faces.npy", np.broadcast_to(shades, (40, 8, 8, 3)))
    names = [("angry", "happy", "sad")[shade.argmax()] for shade in shades]
    images, splits = [f"faces.npy#{row}" for row in range(40)], ["train"] * 20 + ["val"] * 20
    Manifest.of(root=tmp_path, image=images, label=names, split=splits).save(tmp_path / "faces.csv")
    return tmp_path / "faces.csv"


def test_a_model_in_smaller_numbers(mien, colours, faces, tmp_path):
    model = colours("mine.onnx")
    done = mien("export", model, "--precision", "int8", "--data", faces, "--calibrate", 15, "--max-loss", 100)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{tmp_path / 'mine-int8.onnx'}: 0.0 MB, int8; ")
    assert "of 20 decisions (val) as before; accuracy 100.00 % before" in done.out
    card: Card = Network(tmp_path / "mine-int8.onnx").card
    assert card.precision == "int8"
    assert card.metrics["precision"]["calibration"]["pictures"] == 15
    assert "float_first" not in card.metrics["precision"]
    again = mien("models", "show", tmp_path / "mine-int8.onnx")
    assert "computes in     int8\n" in again.out
    assert "| computes in | int8, made of a float32 file |" in mien("models", "card", tmp_path / "mine-int8.onnx").out


def test_more_of_the_beginning_in_float32(mien, colours, faces, tmp_path):
    given = ("--data", faces, "--calibrate", 15, "--max-loss", 100, "--float-first", 2)
    done = mien("export", colours(), "--precision", "int8", "--out", "first.onnx", *given)
    assert (done.code, done.err) == (0, "")
    assert Network(tmp_path / "first.onnx").card.metrics["precision"]["float_first"] == 2


def test_fp16_as_json_without_data(mien, colours, tmp_path):
    done = mien("export", colours(), "--precision", "fp16", "--out", "half.onnx", "--json")
    found = json.loads(done.out)
    assert (found["model"], found["precision"], found["pictures"]) == ("half.onnx", "fp16", 64)
    assert found["bytes"] == (tmp_path / "half.onnx").stat().st_size
    assert "accuracy_after" not in found


def test_wishes_that_cannot_be_met(mien, colours, faces):
    model = colours()
    for arguments, message in {
        ("nothing.onnx", "--precision", "int8"): "nothing.onnx: no such model file",
        (model,): "is a model file already; --precision int8 or fp16 makes a smaller one",
        (model, "--precision", "int4"): "--precision int4: expected float32, int8 or fp16",
        (model, "--precision", "int8"): "--data faces.csv",
        (model, "--precision", "int8", "--data", faces, "--split", "test"): "test pictures measure",
        (model, "--precision", "int8", "--data", faces, "--check", "vale"): "no rows with split 'vale'",
        ("folder", "--precision", "int8", "--data", faces): "folder: not a run folder",
        (model, "--precision", "fp16", "--float-first", 2): "--float-first 2: is for --precision int8; this is fp16",
    }.items():
        done = mien("export", *arguments)
        assert (done.code, done.out) == (2, "")
        assert message in done.err, done.err


def test_a_loss_that_is_not_allowed(mien, colours, faces, tmp_path):
    done = mien("export", colours("a.onnx"), "--precision", "fp16", "--data", faces, "--max-loss", -0.1)
    assert done.code == 2
    assert "not written. " in done.err
    assert "--max-loss allows -0.1" in done.err
    assert not (tmp_path / "a-fp16.onnx").exists()


def test_shares_into_a_card_that_does_not_say_them(mien, colours, faces, tmp_path):
    model = colours("mine.onnx")
    done = mien("export", model, "--prior", "angry=2,joy=1,sad=1", "--out", "told.onnx")
    assert (done.code, done.err) == (0, "")
    assert Network(tmp_path / "told.onnx").card.prior == (0.5, 0.25, 0.25)
    assert Network(model).card.prior == ()
    pytest.importorskip("torch")
    frame = Manifest.load(faces).split("train").frame  # a card without a recipe: its labels are counted
    expected = tuple((frame["label"] == name).sum() / 20 for name in ("angry", "happy", "sad"))
    assert mien("export", model, "--prior", faces).code == 0
    assert Network(model).card.prior == pytest.approx(expected)
    done = mien("export", model, "--prior", "angry=1,glad=x")
    assert "prior 'glad=x': expected NAME=NUMBER" in done.err
    done = mien("export", "default", "--prior", "angry=1")
    assert "stays as it is" in done.err
