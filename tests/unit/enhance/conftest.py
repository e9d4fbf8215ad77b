"""An enhancer that can be computed by hand, and small pictures of several kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien import images
from mien.card import KEY, Card
from mien.preprocess import Preprocess


@pytest.fixture
def doubler(tmp_path) -> Callable[..., Path]:
    """Write an enhancer that repeats every pixel twice each way and turns light into dark."""

    def write(name: str = "doubler.onnx", kind: str = "enhancer") -> Path:
        arrays = {"scales": np.array([1, 1, 2, 2], np.float32), "one": np.array(1, np.float32)}
        graph = helper.make_graph(
            [
                helper.make_node(
                    "Resize", ["faces", "", "scales"], ["large"], mode="nearest", nearest_mode="floor",
                    coordinate_transformation_mode="asymmetric",
                ),
                helper.make_node("Sub", ["one", "large"], ["enlarged"]),
            ],
            "doubler",
            [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, "h", "w"])],
            [helper.make_tensor_value_info("enlarged", TensorProto.FLOAT, ["n", 1, "h2", "w2"])],
            [numpy_helper.from_array(value, key) for key, value in arrays.items()],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        prepare = Preprocess(size_px=8, channels=1, mean=(0,), std=(1,))
        card: dict[str, Any] = {"name": "doubler", "kind": kind, "scale": 2, "preprocess": prepare}
        helper.set_model_props(model, {KEY: Card(**card).to_json()})
        path = tmp_path / name
        onnx.save(model, path)
        return path

    return write


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Six pictures below a folder: grey and coloured, of two sizes, one of them damaged."""
    folder = tmp_path / "pictures"
    draw = np.random.default_rng(0)
    for number in range(3):
        images.write(folder / "happy" / f"{number}.png", draw.integers(0, 256, (8, 8), dtype=np.uint8))
    images.write(folder / "sad" / "0.png", draw.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    images.write(folder / "sad" / "wide.png", draw.integers(0, 256, (8, 12), dtype=np.uint8))
    (folder / "sad" / "broken.png").write_bytes(b"not a picture")
    return folder
