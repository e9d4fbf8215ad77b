from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mien.card import KEY, Card
from mien.errors import ModelError
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.stamp import change_card, stamp
from mien.labels import Labels
from mien.runtime.network import Network
from mien.scores import Scores


def model(path: Path, card: Card | None) -> Path:
    faces = helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["N", 1, 8, 8])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2])
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 64])
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [64, 2], np.ones(128, np.float32))
    nodes = [
        helper.make_node("Reshape", ["faces", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
    ]
    made = helper.make_model(
        helper.make_graph(nodes, "tiny", [faces], [logits], [shape, weight]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    if card:
        made.metadata_props.add(key=KEY, value=card.to_json())
    onnx.save(made, path)
    return path


def evaluation() -> Evaluation:
    scores = Scores(
        np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], np.float32),
        np.array([0, 1, 0, 1]),
        Labels(("calm", "glad")),
        np.array(["a", "b", "c", "d"]),
        about={"manifest": "digest", "date": "2026-01-31", "split": "val"},
    )
    return Evaluation.of(scores, draws=10)


def test_numbers_go_into_the_card_and_the_net_stays(tmp_path: Path):
    preprocess = {"size_px": 8, "channels": 1, "mean": [0.5], "std": [0.5]}
    card = Card(name="tiny", classes=("calm", "glad"), preprocess=preprocess, metrics={"selection": {"split": "val"}})
    path = model(tmp_path / "tiny.onnx", card)
    before = Network(path).logits([np.full((8, 8, 3), 200, np.uint8)])
    stamp(path, evaluation())
    network = Network(path)
    assert network.card.metrics["val"]["accuracy"] == 0.75
    assert network.card.metrics["val"]["manifest"] == "digest"
    assert network.card.metrics["selection"] == {"split": "val"}
    np.testing.assert_array_equal(network.logits([np.full((8, 8, 3), 200, np.uint8)]), before)


def test_a_file_without_a_card_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="without a mien card"):
        stamp(model(tmp_path / "tiny.onnx", None), evaluation())


def test_fields_of_a_card_are_changed_and_the_rest_stays(tmp_path: Path):
    preprocess = {"size_px": 8, "channels": 1, "mean": [0.5], "std": [0.5]}
    card = Card(name="tiny", classes=("calm", "glad"), preprocess=preprocess, metrics={"val": {"accuracy": 0.5}})
    path = model(tmp_path / "tiny.onnx", card)
    returned = change_card(path, biases=(0.0, 0.5), metrics={"bias": {"gain": 0.1}})
    found = Network(path).card
    assert found == returned
    assert found.biases == (0.0, 0.5)
    assert found.metrics == {"val": {"accuracy": 0.5}, "bias": {"gain": 0.1}}
    assert found.preprocess == card.preprocess


def test_a_card_that_would_be_wrong_is_not_written(tmp_path: Path):
    card = Card(
        name="tiny", classes=("calm", "glad"), preprocess={"size_px": 8, "channels": 1, "mean": [0], "std": [1]}
    )
    path = model(tmp_path / "tiny.onnx", card)
    before = path.read_bytes()
    with pytest.raises(ModelError, match="3 biases for 2 classes"):
        change_card(path, biases=(0.0, 0.5, 1.0))
    with pytest.raises(ModelError, match="temperature"):
        change_card(path, temperature=0)
    assert path.read_bytes() == before
