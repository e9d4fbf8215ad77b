"""A model file, opened: ONNX Runtime's session and the card, whatever kind of model it is."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import onnxruntime

from mien.card import Card
from mien.errors import InputError, ModelError
from mien.runtime.models import Model, locate

#: Device -> the providers of ONNX Runtime that make it.
PROVIDERS = {"cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"), "cpu": ("CPUExecutionProvider",)}


class Opened:
    """A model file.

    Args:
        model: path, or name in ``mien.runtime.models.available``.
        threads: CPU threads of one run; None leaves it to ONNX Runtime (one per core).
        device: ``auto`` (CUDA where ONNX Runtime has it, else the CPU), ``cuda`` or ``cpu``.

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
            self.session: Any = onnxruntime.InferenceSession(self.path, options, providers=providers(device))
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


def providers(device: str) -> list[str]:
    """ONNX Runtime's providers for a device.

    Raises:
        InputError: there is no such device here.
    """
    present = onnxruntime.get_available_providers()
    if device == "auto":
        return [name for name in PROVIDERS["cuda"] if name in present]
    if device not in PROVIDERS:
        raise InputError(f"device {device!r}: expected auto, cuda or cpu")
    if PROVIDERS[device][0] not in present:
        raise InputError(
            f"device {device!r}: this ONNX Runtime has none (it has {', '.join(present)}); auto takes the best there is"
        )
    return list(PROVIDERS[device])
