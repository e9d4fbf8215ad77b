"""One model file, ready to run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.images import Pixels
from mien.runtime.models import Model
from mien.runtime.session import Opened
from mien.scores import softmax

#: With fewer faces for each thread than this, all threads share one run.
EACH = 4


class Answers(NamedTuple):
    """Raw answers of a network.

    Attributes:
        logits: (N, C) float32, biases and temperature of the card not applied.
        member_weights: (N, M) float32, how much each member of a fused net counted for each face, each row adding up
            to 1; None for a single net.
    """

    logits: NDArray[np.float32]
    member_weights: NDArray[np.float32] | None = None


class Network:
    """A recognizer's network and card.

    Args:
        model: path, or name in ``mien.runtime.models.available``.
        threads: CPU threads: of one run for a few faces, or of runs beside each other for many; None for one per core.
        device: what computes, as in :class:`mien.runtime.session.Opened`.

    Attributes:
        path: the file.
        card: what it says of itself.
        device: as it was asked for.

    Raises:
        ModelError: no such file, not an ONNX file, without a card, not a recognizer, or of other shapes than its card.
        InputError: there is no such device.
    """

    def __init__(self, model: Model, threads: int | None = None, device: str = "auto") -> None:
        opened = Opened(model, threads, device)
        self.path, self.card, self.device, self._session = opened.path, opened.card, device, opened.session
        if self.card.kind != "recognizer":
            raise ModelError(f"{self.path}: is a model of kind {self.card.kind}; a recognizer is needed here")
        self._threads = threads
        self._check_shapes()
        self._input = self._session.get_inputs()[0].name
        self._outputs = [self._session.get_outputs()[0].name, *(["member_weights"] if self.card.members else [])]

    def _check_shapes(self) -> None:
        """See that the network is the one that the card speaks of; a dimension without a number is free."""
        prepare, inputs, outputs = self.card.preprocess, self._session.get_inputs(), self._session.get_outputs()
        shapes = {output.name: output.shape[1:] for output in outputs}
        weights = [("member_weights", shapes.get("member_weights", []), (len(self.card.members),))]
        pairs: tuple[tuple[str, Sequence[Any], tuple[int, ...]], ...] = (
            ("inputs", (len(inputs),), (1,)),
            ("faces", inputs[0].shape[1:], (prepare.channels, prepare.size_px, prepare.size_px)),
            ("logits", outputs[0].shape[1:], (len(self.card.classes),)),
            *(weights if self.card.members else []),
        )
        for name, found, told in pairs:
            sizes = zip(found, told, strict=False)
            if len(found) != len(told) or any(isinstance(size, int) and size != wanted for size, wanted in sizes):
                raise ModelError(f"{self.path}: {name} of shape {list(found)}, but its card says {list(told)}")
        if isinstance(inputs[0].shape[0], int):
            raise ModelError(
                f"{self.path}: takes {inputs[0].shape[0]} faces per run and no other number; "
                "`mien export` leaves the number free"
            )

    @property
    def is_on_cpu(self) -> bool:
        """True when ONNX Runtime's own code for CPUs runs it, whose threads are told by ``threads``."""
        return bool(self._session.get_providers()[0] == "CPUExecutionProvider")

    @cached_property
    def single_threaded(self) -> Network:
        """The same network for runs beside each other: one thread for each run, where the CPU computes.

        Runs that have a core each do more in the same time than runs that take turns with all cores, and the answers
        are the same, bit for bit. Opened at the first use; a device that divides its work by itself keeps its network.
        """
        if self._threads == 1 or not self.is_on_cpu:
            return self
        return Network(self.path, 1, self.device)

    @cached_property
    def _workers(self) -> int:
        """Runs beside each other: as many as there are threads, and one where a device divides its work by itself."""
        return (self._threads or os.cpu_count() or 1) if self.is_on_cpu else 1

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Threads beside the caller's."""
        return ThreadPoolExecutor(self._workers - 1, thread_name_prefix="mien-network")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def logits(self, faces: Sequence[Pixels], flip: bool = False, batch_size: int = 32) -> NDArray[np.float32]:
        """(N, C) float32, biases and temperature of the card not applied; arguments as in :meth:`answers`."""
        return self.answers(faces, flip, batch_size).logits

    def answers(self, faces: Sequence[Pixels], flip: bool = False, batch_size: int = 32) -> Answers:
        """Raw answers, with the weights of the members where the net is fused.

        Args:
            faces: (H, W, 3) uint8 RGB each, of any size.
            flip: average the logits and weights of each face and its mirror image.
            batch_size: faces per run, at most.
        """
        if not faces:
            widths = (len(self.card.classes), len(self.card.members))[: len(self._outputs)]
            return Answers(*(np.empty((0, width), np.float32) for width in widths))
        workers = self._workers if len(faces) >= EACH * self._workers else 1
        network, many = (self.single_threaded if workers > 1 else self), workers * batch_size
        found = []
        for start in range(0, len(faces), many):
            # prepared in this thread: steps as short as these only take Python's lock from each other
            batch = self.card.preprocess(faces[start : start + many])
            size = -(-len(batch) // workers)
            first, *others = (batch[begin : begin + size] for begin in range(0, len(batch), size))
            waiting = [self._pool.submit(network._answer, part, flip) for part in others]
            found += [network._answer(first, flip), *(answer.result() for answer in waiting)]
        return Answers(*(np.concatenate(output) for output in zip(*found, strict=True)))

    def _answer(self, batch: NDArray[np.float32], flip: bool) -> list[NDArray[np.float32]]:
        """One run, or two with the mirror images."""
        outputs = self._run(batch)
        if flip:
            mirrored = self._run(np.ascontiguousarray(batch[..., ::-1]))
            outputs = [(one + other) * np.float32(0.5) for one, other in zip(outputs, mirrored, strict=True)]
        return outputs

    def probabilities(
        self,
        faces: Sequence[Pixels],
        flip: bool = False,
        batch_size: int = 32,
        biases: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """(N, C) float32; biases are added to the logits, the sum is divided by the card's temperature.

        Args:
            faces: as in :meth:`answers`, and so are the next two.
            flip: average with the mirror image.
            batch_size: faces per run.
            biases: (C,) instead of those of the card.
        """
        logits = self.logits(faces, flip, batch_size)
        if biases is not None:
            logits += biases
        elif self.card.biases:
            logits += np.asarray(self.card.biases, np.float32)
        return softmax(logits / np.float32(self.card.temperature))

    def _run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        outputs: list[Any] = self._session.run(self._outputs, {self._input: batch})
        return [np.asarray(output, np.float32) for output in outputs]
