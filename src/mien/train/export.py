"""A trained net to an ONNX file with its card inside, checked against the net it came from."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from mien.atomic import write_bytes
from mien.card import KEY, Card
from mien.errors import ParityError
from mien.train.nets.classifier import Answers
from mien.train.nets.stylegan2 import Drawn, Generator

OPSET = 18
#: Largest difference allowed between the logits of the two, absolute and relative (float32 sums in another order).
TOLERANCE = 1e-3


def export(net: nn.Module, card: Card, path: str | os.PathLike[str]) -> float:
    """Write ``path``: input ``faces`` (N, C, S, S) float32 with free N, output ``logits`` (N, classes) float32.

    A classifier with a fused backbone has a second output: ``member_weights`` (N, M) float32. An enhancer has free
    sides as well, and the output ``enlarged`` (N, C, H * scale, W * scale) float32. A generator has the inputs
    ``latents`` (N, Z), ``classes`` (N, C) where it has classes, ``truncation`` (N, 1) and ``noise`` (N, K), and the
    output ``faces``.

    Args:
        net: images to logits; is not changed.
        card: what the file says of itself.
        path: the file appears whole, and only when it computes what the net does.

    Returns:
        The largest difference of an output between ONNX Runtime and torch, over random input in batches of 1 and 5.

    Raises:
        ParityError: the two disagree.
    """
    net = copy.deepcopy(net).to("cpu", torch.float32).eval()
    answers: Answers | Drawn
    if isinstance(net, Generator):
        answers = Drawn(net).eval()
    else:
        answers = Answers(net, ("enlarged",) if card.kind == "enhancer" else ("logits",)).eval()
    free = {0: torch.export.Dim("faces", min=1)}
    if card.kind == "enhancer":
        free |= {2: torch.export.Dim("height", min=8), 3: torch.export.Dim("width", min=8)}
    shapes = _shapes(net, card, count=2, wider=1)  # equal sides would be taken for one
    example = {name: torch.zeros(shape) for name, shape in shapes.items()}
    content = to_onnx(answers, example, answers.names, free, {KEY: card.to_json()})
    difference = parity(answers, content, [_shapes(net, card, 1), _shapes(net, card, count=5, wider=3)])
    write_bytes(path, content)
    return difference


def to_onnx(
    net: nn.Module,
    example: Mapping[str, torch.Tensor],
    outputs: Sequence[str],
    free: Mapping[int, Any],
    metadata: Mapping[str, str],
) -> bytes:
    """A net as the content of an ONNX file.

    Args:
        net: in evaluation mode.
        example: input -> one with a batch of two or more.
        outputs: their names.
        free: axis -> ``torch.export.Dim`` of the first input; of the others the batch is free.
        metadata: what the file says of itself.
    """
    with torch.inference_mode():
        program = torch.onnx.export(
            net,
            tuple(example.values()),
            input_names=list(example),
            output_names=list(outputs),
            dynamic_shapes=(dict(free), *({0: torch.export.Dim.DYNAMIC} for _ in range(1, len(example)))),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.optimize()
    model = program.model_proto
    del model.metadata_props[:]
    for node in model.graph.node:  # names of source files and lines: not the user's business, and half the size
        del node.metadata_props[:]
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _shapes(net: nn.Module, card: Card, count: int, wider: int = 0) -> dict[str, tuple[int, ...]]:
    """Input -> shape; pictures for an enhancer, whose sides are free, are ``wider`` than high."""
    if isinstance(net, Generator):
        sizes = {"latents": net.latents, "truncation": 1, "noise": net.noises, "classes": net.classes}
        return {name: (count, size) for name, size in sizes.items() if size}
    side = card.preprocess.size_px
    return {"faces": (count, card.preprocess.channels, side, side + wider * (card.kind == "enhancer"))}


def parity(answers: Answers | Drawn, model: bytes, shapes: Sequence[Mapping[str, tuple[int, ...]]]) -> float:
    """Largest difference of an output between a net and an ONNX model, over random inputs of these shapes.

    Raises:
        ParityError: it is larger than the tolerance, or the shapes or the number of outputs differ.
    """
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(0)
    if (given := tuple(output.name for output in session.get_outputs())) != answers.names:
        raise ParityError(f"exported model has the outputs {given}, the trained net {answers.names}")
    largest = 0.0
    for inputs in shapes:
        drawn: dict[str, NDArray[Any]] = {
            name: generator.standard_normal(shape, np.float32) for name, shape in inputs.items()
        }
        with torch.inference_mode():
            expected = [output.numpy() for output in answers(*map(torch.from_numpy, drawn.values()))]
        for name, ours, theirs in zip(answers.names, expected, session.run(None, drawn), strict=True):
            if theirs.shape != ours.shape:
                raise ParityError(f"{name}: exported model gives shape {theirs.shape}, the trained net {ours.shape}")
            largest = max(largest, float(np.abs(theirs - ours).max()))
            if not np.allclose(theirs, ours, rtol=TOLERANCE, atol=TOLERANCE):
                raise ParityError(
                    f"{name}: exported model differs from the trained net by up to {largest:.2g} (allowed {TOLERANCE})"
                )
    return largest


def versions() -> dict[str, str]:
    """Versions of what made a model."""
    return {name: version(name) for name in ("mien", "torch", "onnx", "onnxruntime")}
