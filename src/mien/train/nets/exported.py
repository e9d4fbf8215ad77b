"""The weights of a model file, back in a net that learns on: what ships can be the start of a model of your own.

A file keeps the names of the weights but not the batch norms that follow a convolution or a linear layer: they are
folded into it. A net that is to learn needs them back. First they do nothing but add what was folded into the bias
(:func:`unfold`); then, once there are faces, each one gets the mean and variance of what it sees, and a scale and a
shift that undo them (:func:`settle`). The net computes what the file does, before and after.

Weights in eight or sixteen bits become floats again; what rounding took stays lost, and training goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

#: A channel whose variance is less than this share of the mean one is taken to have so much: some never answer.
LEAST = 1e-4
#: Layers that an exporter folds a batch norm into.
FOLDING = (nn.Conv2d, nn.Linear)


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """Name -> float32 tensor of a classifier's file, named as in the net; biases of layers that had none included.

    Names are those of the exporter: files by others give names that fit no net.
    """
    graph = onnx.load(path).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    values, names = dict(stored), {name: name for name in stored}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            values[node.output[0]] = _dequantised(node, stored)
            names[node.output[0]] = node.input[0].removesuffix("_quantized")
    found = {names[name]: value for name, value in values.items() if value.dtype.kind == "f"}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm") and node.input[1] in values and len(node.input) > 2:
            found[names[node.input[1]].removesuffix(".weight") + ".bias"] = values[node.input[2]]
    return {
        name.removeprefix("net."): torch.from_numpy(np.array(value, np.float32))  # a copy that may be written to
        for name, value in found.items()
        if name.startswith("net.")
    }


def _dequantised(node: onnx.NodeProto, stored: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    whole, scale = stored[node.input[0]].astype(np.float32), stored[node.input[1]].astype(np.float32)
    zero = stored[node.input[2]].astype(np.float32) if len(node.input) > 2 else np.zeros_like(scale)
    axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
    shape = [-1 if at == axis else 1 for at in range(whole.ndim)] if scale.ndim else []
    result: NDArray[np.float32] = (whole - zero.reshape(shape)) * scale.reshape(shape)
    return result


def unfold(net: nn.Module, found: dict[str, torch.Tensor], example: torch.Tensor) -> dict[str, torch.Tensor]:
    """The file's tensors and, for each batch norm that was folded away, four that only add the layer's bias.

    Args:
        net: what is to be filled.
        found: tensors of the file, named as in the net.
        example: an input of the net, to see which norm follows which layer.
    """
    whole = dict(found)
    for layer, norm, module in _pairs(net, example):
        if f"{norm}.running_mean" in found or f"{layer}.weight" not in found:
            continue
        channels = module.num_features
        whole[f"{norm}.weight"], whole[f"{norm}.running_mean"] = torch.ones(channels), torch.zeros(channels)
        whole[f"{norm}.running_var"] = torch.full((channels,), 1 - module.eps)
        whole[f"{norm}.bias"] = found.get(f"{layer}.bias", torch.zeros(channels))
        whole[f"{layer}.bias"] = torch.zeros(channels)  # not asked for where the layer has none
    return whole


def _pairs(net: nn.Module, example: torch.Tensor) -> list[tuple[str, str, _BatchNorm]]:
    """(layer, norm, the norm itself) for each batch norm whose input is what a layer gives."""
    names = {module: name for name, module in net.named_modules()}
    made: dict[int, str] = {}  # by the identity of a result
    results, pairs = [], []  # results are kept, so that no identity comes twice

    def see(module: nn.Module, given: tuple[torch.Tensor, ...], result: torch.Tensor) -> None:
        if isinstance(module, FOLDING):
            made[id(result)] = names[module]
            results.append(result)
        elif isinstance(module, _BatchNorm) and id(given[0]) in made:
            pairs.append((made[id(given[0])], names[module], module))

    seen = (module for module in names if isinstance(module, (*FOLDING, _BatchNorm)))
    hooks = [module.register_forward_hook(see) for module in seen]
    try:
        with _evaluating(net):
            net(example)
    finally:
        for hook in hooks:
            hook.remove()
    return pairs


def settle(net: nn.Module, faces: torch.Tensor) -> None:
    """Give each batch norm that does nothing the statistics of these faces, and a scale and shift that undo them.

    Args:
        net: filled with what :func:`unfold` gave; it computes afterwards what it did.
        faces: (N, C, S, S) float32, prepared as in training.
    """
    idle = [module for module in net.modules() if isinstance(module, _BatchNorm) and _is_idle(module)]
    hooks = [norm.register_forward_pre_hook(_measure) for norm in idle]
    with _evaluating(net):
        net(faces)
    for hook in hooks:
        hook.remove()


def _measure(norm: _BatchNorm, given: tuple[torch.Tensor, ...]) -> None:
    seen = given[0].transpose(0, 1).flatten(1)
    mean, variance = seen.mean(1), seen.var(1)
    variance = variance.clamp(min=LEAST * float(variance.mean()))
    norm.bias.add_(mean)
    norm.weight.copy_(torch.sqrt(variance + norm.eps))
    norm.running_mean, norm.running_var = mean, variance


def _is_idle(norm: _BatchNorm) -> bool:
    """True for a batch norm as :func:`unfold` leaves it; a new one has a variance of 1, which it divides by."""
    return norm.running_var is not None and bool((norm.running_var == 1 - norm.eps).all())


@contextmanager
def _evaluating(net: nn.Module) -> Iterator[None]:
    was = net.training
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        net.train(was)
