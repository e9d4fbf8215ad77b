"""From a model file to a smaller one beside it: made, compared on faces, and kept only when it answers as well."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime

from mien import __version__
from mien.atomic import writing
from mien.card import KEY, Card
from mien.data.faces import faces_of
from mien.errors import InputError, ModelError, ParityError
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.run import Progress, score_model
from mien.evaluate.stamp import facts
from mien.images import Pixels
from mien.manifest import Manifest
from mien.runtime.models import Model
from mien.runtime.network import Network
from mien.scores import Scores
from mien.train.precision.half import halve
from mien.train.precision.int8 import quantise
from mien.train.precision.parity import Parity, compare

Precision = Literal["int8", "fp16"]
#: Points of accuracy that a smaller file may lose.
MAX_LOSS = 0.5
#: Faces that set the ranges of int8 numbers.
CALIBRATE = 512
BATCH = 32
#: Noise pictures that an fp16 file is compared on when there are no data.
NOISE = 64
#: What stays of the numbers in a card: those that explain its fields. All others were measured on the original.
KEPT = ("selection", "calibration", "bias")


@dataclass(frozen=True)
class Faces:
    """Which faces calibrate and which compare.

    Attributes:
        data: the manifest.
        split: calibration faces come from here.
        count: how many of them, drawn at random.
        check: the two files are compared on this split, without the faces that calibrated.
        detector: for rows without a box.
        seed: of the draw.

    Raises:
        InputError: test pictures, or no number of faces.
    """

    data: Manifest
    split: str = "train"
    count: int = CALIBRATE
    check: str = "val"
    detector: str = "whole"
    seed: int = 0

    def __post_init__(self) -> None:
        for option, name in (("split", self.split), ("check", self.check)):
            if name == "test":
                raise InputError(
                    f"{option} is {name!r}: test pictures measure the file that was chosen and choose none"
                )
        if self.count < 1:
            raise InputError(f"calibrate is {self.count}: expected at least 1 face")

    def drawn(self) -> tuple[Manifest, Manifest]:
        """The rows that calibrate, and the data to compare on.

        Raises:
            ManifestError: no rows of one of the splits.
            InputError: none are left to compare.
        """
        for name in (self.split, self.check):
            self.data.split(name)  # says so when there is none
        splits = self.data.frame["split"].to_numpy()
        rows = np.flatnonzero(splits == self.split)
        chosen = np.sort(np.random.default_rng(self.seed).permutation(rows)[: self.count])
        if self.split != self.check:
            return self.data.take(chosen), self.data
        if len(chosen) == len(rows):
            raise InputError(
                f"all {len(rows)} rows of split {self.split!r} calibrate, so none is left to compare on: calibrate "
                "with fewer, or compare on another split (--check)"
            )
        return self.data.take(chosen), self.data.take(np.setdiff1d(np.arange(len(splits)), chosen))


def convert(
    model: Model,
    out: str | os.PathLike[str],
    precision: Precision,
    faces: Faces | None = None,
    *,
    first: int | None = None,
    max_loss: float = MAX_LOSS,
    threads: int | None = None,
    progress: Progress = lambda step, done, total: None,
) -> Parity:
    """Write a recognizer's file in smaller numbers.

    Args:
        model: name or path of a float32 recognizer; stays as it is.
        out: the file appears whole, and only when it loses no more than is allowed.
        precision: ``int8`` (quicker and a quarter of the size) or ``fp16`` (half the size; for graphics cards).
        faces: to calibrate and to compare on; int8 cannot do without.
        first: of int8: convolutions at the beginning that stay float32; None as in ``int8.quantise``.
        max_loss: points of accuracy (of 100) that it may lose, where the faces have labels.
        threads: of reading and of the network.
        progress: called with the step's name, faces done and faces in all.

    Returns:
        How far it lies from the original; the same stands in its card, under ``metrics["precision"]``.

    Raises:
        ModelError: not a float32 recognizer.
        InputError: int8 without faces, or faces that cannot be used.
        ParityError: it loses more than ``max_loss``.

    Example:
        ``convert("model.onnx", "small.onnx", "int8", Faces(Manifest.load("faces.csv")))``
    """
    original = Network(model, threads)
    card = original.card
    if card.precision != "float32":
        raise ModelError(f"{original.path}: is {card.precision} already; make smaller files of the float32 one")
    if Path(out).exists() and os.path.samefile(out, original.path):
        raise InputError(f"{os.fspath(out)}: is the original, which stays as it is; choose another name")
    about: dict[str, Any] = {"original_sha256": original.digest}
    whole = onnx.load_model_from_string(original.path.read_bytes())
    if first is not None and precision != "int8":
        raise InputError(f"first is {first}: steps that stay float32 are of int8 only, not of {precision}")
    if first is not None and first < 1:
        raise InputError(f"first is {first}: expected at least 1, the convolution that reads the picture")
    if precision == "fp16":
        comparing = None if faces is None else faces.data
        smaller = halve(whole)
    elif faces is None:
        raise InputError(
            "int8 needs faces that set the ranges of its numbers: --data faces.csv, a manifest with splits"
        )
    else:
        calibrating, comparing = faces.drawn()
        pictures = _usable(calibrating, card, faces.detector, threads, progress)
        batches = (card.preprocess(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH))
        smaller = quantise(whole, batches, first)
        about["calibration"] = {"split": faces.split, "pictures": len(pictures), "seed": faces.seed, "ranges": "minmax"}
        if first is not None:
            about["float_first"] = first
    told = card.model_copy(
        update={
            "name": f"{card.name}-{precision}",
            "precision": precision,
            "metrics": {name: found for name, found in card.metrics.items() if name in KEPT},
            "versions": {**card.versions, **_versions()},
        }
    )
    with writing(out) as temporary:
        _save(smaller, told, temporary)
        networks = {"original": original, precision: Network(temporary, threads)}
        if comparing is None or faces is None:
            found = _on_noise(*networks.values())
        else:
            before, after = (
                _scores(network, name, comparing, faces, threads, progress) for name, network in networks.items()
            )
            found = compare(before, after)
            if found.labelled:
                told.metrics[faces.check] = facts(Evaluation.of(after))
        if found.loss_points is not None and found.loss_points > max_loss:
            few = found.loss_low is not None and found.loss_low <= 0
            advice = "; --float-first 4 may lose less, and is slower" if precision == "int8" and first is None else ""
            advice += "; with so few pictures that may be chance, so compare on more" if few else ""
            raise ParityError(f"{os.fspath(out)}: not written. {found}; --max-loss allows {max_loss:g}{advice}")
        told.metrics["precision"] = {**about, **found.to_dict()}
        _save(smaller, told, temporary)
    return found


def _scores(
    network: Network, name: str, data: Manifest, faces: Faces, threads: int | None, progress: Progress
) -> Scores:
    def step(what: str, done: int, total: int) -> None:
        progress(f"{what} ({name})", done, total)

    return score_model(network, data, split=faces.check, detector=faces.detector, threads=threads, progress=step)


def _usable(data: Manifest, card: Card, detector: str, threads: int | None, progress: Progress) -> list[Pixels]:
    """Faces of the rows that have one."""
    found: list[Pixels] = []
    for done, face in enumerate(faces_of(data, card.preprocess, detector, threads=threads), start=1):
        if not isinstance(face, InputError):
            found.append(face)
        progress("reading", done, len(data))
    if not found:
        raise InputError(f"none of the {len(data)} pictures that were to calibrate can be used")
    return found


def _on_noise(original: Network, smaller: Network) -> Parity:
    side = original.card.preprocess.size_px
    noise = list(np.random.default_rng(0).integers(0, 256, (NOISE, side, side, 3), np.uint8))
    distance = original.logits(noise).astype(np.float64) - smaller.logits(noise)
    return Parity(NOISE, float(np.abs(distance).max()), float(np.sqrt((distance**2).mean())))


def _versions() -> dict[str, str]:
    """Of what made the file; ONNX Runtime comes in several packages, so the module is asked."""
    return {"mien": __version__, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}


def _save(model: onnx.ModelProto, card: Card, path: Path) -> None:
    del model.metadata_props[:]
    model.metadata_props.add(key=KEY, value=card.to_json())
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
