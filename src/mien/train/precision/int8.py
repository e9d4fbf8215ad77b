"""Eight-bit weights and activations: a network quantised by what real faces bring about in it.

Weights get one scale per output channel, symmetric around zero. Activations get one scale and one zero point per
tensor, from the smallest to the largest value that the calibration faces reach, as unsigned numbers: the integer
instructions of x86 processors multiply unsigned by signed, and signed activations were measured to be much slower.

The beginning stays float32: the step that reads the picture, and a depthwise convolution right behind it. One scale
for all channels costs most there: with that one convolution in float32, a quarter to more than a half fewer answers of
the nets that ship change, in the same time (benchmarks/EXPERIMENTS.md).

Processors without VNNI add two products in 16 bits and cut what is too large. So where a channel of weights is summed
over many inputs, its range is no less than the sum of its two largest values of one sign: whichever two products are
added, nothing is cut, and the file answers there as it does elsewhere. That takes a bit from channels whose values are
alike and nothing from those with one large value, which need their bits most. Layers that take each channel by itself
are not computed with these instructions.

Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR 2018; the scheme is that of ONNX Runtime (QuantizeLinear and DequantizeLinear around each step).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

#: A channel's range is at least this share of the widest one of its weight.
LEAST = 1e-4


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
            extra_options={"TensorQuantOverrides": ranges(graph, without)},
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


def ranges(graph: onnx.GraphProto, without: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """The range of each channel of each weight that is summed over many inputs, by the weight's name.

    Returns:
        For a weight, one entry per output channel, as the quantiser takes it.
    """
    weights, told = {item.name: item for item in graph.initializer}, {}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or node.name in without or node.input[1] not in weights:
            continue
        if node.op_type == "Conv" and _is_depthwise(graph, node):
            continue
        is_turned = any(item.name == "transB" and item.i for item in node.attribute)
        axis = 0 if node.op_type == "Conv" or is_turned else 1
        largest = _safe_range(numpy_helper.to_array(weights[node.input[1]]), axis)
        told[node.input[1]] = [{"axis": axis, "symmetric": True, "rmin": -each, "rmax": each} for each in largest]
    return told


def _safe_range(weight: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """(channels,) the largest value, or the sum of the two largest of one sign if that is more.

    127 steps make this range, so two weights of one sign have at most 128 together after rounding; times the 255 of two
    activations that is 32,640, which 16 bits hold.
    """
    rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    both = np.stack([np.maximum(rows, 0), np.maximum(-rows, 0)])
    two: NDArray[np.float32] = np.partition(both, -2, axis=-1)[..., -2:].sum(-1) if rows.shape[1] > 1 else both[..., 0]
    found: NDArray[np.float32] = two.max(0)
    # a channel of (next to) nothing needs some range as well: its bias is counted in steps of it
    return np.maximum(found, found.max() * np.float32(LEAST) or np.float32(1))


@contextmanager
def _quiet() -> Iterator[None]:
    """Advice of the quantiser goes through the root logger; none of it is about what the user can change."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
