"""Sixteen-bit floats: half the size, and the quickest on graphics cards that compute in them."""

from __future__ import annotations

import warnings

import onnx
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network in fp16; inputs and outputs stay float32.

    Weights too small for fp16 become its smallest number, those too large its largest.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # one for each weight that fp16 cannot hold: parity tells what it costs
        converted: onnx.ModelProto = convert_float_to_float16(copied, keep_io_types=True)
    ONNXModel(converted).topological_sort()  # the casts of the inputs were added at the end
    return converted
