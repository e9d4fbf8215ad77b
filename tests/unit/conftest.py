"""A network that can be computed by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.card import KEY, Card
from mien.preprocess import Preprocess

#: Logits of classes a, b, c for the mean colour (r, g, b from 0 to 1): each class likes one colour.
LIKES = 4.0 * np.eye(3, dtype=np.float32)


def write_colours(path: Path, weights: np.ndarray, card: Card | str | None, shape: list[Any], classes: int) -> Path:
    """Mean of the left half's pixels, times a matrix."""
    half = shape[-1] // 2
    arrays = {"weights": weights, "starts": [0], "ends": [half], "width": [3]}
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["faces", "starts", "ends", "width"], ["left"]),
            helper.make_node("ReduceMean", ["left"], ["colour"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
        ],
        "colours",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [shape[0], classes])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if card is not None:
        helper.set_model_props(model, {KEY: card if isinstance(card, str) else card.to_json()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture
def colours(tmp_path) -> Callable[..., Path]:
    """Write a recognizer that answers by the mean colour of the left half of a face.

    ``colours("name.onnx", classes=("a", "b", "c"), weights=LIKES, size_px=8, margin=0.0, **fields_of_the_card)``
    """

    def write(
        name: str = "colours.onnx",
        classes: tuple[str, ...] = ("angry", "happy", "sad"),
        weights: np.ndarray = LIKES,
        size_px: int = 8,
        margin: float = 0.0,
        shift: float = 0.0,
        **card: Any,
    ) -> Path:
        prepare = Preprocess(size_px=size_px, mean=(0, 0, 0), std=(1, 1, 1), margin=margin, shift=shift)
        card = {"name": Path(name).stem, "classes": classes, "preprocess": prepare, **card}
        shape = ["faces", 3, size_px, size_px]
        return write_colours(tmp_path / name, weights.astype(np.float32), Card(**card), shape, len(classes))

    return write


@pytest.fixture
def raw_network(tmp_path) -> Callable[..., Path]:
    """Write the same network with any card, or none, and any declared shape."""

    def write(card: Card | str | None, shape: list[Any] | None = None) -> Path:
        return write_colours(tmp_path / "raw.onnx", LIKES, card, shape or ["faces", 3, 8, 8], 3)

    return write
