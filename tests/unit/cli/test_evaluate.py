"""``mien evaluate`` with a model that tells shades of grey apart."""

import json

import numpy as np
import onnx
import pytest
import typer
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from mien.card import KEY, Card
from mien.cli.evaluate import evaluate
from mien.errors import InputError
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.scores import Scores

LABELS = Labels.named("basic4")
APP = typer.Typer()
APP.command()(evaluate)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model, a manifest of eight pictures (six right, one wrong, one damaged), and the folder to be in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    _model(tmp_path / "shades.onnx")
    _model(tmp_path / "told.onnx", prior=(0.7, 0.1, 0.1, 0.1), biases=(0.0, 0.0, 0.0, 1.0))
    shades = [0, 1, 2, 3, 0, 1, 2, 3]
    for row, level in enumerate(shades):
        write(tmp_path / f"{row}.png", np.full((16, 16, 3), 64 * level + 30, np.uint8))
    (tmp_path / "7.png").write_bytes(b"damaged")
    labels = [LABELS.names[index] for index in [0, 1, 2, 3, 0, 1, 3, 3]]
    manifest = Manifest.of(
        root=tmp_path, image=[f"{row}.png" for row in range(8)], label=labels, split=["train"] * 2 + ["val"] * 6
    )
    manifest.save(tmp_path / "faces.csv")
    return tmp_path


def _model(path, **more) -> None:
    """Logits -20 (v - centre)^2 of the mean value v, up to what all classes have in common."""
    centres = (np.array([[30, 94, 158, 222]], np.float32) / 127.5 - 1).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["faces", "axes"], ["mean"], keepdims=1),
            helper.make_node("Flatten", ["mean"], ["value"]),
            helper.make_node("Gemm", ["value", "weight", "bias"], ["logits"]),
        ],
        "shades",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["faces", 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["faces", 4])],
        [
            numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"),
            numpy_helper.from_array(40 * centres, "weight"),
            numpy_helper.from_array(-20 * centres[0] ** 2, "bias"),
        ],
    )
    card = Card(name="shades", classes=LABELS.names, label_set=LABELS.id, preprocess=Preprocess(size_px=8), **more)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    model.metadata_props.add(key=KEY, value=card.to_json())
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def run(line: str, code: int = 0):
    result = CliRunner().invoke(APP, line.split())
    assert result.exit_code == code, f"{result.output}{result.exception!r}"
    return result


def test_everything_at_once(folder):
    result = run("shades.onnx faces.csv --out scores.npz --pictures pictures --bootstrap 100 --threads 1")
    assert "7 pictures, 4 classes" in result.stdout
    assert "85.7%" in result.stdout
    assert "1 of 8 pictures could not be read" in result.stdout
    names = {path.name for path in (folder / "pictures").iterdir()}
    assert names == {"confusion.png", "classes.png", "curves.png", "mistakes.png"}
    scores = Scores.load(folder / "scores.npz")
    assert scores.logits.argmax(1).tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert scores.model.startswith("shades ")
    assert len(scores.about["model_sha256"]) == 64
    assert scores.about["versions"]["mien"]


def test_json_from_a_run_and_from_saved_scores_is_the_same(folder):
    fresh = run("shades.onnx faces.csv --split val --out scores.npz --json --seed 3 --threads 1").stdout
    saved = run("scores.npz --json --seed 3").stdout
    assert json.loads(fresh) == json.loads(saved)
    found = json.loads(fresh)
    assert (found["raw"]["rows"], found["about"]["split"]) == (5, "val")
    assert found["raw"]["accuracy"] == pytest.approx(4 / 5)
    assert found["raw"]["intervals"]["accuracy"]["level"] == 0.95


def test_a_device_that_is_there_gives_the_same_numbers(folder):
    found, said = (json.loads(run(f"shades.onnx faces.csv --json {more}").stdout) for more in ("", "--device cpu"))
    assert found["raw"] == said["raw"]


def test_leaks_from_another_split(folder):
    found = json.loads(run("shades.onnx faces.csv --split val --without-leaks-from train --identical --json").stdout)
    # blank pictures are no evidence of a leak, so the audit compares none of them
    assert found["without_leaks"]["leaked"] == 0
    assert found["without_leaks"]["rows"] == 5


def test_other_classes(folder):
    found = json.loads(run("shades.onnx faces.csv --labels happy,sad --json").stdout)
    assert found["classes"] == ["happy", "sad"]
    assert found["raw"]["rows"] == 3


def test_the_prior_is_a_choice_of_models_and_of_saved_scores(folder):
    found = json.loads(run("told.onnx faces.csv --prior uniform --out scores.npz --json --threads 1").stdout)
    assert found["prior"] == {"choice": "uniform", "shares": dict.fromkeys(LABELS, 0.25)}
    assert any(note.startswith("Prior uniform") for note in found["notes"])
    assert any("biases in the model's card were set aside" in note for note in found["notes"])
    assert json.loads(run("scores.npz --prior uniform --json").stdout) == found
    shares = dict(zip(LABELS, (0.7, 0.1, 0.1, 0.1), strict=True))
    assert json.loads(run("scores.npz --json").stdout)["prior"] == {"choice": "training", "shares": shares}
    said = run("scores.npz --prior auto").stdout
    assert "Prior auto: shares estimated from these 7 pictures, without their labels: " in said


def test_mistakes_of_the_user(folder):
    def message(line: str) -> str:
        result = CliRunner().invoke(APP, line.split())
        assert isinstance(result.exception, InputError)
        return str(result.exception)

    assert "name a manifest too" in message("shades.onnx")
    assert "unknown label set 'fer8'" in message("shades.onnx faces.csv --labels fer8")
    assert "the model does not know fear" in message("shades.onnx faces.csv --labels happy,fear")
    assert "no such scores file" in message("missing.npz")
    assert "at least 2 draws" in message("shades.onnx faces.csv --bootstrap 1")
    assert "--split, --device cannot" in message("scores.npz --split val --device cpu")
    assert "device 'gpu': expected auto, cuda, openvino or cpu" in message("shades.onnx faces.csv --device gpu")
    assert "this ONNX Runtime has none" in message("shades.onnx faces.csv --device cuda")
    assert "its card does not say" in message("shades.onnx faces.csv --prior uniform --out scores.npz")
    assert not (folder / "scores.npz").exists()
    assert "leave --prior auto out" in message("told.onnx faces.csv --prior auto --card")
    assert "has to end with .npz" in message("shades.onnx faces.csv --out scores.json")
    assert "no rows with split 'test'" in message("shades.onnx faces.csv --split test")
    assert "name another split" in message("shades.onnx faces.csv --without-leaks-from train")


def test_scores_are_kept_when_there_is_nothing_to_measure(folder):
    manifest = Manifest.load(folder / "faces.csv", LABELS)
    manifest.with_columns(label=[""] * 8).save(folder / "bare.csv")
    result = CliRunner().invoke(APP, ["shades.onnx", "bare.csv", "--out", "scores.npz"])
    assert "no row of the scores has a label" in str(result.exception)
    assert len(Scores.load(folder / "scores.npz")) == 7
