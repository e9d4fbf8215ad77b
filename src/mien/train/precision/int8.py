"""Eight-bit weights and activations: a network quantised by what real faces bring about in it.

Weights get one scale per output channel, symmetric around zero. Activations get one scale and one zero point per
tensor, from the smallest to the largest value that the calibration faces reach, as unsigned numbers: the integer
instructions of x86 processors multiply unsigned by signed, and signed activations were measured to be much slower.

The beginning stays float32: the step that reads the picture, and a depthwise convolution right behind it. One scale
for all channels costs most there: with that one convolution in float32, a quarter to more than a half fewer answers of
the nets that ship change, in the same time (benchmarks/EXPERIMENTS.md).

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


def quantise(
    model: onnx.ModelProto, batches: Iterable[NDArray[np.float32]], first: int | None = None
) -> onnx.ModelProto:
    """The same network with int8 weights and uint8 activations; inputs and outputs stay float32.

    Args:
        model: float32, with one input.
        batches: (N, C, S, S) float32 each, as the network takes them: they set the ranges, so they have to be faces
            like those that the network will meet.
        first: convolutions at the beginning that stay float32, as far as nothing goes past them; None for the one that
            reads the picture, and a depthwise one right behind it.
    """
    with tempfile.TemporaryDirectory() as folder, _quiet():
        whole, prepared, written = (str(Path(folder) / name) for name in ("whole", "prepared", "int8"))
        onnx.save(model, whole)
        quant_pre_process(whole, prepared, skip_symbolic_shape=True)  # folds constants and writes down all shapes
        graph = onnx.load(prepared).graph
        without = in_float32(graph, first)
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


def in_float32(graph: onnx.GraphProto, first: int | None = None) -> list[str]:
    """Names of the steps that stay float32: the beginning, and those that make an answer.

    The last ones are quick as they are, and without them the logits lie closer to the original.

    Args:
        graph: with a name for each step.
        first: as in :func:`quantise`.
    """
    inputs, outputs = ({item.name for item in items} for items in (graph.input, graph.output))
    answering = [node.name for node in graph.node if outputs & {*node.output}]
    return answering + [
        name for node in graph.node if inputs & {*node.input} for name in _beginning(graph, node, first)
    ]


def _beginning(graph: onnx.GraphProto, node: onnx.NodeProto, first: int | None) -> list[str]:
    """Names from a step that reads the picture to the last convolution that stays float32.

    It ends where a value has two readers: ONNX Runtime would round the weights of a float32 convolution whose input
    comes out of int8 for the other reader, with one scale for all channels, and that can ruin the answers.
    """
    kept, passed, convolutions = [node.name], [], int(node.op_type == "Conv")
    while convolutions:
        following = [reader for reader in graph.node if node.output[0] in reader.input]
        if len(following) != 1 or following[0].op_type in ("Gemm", "MatMul"):
            break
        node = following[0]
        passed.append(node.name)
        if node.op_type == "Conv":
            convolutions += 1
            if convolutions > (first or 2) or (first is None and not _is_depthwise(graph, node)):
                break
            kept, passed = kept + passed, []
    return kept


def _is_depthwise(graph: onnx.GraphProto, node: onnx.NodeProto) -> bool:
    """True for a convolution that takes each channel by itself."""
    groups = next((item.i for item in node.attribute if item.name == "group"), 1)
    return groups > 1 and next((item.dims[1] for item in graph.initializer if item.name == node.input[1]), 0) == 1


def seven_bits(graph: onnx.GraphProto, without: Collection[str]) -> dict[str, list[dict[str, int | bool]]]:
    """What the quantiser is told of each weight that is summed over many inputs, by the weight's name."""
    weights, told = {item.name for item in graph.initializer}, {}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or node.name in without or node.input[1] not in weights:
            continue
        if node.op_type == "Conv" and _is_depthwise(graph, node):
            continue
        is_turned = any(item.name == "transB" and item.i for item in node.attribute)
        axis = 0 if node.op_type == "Conv" or is_turned else 1
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
