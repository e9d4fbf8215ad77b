"""One generator: a model file that turns random numbers into pictures of faces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, LabelError, ModelError
from mien.images import Pixels
from mien.labels import key_of
from mien.runtime.models import Model
from mien.runtime.session import Opened
from mien.table import did_you_mean

#: The generator that ships.
DEFAULT = "faces48"
#: Pictures of one run of the network. How many go through it together may decide in which order it adds up, and so the
#: last bits of its answers (graphics cards choose their method by it): with a fixed number, and each picture always at
#: the same place in its run, nothing else decides how a picture looks.
RUN = 8
#: Seeds are below this: numpy takes apart larger ones, and two of them could then be the same.
SEEDS = 2**32
#: Above 1 a face is pushed further from the average than any that the network has learned to draw.
MAX_TRUNCATION = 2.0


class Generator:
    """Draws faces.

    Args:
        model: path, or name in ``mien.runtime.models.available``.
        threads: CPU threads of one run; None = one per core.
        device: ``auto``, ``cuda`` or ``cpu``.

    Attributes:
        card: what the model says of itself.
        path: the file.
        digest: SHA-256 of the file.
        identity: name and beginning of the digest, for manifests and pictures.
        latent_size: numbers that a face is made from (Z).
        noise_size: numbers that its fine details are made from (K).

    Raises:
        ModelError: there is no such model, it is no generator, or its inputs are not those of one.
        InputError: there is no such device.

    Example:
        ``for face in Generator("faces.onnx").draw("happy", range(100), seed=1, truncation=0.7): ...``
    """

    def __init__(self, model: Model, threads: int | None = None, device: str = "auto") -> None:
        opened = Opened(model, threads, device)
        self.path, self.card, self.digest = opened.path, opened.card, opened.digest
        if self.card.kind != "generator":
            raise ModelError(f"{self.path}: is a model of kind {self.card.kind}; a generator is needed here")
        self.identity = f"{self.card.name} {self.digest[:12]}"
        self._session = opened.session
        self._check_shapes()
        sizes = {item.name: item.shape[1] for item in self._session.get_inputs()}
        self.latent_size, self.noise_size = int(sizes["latents"]), int(sizes["noise"])
        self._index = {key_of(name): index for index, name in enumerate(self.card.classes)}

    def _check_shapes(self) -> None:
        """See that the network is the one that the card speaks of; None stands for any number."""
        prepare, classes = self.card.preprocess, len(self.card.classes)
        wanted: dict[str, tuple[int | None, ...]] = {"latents": (None,), "truncation": (1,), "noise": (None,)}
        if classes:
            wanted["classes"] = (classes,)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if {item.name for item in inputs} != set(wanted) or "faces" not in {item.name for item in outputs}:
            names = f"{', '.join(item.name for item in inputs)} -> {', '.join(item.name for item in outputs)}"
            raise ModelError(f"{self.path}: a network {names}; a generator is {', '.join(wanted)} -> faces")
        wanted["faces"] = (prepare.channels, prepare.size_px, prepare.size_px)
        for item in [*inputs, *(item for item in outputs if item.name == "faces")]:
            free, *sizes = item.shape
            told = wanted[item.name]
            is_known = item.name == "faces" or all(isinstance(size, int) for size in sizes)
            fits = all(
                size == other for size, other in zip(sizes, told, strict=False) if isinstance(size, int) and other
            )
            if isinstance(free, int) or len(sizes) != len(told) or not is_known or not fits:
                expected = ["faces", *("any" if size is None else size for size in told)]
                raise ModelError(f"{self.path}: {item.name} of shape {item.shape}; expected {expected}")

    @property
    def is_conditional(self) -> bool:
        """True when it draws the class that is asked for."""
        return bool(self.card.classes)

    def index(self, label: str) -> int:
        """Number of a class by any of its spellings; 0 for ``""`` of a generator that knows no classes.

        Raises:
            LabelError: no such class.
        """
        if not self.is_conditional and not label:
            return 0
        if not self.is_conditional:
            raise LabelError(
                f"{self.path}: knows no classes, so {label!r} cannot be drawn; only so many faces of any kind"
            )
        if key_of(label) not in self._index:
            hint = did_you_mean(key_of(label), list(self.card.classes))
            raise LabelError(f"{self.path}: draws no class {label!r}: {hint}")
        return self._index[key_of(label)]

    def draw(self, label: str, numbers: Iterable[int], *, seed: int = 0, truncation: float = 1.0) -> Iterator[Pixels]:
        """Draw faces of one class, one after the other.

        A face depends on class, number, seed and truncation, and on nothing else: not on which others are drawn, nor
        how many. Another kind of processor may round a pixel differently. Consecutive numbers are quickest.

        Args:
            label: a class of the card; ``""`` of a generator that knows no classes.
            numbers: which faces, from 0.
            seed: another seed, other faces; 0 to 2**32 - 1.
            truncation: 1 draws as varied as it has learned to; towards 0 faces are closer to the average of their
                class, cleaner and more alike.

        Returns:
            Faces in the order of ``numbers``, (S, S, 3) RGB or (S, S) grey, uint8, drawn as they are asked for.

        Raises:
            LabelError: no such class.
            InputError: a seed or truncation out of its range.

        Source: truncation as in Karras et al., "A Style-Based Generator Architecture for GANs", 2019, appendix B.
        """
        check_seed(seed)
        check_truncation(truncation)
        return self._faces(self.index(label), numbers, seed, truncation)

    def _faces(self, index: int, numbers: Iterable[int], seed: int, truncation: float) -> Iterator[Pixels]:
        for first, wanted in groupby(numbers, lambda number: number // RUN * RUN):
            drawn = self._run(index, first, seed, truncation)
            for number in wanted:
                yield drawn[number - first]

    def _run(self, index: int, first: int, seed: int, truncation: float) -> Pixels:
        latents = np.empty((RUN, self.latent_size), np.float32)
        noise = np.empty((RUN, self.noise_size), np.float32)
        for row in range(RUN):
            random = np.random.default_rng((seed, index, first + row))
            random.standard_normal(dtype=np.float32, out=latents[row])
            random.standard_normal(dtype=np.float32, out=noise[row])
        classes = None
        if self.is_conditional:
            classes = np.zeros((RUN, len(self.card.classes)), np.float32)
            classes[:, index] = 1
        return self.render(latents, classes, np.full((RUN, 1), truncation, np.float32), noise)

    def render(
        self,
        latents: NDArray[np.float32],
        classes: NDArray[np.float32] | None,
        truncation: NDArray[np.float32],
        noise: NDArray[np.float32],
    ) -> Pixels:
        """Run the network once, on numbers of the caller's own.

        Args:
            latents: (N, Z) float32, standard normal.
            classes: (N, C) float32, rows summing to one: shares mix classes; None for a generator without classes.
            truncation: (N, 1) float32.
            noise: (N, K) float32, standard normal.

        Returns:
            (N, S, S, 3) RGB or (N, S, S) grey, uint8.
        """
        feeds: dict[str, Any] = {"latents": latents, "truncation": truncation, "noise": noise}
        if classes is not None:
            feeds["classes"] = classes
        (faces,) = self._session.run(["faces"], feeds)
        prepare = self.card.preprocess
        std, mean = (np.asarray(values, np.float32)[:, None, None] for values in (prepare.std, prepare.mean))
        pixels = np.clip(np.rint((faces * std + mean) * np.float32(255)), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)) if prepare.channels == 3 else pixels[:, 0]


def check_seed(seed: int) -> None:
    """See that a seed is one.

    Raises:
        InputError: it is not.
    """
    if not 0 <= seed < SEEDS:
        raise InputError(f"seed {seed}: expected 0 to {SEEDS - 1}")


def check_truncation(truncation: float) -> None:
    """See that a truncation is one.

    Raises:
        InputError: it is not.
    """
    if not 0 <= truncation <= MAX_TRUNCATION:
        raise InputError(
            f"truncation {truncation:g}: expected 0 (the average face) to 1 (none), at most {MAX_TRUNCATION:g}"
        )
