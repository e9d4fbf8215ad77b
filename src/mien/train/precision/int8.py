"""Eight-bit weights and activations: a network quantised by what real faces bring about in it.

Weights get one scale per output channel, symmetric around zero. Activations get one scale and one zero point per
tensor, from the smallest to the largest value that the calibration faces reach, as unsigned numbers: the integer
instructions of x86 processors multiply unsigned by signed, and signed activations were measured to be much slower.

Weights that are summed over many inputs use 7 of the 8 bits. Processors without VNNI add two products in 16 bits and
cut what is too large; with 7 bits nothing is, so the file answers there as it does elsewhere. Layers that take each
channel by itself have no such sums and keep 8 bits, which they need most.

Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR 2018; the scheme is that of ONNX Runtime (QuantizeLinear and DequantizeLinear around each step).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class _Batches(CalibrationDataReader):
    def __init__(self, name: str, batches: Iterable[NDArray[np.float32]]) -> None:
        self._name, self._batches = name, iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def quantise(model: onnx.ModelProto, batches: Iterable[NDArray[np.float32]]) -> onnx.ModelProto:
    """The same network with int8 weights and uint8 activations; inputs and outputs stay float32.

    Args:
        model: float32, with one input.
        batches: (N, C, S, S) float32 each, as the network takes them: they set the ranges, so they have to be faces
            like those that the network will meet.
    """
    with tempfile.TemporaryDirectory() as folder, _quiet():
        whole, prepared, written = (str(Path(folder) / name) for name in ("whole", "prepared", "int8"))
        onnx.save(model, whole)
        quant_pre_process(whole, prepared, skip_symbolic_shape=True)  # folds constants and writes down all shapes
        graph = onnx.load(prepared).graph
        without = ends(graph)
        quantize_static(
            prepared,
            written,
            _Batches(model.graph.input[0].name, batches),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            nodes_to_exclude=without,
            extra_options={"TensorQuantOverrides": seven_bits(graph, without)},
        )
        return onnx.load(written)


def ends(graph: onnx.GraphProto) -> list[str]:
    """Names of the steps that read the picture or make an answer: they stay float32.

    Both are quick as they are, and without them the logits lie closer to the original.
    """
    inputs, outputs = ({item.name for item in items} for items in (graph.input, graph.output))
    return [node.name for node in graph.node if inputs & {*node.input} or outputs & {*node.output}]


def seven_bits(graph: onnx.GraphProto, without: Collection[str]) -> dict[str, list[dict[str, int | bool]]]:
    """What the quantiser is told of each weight that is summed over many inputs, by the weight's name."""
    shapes, told = {item.name: item.dims for item in graph.initializer}, {}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or node.name in without or node.input[1] not in shapes:
            continue
        values, shape = {item.name: item.i for item in node.attribute}, shapes[node.input[1]]
        is_depthwise = values.get("group", 1) > 1 and shape[1] == 1
        if is_depthwise:
            continue
        axis = 0 if node.op_type == "Conv" or values.get("transB") else 1
        told[node.input[1]] = [{"axis": axis, "symmetric": True, "reduce_range": True}]
    return told


@contextmanager
def _quiet() -> Iterator[None]:
    """Advice of the quantiser goes through the root logger; none of it is about what the user can change."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
