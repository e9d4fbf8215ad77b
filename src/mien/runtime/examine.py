"""Is a file what it says? It is opened, looked at and run once, on nothing but grey.

A file that a user brings may come from anywhere. Before mien keeps it, or says that it is sound, the network has to
load in ONNX Runtime, carry a card that this version can read, and answer in the shapes that the card tells.

The four kinds: recognizers, enhancers and generators have cards; a detector is a YuNet file, known by its outputs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.card import Card
from mien.errors import ModelError
from mien.faces.yunet import YuNet
from mien.runtime.network import Network
from mien.runtime.session import Opened

#: A run over so many faces (or pictures, for a detector), on made-up input.
Run: TypeAlias = Callable[[int], None]
#: Brightness of the made-up input, of 0 to 255.
GREY = 128
#: Height and width of the picture that a detector is tried and timed on.
PICTURE_PX = (480, 640)


@dataclass(frozen=True)
class Examined:
    """A model file that has been opened.

    Attributes:
        path: the file.
        kind: recognizer, enhancer, generator or detector.
        card: what it says of itself; None for a detector.
        run: runs it, with all that belongs to an answer but reading pictures.
    """

    path: Path
    kind: str
    card: Card | None
    run: Run


def examine(path: str | os.PathLike[str], threads: int = 1) -> Examined:
    """Open a model file, and see that it does what it says.

    Args:
        path: the file.
        threads: CPU threads of a run.

    Raises:
        ModelError: not a file that ONNX Runtime opens, neither a mien model nor a YuNet, or of other shapes than its
            card says.

    Example:
        >>> from mien.runtime.models import locate
        >>> examine(locate("default")).kind
        'recognizer'
    """
    found = look(path, threads)
    try:
        found.run(2)  # two, so that a file for one face at a time is found out
    except ModelError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise ModelError(f"{found.path}: cannot be run ({reason})") from None
    return found


def look(path: str | os.PathLike[str], threads: int = 1) -> Examined:
    """Open a model file without running it; arguments and errors as in :func:`examine`."""
    path = Path(path)
    try:
        opened = Opened(path, threads, device="cpu")
    except ModelError as error:
        try:
            finder = YuNet(path, threads=threads)
        except ModelError:
            raise error from None  # that it is no detector either is no news
        return Examined(path, "detector", None, _detector(finder))
    made = {"recognizer": _recognizer, "enhancer": _enhancer, "generator": _generator}[opened.card.kind]
    return Examined(path, opened.card.kind, opened.card, made(opened, threads))


def _recognizer(opened: Opened, threads: int) -> Run:
    if not opened.card.classes:
        raise ModelError(f"{opened.path}: its card is of a recognizer, but names no classes")
    network = Network(opened.path, threads)  # compares the shapes that the file declares with its card
    side = network.card.preprocess.size_px
    face = np.full((side, side, 3), GREY, np.uint8)

    def run(count: int) -> None:
        logits = network.logits([face] * count, flip=network.card.flip, batch_size=count)
        _compare(network.path, "logits", logits, (count, len(network.card.classes)))

    return run


def _enhancer(opened: Opened, threads: int) -> Run:
    prepare, scale = opened.card.preprocess, opened.card.scale
    _names(opened, {"faces"}, "enlarged")
    height, width = prepare.size_px, prepare.size_px + 3  # any height and any width are promised

    def run(count: int) -> None:
        faces = prepare.normalise(np.full((count, height, width, prepare.channels), GREY, np.uint8))
        (enlarged,) = opened.session.run(["enlarged"], {"faces": faces})
        _compare(opened.path, "enlarged", enlarged, (count, prepare.channels, height * scale, width * scale))

    return run


def _generator(opened: Opened, threads: int) -> Run:
    card, random = opened.card, np.random.default_rng(0)
    expected = {"latents", "truncation", "noise"} | ({"classes"} if card.classes else set())
    _names(opened, expected, "faces")
    widths: dict[str, int] = {"truncation": 1, "classes": len(card.classes)}
    for item in opened.session.get_inputs():
        told = item.shape[1] if len(item.shape) == 2 else None
        if not isinstance(told, int) or told != widths.setdefault(item.name, told):
            wanted = widths.get(item.name) or "a number"
            raise ModelError(f"{opened.path}: {item.name} of shape {item.shape}, expected (N, {wanted})")
    side = card.preprocess.size_px

    def run(count: int) -> None:
        given = {name: random.standard_normal((count, widths[name]), np.float32) for name in ("latents", "noise")}
        given["truncation"] = np.ones((count, 1), np.float32)
        if card.classes:
            given["classes"] = np.eye(len(card.classes), dtype=np.float32)[np.arange(count) % len(card.classes)]
        (faces,) = opened.session.run(["faces"], given)
        _compare(opened.path, "faces", faces, (count, card.preprocess.channels, side, side))

    return run


def _detector(finder: YuNet) -> Run:
    picture = np.full((*PICTURE_PX, 3), GREY, np.uint8)

    def run(count: int) -> None:
        for _ in range(count):
            finder.detect(picture)

    return run


def _names(opened: Opened, inputs: set[str], output: str) -> None:
    found = {item.name for item in opened.session.get_inputs()}
    outputs = [item.name for item in opened.session.get_outputs()]
    if found != inputs or output not in outputs:
        raise ModelError(
            f"{opened.path}: a model of kind {opened.card.kind} takes {', '.join(sorted(inputs))} and gives {output}; "
            f"this one takes {', '.join(sorted(found))} and gives {', '.join(outputs)}"
        )


def _compare(path: Path, name: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ModelError(f"{path}: {name} of shape {values.shape}, but its card says {shape}")
    if not np.isfinite(values).all():
        raise ModelError(f"{path}: {name} that are no numbers (NaN or infinite) for a grey picture")
