"""What a network sees in a face before it decides: the numbers that its last linear layer takes in.

A recognizer's file has one output, the logits. Here the file is read as a graph, the layer that makes the logits is
found, and what goes into it becomes an output of its own. Faces that look alike to the network lie close together in
these numbers, whatever their classes; distances between sets of faces (FID, KID) are measured in them.

A file without a card can be used too when its only output already is (N, D): the Inception network, for one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mien.card import KEY, Card
from mien.errors import InputError, ModelError, need
from mien.images import Pixels
from mien.preprocess import Preprocess
from mien.runtime.models import DEFAULT, Model, locate
from mien.runtime.session import providers

if TYPE_CHECKING:
    import onnx

#: Key of the pre-processing in the metadata of a feature net, which has no card: JSON of :class:`Preprocess`.
PREPROCESS_KEY = "mien.preprocess"
#: What may stand between the last linear layer and the logits: a bias that is added apart, a fixed scale, and the
#: steps of a quantised file.
BETWEEN = frozenset({"Add", "Sub", "Mul", "Div", "Identity", "Cast", "QuantizeLinear", "DequantizeLinear"})


class Features:
    """Turns faces into feature vectors.

    Args:
        model: name or path of a recognizer; or the path of an ONNX file without a card that has one input
            (N, C, S, S) and one output (N, D).
        values: of a file without a card whose input is float32 and whose metadata do not say it: what black and white
            are, e.g. ``(-1, 1)``. An input of uint8 gets the pixels as they are.
        threads: CPU threads of one run; None leaves it to ONNX Runtime (one per core).
        batch_size: faces per run.
        device: ``auto``, ``cuda``, ``openvino`` or ``cpu``.

    Attributes:
        path: the file.
        name: the model's name, or the file's.
        preprocess: how faces are brought to its input.
        size: D, how many features a face has.

    Raises:
        MissingExtra: the package onnx is not installed.
        ModelError: the file cannot be used.

    Example:
        >>> features = Features("default")
        >>> features([np.zeros((48, 48, 3), np.uint8)]).shape
        (1, 1024)
    """

    def __init__(
        self,
        model: Model = DEFAULT,
        *,
        values: tuple[float, float] | None = None,
        threads: int | None = None,
        batch_size: int = 64,
        device: str = "auto",
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: expected at least 1")
        self.path, self.batch_size = locate(model), batch_size
        content = _load(self.path)
        metadata = {entry.key: entry.value for entry in content.metadata_props}
        if KEY in metadata:
            card = Card.from_metadata(metadata, str(self.path))
            self.name, self._output = card.name, _expose(content, card, self.path)
        else:
            card = None
            self.name, self._output = self.path.stem, _only_output(content, self.path)
        self._session = _open(content, self.path, threads, device)
        entrance = self._session.get_inputs()[0]
        self._input, self._is_raw = entrance.name, entrance.type == "tensor(uint8)"
        if card is not None:
            self.preprocess = card.preprocess
        else:
            self.preprocess = _contract(entrance, metadata, values, self.path)
        blank = np.zeros((self.preprocess.size_px, self.preprocess.size_px, 3), np.uint8)
        self.size = int(self._run([blank]).shape[1])

    def __call__(self, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        """(N, D) float32 features of faces that are cut out already, (H, W, 3) uint8 RGB each, of any size."""
        found = [np.empty((0, self.size), np.float32)]
        found += [self._run(batch) for batch in _batches(pictures, self.batch_size)]
        return np.concatenate(found)

    def _run(self, faces: Sequence[Pixels]) -> NDArray[np.float32]:
        if self._is_raw:
            batch: NDArray[Any] = np.stack([self.preprocess.fit(face) for face in faces]).transpose(0, 3, 1, 2)
        else:
            batch = self.preprocess(faces)
        try:
            (found,) = self._session.run([self._output], {self._input: np.ascontiguousarray(batch)})
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            reason = str(error).splitlines()[0]
            raise ModelError(f"{self.path}: cannot take {len(faces)} faces of {batch.shape[1:]} ({reason})") from None
        features = np.asarray(found, np.float32)
        if features.ndim != 2 or len(features) != len(faces):
            raise ModelError(
                f"{self.path}: its features have the shape {features.shape}; expected one row of numbers per face, "
                f"({len(faces)}, D)"
            )
        return features


def _batches(pictures: Sequence[Pixels], size: int) -> Iterator[Sequence[Pixels]]:
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def _load(path: Path) -> onnx.ModelProto:
    onnx_package = need("onnx", "lab", "reading the features of a network")
    try:
        content: onnx.ModelProto = onnx_package.load(os.fspath(path))
    except Exception as error:  # protobuf's and onnx's exceptions have no common base
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelError(f"{path}: not an ONNX file that can be read ({reason})") from None
    if not content.graph.output:
        raise ModelError(f"{path}: an ONNX file without an output")
    return content


def _open(content: onnx.ModelProto, path: Path, threads: int | None, device: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # warnings of the runtime are not about the user's input
    if threads is not None:
        options.intra_op_num_threads = threads
    chosen = providers(device, threads)
    try:
        session = onnxruntime.InferenceSession(content.SerializeToString(), options, providers=chosen)
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: not a model that ONNX Runtime can open ({reason})") from None
    if len(session.get_inputs()) != 1:
        names = [each.name for each in session.get_inputs()]
        raise ModelError(f"{path}: has the inputs {names}; expected one, the faces")
    return session


def _expose(content: onnx.ModelProto, card: Card, path: Path) -> str:
    """Make what goes into the last linear layer an output of the graph; gives its name."""
    if card.kind != "recognizer":
        raise ModelError(f"{path}: is a model of kind {card.kind}; features are those of a recognizer")
    import onnx

    name = penultimate(content.graph, path)
    if name not in [output.name for output in content.graph.output]:
        content.graph.output.append(onnx.ValueInfoProto(name=name))  # of whatever type it has: fp16 in such a file
    return name


def penultimate(graph: onnx.GraphProto, where: str | os.PathLike[str]) -> str:
    """Name of the tensor that goes into the last linear layer, the one that makes the first output.

    Args:
        graph: of the file.
        where: the file, for the message.

    Raises:
        ModelError: the first output does not come out of a linear layer.
    """
    maker = {output: node for node in graph.node for output in node.output}
    stored = {tensor.name for tensor in graph.initializer}

    def is_fixed(name: str) -> bool:
        """True for weights, also such that are computed from weights alone."""
        return name in stored or (name in maker and all(is_fixed(each) for each in maker[name].input if each))

    name = graph.output[0].name
    while name in maker:
        node = maker[name]
        free = [each for each in node.input if each and not is_fixed(each)]
        if node.op_type in ("Gemm", "MatMul") and len(free) == 1:
            return str(free[0])
        if node.op_type not in BETWEEN or len(free) != 1:
            raise ModelError(
                f"{os.fspath(where)}: {graph.output[0].name!r} is made by {node.op_type} and not by a linear layer "
                "(Gemm, or MatMul and Add), so it has no features: use a recognizer written by `mien export` in "
                "full precision"
            )
        name = free[0]
    raise ModelError(f"{os.fspath(where)}: no linear layer leads to {graph.output[0].name!r}, so it has no features")


def _only_output(content: onnx.ModelProto, path: Path) -> str:
    names = [output.name for output in content.graph.output]
    rank = len(content.graph.output[0].type.tensor_type.shape.dim)
    if len(names) != 1 or rank != 2:
        raise ModelError(
            f"{path}: an ONNX file without a mien card, with the outputs {', '.join(names)}; such a file gives "
            "features only when its one output is (N, D)"
        )
    return str(names[0])


def _contract(entrance: Any, metadata: dict[str, str], values: tuple[float, float] | None, path: Path) -> Preprocess:
    """How faces are brought to the input of a file without a card."""
    if PREPROCESS_KEY in metadata:
        try:
            return Preprocess.model_validate_json(metadata[PREPROCESS_KEY])
        except ValueError as error:
            raise ModelError(f"{path}: its {PREPROCESS_KEY} cannot be read ({error})") from None
    channels, height, width = [*entrance.shape[1:], None, None, None][:3]
    if channels not in (1, 3) or not isinstance(height, int) or height != width:
        raise ModelError(
            f"{path}: an input of the shape {entrance.shape}; expected (N, 3, S, S) or (N, 1, S, S), S a fixed number"
        )
    if entrance.type == "tensor(uint8)":
        values = (0.0, 255.0)
    if values is None:
        raise ModelError(
            f"{path}: an ONNX file without a mien card and with an input of {entrance.type}: nobody knows which values "
            "it wants; say what black and white are (--range -1,1; in Python values=(-1, 1))"
        )
    low, high = values
    if not high > low:
        raise InputError(f"values from {low:g} to {high:g}: expected the first to be the smaller one")
    return Preprocess(
        size_px=height, channels=channels, mean=(-low / (high - low),) * channels, std=(1 / (high - low),) * channels
    )
