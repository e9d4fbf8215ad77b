"""A model file, opened: ONNX Runtime's session and the card, whatever kind of model it is."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any, TypeAlias

import onnxruntime

from mien.card import Card
from mien.errors import InputError, ModelError
from mien.runtime.models import Model, locate

#: Device -> the providers of ONNX Runtime that make it. OpenVINO computes on the CPU as well.
PROVIDERS = {
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "openvino": ("OpenVINOExecutionProvider", "CPUExecutionProvider"),
    "cpu": ("CPUExecutionProvider",),
}
#: One of the providers of a session: its name, or its name and settings.
Provider: TypeAlias = str | tuple[str, dict[str, str]]


class Opened:
    """A model file.

    Args:
        model: path, or name in ``mien.runtime.models.available``.
        threads: CPU threads of one run; None leaves it to ONNX Runtime (one per core).
        device: ``auto`` (CUDA where ONNX Runtime has it, else the CPU), ``cuda``, ``openvino`` or ``cpu``.

    Attributes:
        path: the file.
        card: what it says of itself.
        session: runs it.

    Raises:
        ModelError: no such file, not an ONNX file, or without a card.
        InputError: there is no such device.
    """

    def __init__(self, model: Model, threads: int | None = None, device: str = "auto") -> None:
        self.path = locate(model)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # warnings of the runtime are not about the user's input
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self.session: Any = onnxruntime.InferenceSession(self.path, options, providers=providers(device, threads))
        except InputError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            reason = str(error).splitlines()[0]
            raise ModelError(f"{self.path}: not a model that ONNX Runtime can open ({reason})") from None
        self.card = Card.from_metadata(self.session.get_modelmeta().custom_metadata_map, str(self.path))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def providers(device: str, threads: int | None = None) -> list[Provider]:
    """ONNX Runtime's providers for a device.

    ``auto`` never takes OpenVINO: it opens a file in seconds instead of a tenth of one, and was measured to be slower
    with float32 files; it is quicker with many faces in int8.

    Args:
        device: ``auto``, ``cuda``, ``openvino`` or ``cpu``.
        threads: of one run, for a provider that has threads of its own; None leaves it to that.

    Raises:
        InputError: there is no such device here.
    """
    present = onnxruntime.get_available_providers()
    if device == "auto":
        return [name for name in PROVIDERS["cuda"] if name in present]
    if device not in PROVIDERS:
        raise InputError(f"device {device!r}: expected auto, cuda, openvino or cpu")
    if PROVIDERS[device][0] not in present:
        way_out = "; the package onnxruntime-openvino brings it" if device == "openvino" else ""
        raise InputError(
            f"device {device!r}: this ONNX Runtime has none (it has {', '.join(present)}){way_out}; auto takes the "
            "best there is"
        )
    if device == "openvino":
        settings = {"device_type": "CPU", **({} if threads is None else {"num_of_threads": str(threads)})}
        return [(PROVIDERS[device][0], settings), *PROVIDERS[device][1:]]
    return list(PROVIDERS[device])
