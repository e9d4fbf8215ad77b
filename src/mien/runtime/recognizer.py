"""From pictures to readings."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray

from mien import faces as face_finding
from mien.card import Card
from mien.errors import ImageError, InputError
from mien.images import Pixels, Source
from mien.labels import Labels
from mien.prediction import Prediction, Reading
from mien.runtime import prior as priors
from mien.runtime.biases import Biases
from mien.runtime.models import DEFAULT, Model, locate_all
from mien.runtime.network import Network
from mien.runtime.stream import Answer, stream


class Recognizer:
    """Reads the perceived expression of every face in a picture.

    Args:
        model: name or path of a model, or several: their probabilities are averaged.
        detector: an entry of ``mien.faces.DETECTORS``; ``"whole"`` when the picture already is a face.
        threads: CPU threads of a run of the network; None = one per core. Many pictures or faces have runs side by
            side, and each of those has one thread.
        batch_size: faces per run of the network, at most.
        flip: average each face with its mirror image; None = as the model's card says.
        labels: answer over these classes (an id such as ``"fer7"``, or ``Labels``); None = the first model's own.
        threshold: abstain below this confidence; None = as the first model's card says.
        biases: what the probability of a class is multiplied by, by its name, or a file of ``mien bias``, instead of
            the biases in the models' cards; None = as the cards say.
        prior: for which shares of the classes: ``training`` as the cards say; ``uniform`` for equally frequent ones;
            ``auto`` for those of the very faces that are read together, estimated from them (``mien.runtime.prior``).
            The last two stand instead of the biases in the cards.
        device: what computes: ``auto`` (CUDA where there is one, else the CPU), ``cuda``, ``openvino`` or ``cpu``.

    Attributes:
        shares: (C,) the shares of ``self.labels`` that the answers are for; with ``auto`` those estimated last, None
            before, and None where a card does not say them.

    Raises:
        ModelError: a model cannot be used.
        InputError: a value is out of its range, biases and another prior are both given, or a card does not say what
            another prior needs.
        LabelError: a model knows none of the classes asked for, or no model a class that has a bias.

    Example:
        >>> from importlib.resources import files
        >>> recognizer = Recognizer()
        >>> [reading.prediction.label for reading in recognizer.read(files("mien") / "assets" / "eileen_collins.jpg")]
        ['happy']
    """

    def __init__(
        self,
        model: Model | Sequence[Model] = DEFAULT,
        *,
        detector: str = face_finding.DEFAULT,
        threads: int | None = None,
        batch_size: int = 32,
        flip: bool | None = None,
        labels: str | Labels | None = None,
        threshold: float | None = None,
        biases: Biases | Mapping[str, float] | str | os.PathLike[str] | None = None,
        prior: str = "training",
        device: str = "auto",
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: expected at least 1")
        if threshold is not None and not 0 <= threshold <= 1:
            raise InputError(f"threshold is {threshold}: expected 0 (never abstain) to 1")
        self.networks = [Network(path, threads, device) for path in locate_all(model)]
        self.detector_name = detector
        self.detector = face_finding.detector(detector)
        self.threads, self.device = threads, device
        self.batch_size = batch_size
        self.flip = flip
        self.threshold = self.card.threshold if threshold is None else threshold
        self.labels = self._labels(labels)
        self.biases = None if biases is None else Biases.of(biases)
        if self.biases is not None:
            self.biases.check(network.card for network in self.networks)
        self._mappings = [
            None if network.card.classes == self.labels.names else network.card.labels.mapping_to(self.labels)
            for network in self.networks
        ]
        self.prior = prior
        priors.check(prior, [(network.card.name, network.card.prior) for network in self.networks])
        if self.biases is not None and prior != "training":
            raise InputError(f"biases and the prior {prior!r} both say which classes to believe more: give one of them")
        self._trained = self._trained_on()
        self.shares = {"training": self._trained, "uniform": np.full(len(self.labels), 1 / len(self.labels))}.get(prior)

    def _trained_on(self) -> NDArray[np.float64] | None:
        """(C,) mean shares of the classes in the trainings of the models, None where a card does not say them."""
        if not all(network.card.prior for network in self.networks):
            return None
        known = [priors.shares(network.card.prior) for network in self.networks]
        mapped = [
            share if mapping is None else mapping.probabilities(share.astype(np.float32))
            for share, mapping in zip(known, self._mappings, strict=True)
        ]
        mean: NDArray[np.float64] = np.mean(mapped, axis=0, dtype=np.float64)
        return mean

    def _labels(self, labels: str | Labels | None) -> Labels:
        if labels is None:
            return self.card.labels
        return Labels.named(labels) if isinstance(labels, str) else labels

    @property
    def card(self) -> Card:
        """The card of the (first) model."""
        return self.networks[0].card

    @property
    def is_on_cpu(self) -> bool:
        """True when no device computes but the CPU, with ONNX Runtime's own code."""
        return all(network.is_on_cpu for network in self.networks)

    def single_threaded(self) -> Self:
        """The same recognizer for runs beside each other, one thread each; see ``Network.single_threaded``."""
        other = copy.copy(self)
        other.networks, other.threads = [network.single_threaded for network in self.networks], 1
        return other

    def _flips(self, network: Network) -> bool:
        return network.card.flip if self.flip is None else self.flip

    def logits(self, faces: Sequence[Pixels]) -> NDArray[np.float32]:
        """(N, C) float32 raw logits over the model's own classes, of faces that are cut out already.

        Raises:
            InputError: there are several models, whose logits have no common scale.
        """
        if len(self.networks) > 1:
            raise InputError(f"{len(self.networks)} models have no common logits; ask for probabilities")
        return self.networks[0].logits(faces, self._flips(self.networks[0]), self.batch_size)

    def probabilities(self, faces: Sequence[Pixels]) -> NDArray[np.float32]:
        """(N, C) float32 over ``self.labels``, of faces that are cut out already."""
        return self._settled(self.combine([faces] * len(self.networks)))

    def combine(self, framings: Sequence[Sequence[Pixels]]) -> NDArray[np.float32]:
        """Average the models' probabilities; each gets the same faces in its own framing.

        With the prior ``auto`` they are those for equally frequent classes, until :meth:`settle` has seen all of them.
        """
        total = np.zeros((len(framings[0]), len(self.labels)), np.float32)
        for network, mapping, faces in zip(self.networks, self._mappings, framings, strict=True):
            added = self._added(network.card)
            found = network.probabilities(faces, self._flips(network), self.batch_size, added)
            total += found if mapping is None else mapping.probabilities(found)
        return total / np.float32(len(self.networks))

    def _added(self, card: Card) -> NDArray[np.float32] | None:
        """(C,) what is added to a model's logits instead of the biases in its card; None for those."""
        if self.biases is not None:
            return self.biases.logits(card)
        return None if self.prior == "training" else priors.biases(card.prior, card.temperature)

    def _settled(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C) the answers of :meth:`combine` to all faces for the prior that was chosen."""
        if self.prior != "auto" or self._trained is None:
            return rows
        even = rows.astype(np.float64)
        self.shares = priors.estimate_from_uniform(even, self._trained)
        return priors.reweighed(even, self.shares).astype(np.float32)

    def settle(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Give answers their last form: with the prior ``auto`` none comes before all faces were seen, else at once.

        What waits is small: boxes and probabilities, and no picture.
        """
        if self.prior != "auto":
            yield from answers
            return
        waiting = list(answers)
        readings = [reading for answer in waiting for reading in answer.readings]
        even = np.array([reading.prediction.probabilities for reading in readings], np.float32)
        rows = iter(self._settled(even.reshape(-1, len(self.labels))))
        for answer in waiting:
            yield replace(
                answer,
                readings=tuple(
                    replace(reading, prediction=replace(reading.prediction, probabilities=next(rows)))
                    for reading in answer.readings
                ),
            )

    def classify(self, faces: Sequence[Pixels]) -> list[Prediction]:
        """Answers for faces that are cut out already, (H, W, 3) uint8 RGB each."""
        return [Prediction(self.labels, row, self.threshold) for row in self.probabilities(faces)]

    @overload
    def read(self, source: Source) -> list[Reading]: ...
    @overload
    def read(self, source: list[Source]) -> list[list[Reading]]: ...
    def read(self, source: Source | list[Source]) -> list[Reading] | list[list[Reading]]:
        """Find and read all faces of one picture, or of a list of them.

        Args:
            source: path, encoded bytes, PIL image, RGB array, or a list of such.

        Returns:
            Readings, the largest face first; for a list, one list per picture.

        Raises:
            ImageError: a picture cannot be read. (``stream`` reports it and goes on.)
        """
        answers = list(self.stream(source if isinstance(source, list) else [source]))
        for answer in answers:
            if answer.error is not None:
                raise ImageError(answer.error)
        readings = [list(answer.readings) for answer in answers]
        return readings if isinstance(source, list) else readings[0]

    def stream(self, sources: Iterable[Source]) -> Iterator[Answer]:
        """Read any number of pictures, in order, with bounded memory; a bad one becomes an answer with its reason."""
        return self.settle(stream(self, sources))
