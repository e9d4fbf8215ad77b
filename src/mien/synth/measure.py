"""Two manifests, real faces and drawn ones: how far they are apart, over all faces and class by class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.faces import faces_of
from mien.errors import InputError, ManifestError
from mien.images import Pixels
from mien.labels import key_of
from mien.manifest import Manifest
from mien.runtime.features import Features
from mien.synth.distance import Kernel, frechet, kernel, precision_recall

Progress = Callable[[str, int, int], None]
#: The name of the line over all faces.
ALL = "all"
#: Faces of each set that precision and recall are taken over; their time grows with the square of it.
COVERED = 3000
#: Faces that a line needs at least: fewer say nothing.
LEAST = 8
#: Shares of the classes that differ more (half the sum of the differences) are told of.
MIX = 0.1


@dataclass(frozen=True)
class Numbers:
    """One set of faces against another.

    Attributes:
        real: faces of the first.
        other: faces of the second.
        frechet: FID.
        kernel: KID.
        precision: share of the second within the first.
        recall: share of the first within the second.
    """

    real: int
    other: int
    frechet: float
    kernel: Kernel
    precision: float
    recall: float


@dataclass(frozen=True)
class Line:
    """Faces of one class, or all.

    Attributes:
        name: of the class, or ``all``.
        drawn: synthetic faces against real ones.
        reference: real faces against other real ones, as many as there are synthetic ones where that can be.
    """

    name: str
    drawn: Numbers
    reference: Numbers


@dataclass(frozen=True)
class Measured:
    """The result.

    Attributes:
        lines: the first over all faces, then one per class if asked for.
        features: name of the network.
        size: how many features it gives.
        problems: pictures that could not be read, with the reason.
        notes: what must be said beside the numbers.
    """

    lines: tuple[Line, ...]
    features: str
    size: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def measure(
    real: Manifest,
    synthetic: Manifest,
    *,
    features: Features | None = None,
    per_class: bool = False,
    sample: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = lambda step, done, total: None,
) -> Measured:
    """Measure how far drawn faces are from real ones.

    Args:
        real: photographs; a row's face is its ``box``, or the whole picture.
        synthetic: the same, drawn.
        features: what the faces are seen with; None for those of the default recognizer.
        per_class: a line for each class that both sets have.
        sample: take only so many faces of each set, drawn with the seed.
        seed: of all drawing.
        threads: pictures read at the same time; None for one per core.
        progress: called with the step, faces done and faces in all.

    Raises:
        ManifestError: hardly a picture can be read.
        MissingExtra: the package onnx is not installed.
    """
    look = features or Features(threads=threads)
    problems: list[str] = []
    generator = np.random.default_rng(seed)
    sets: list[tuple[NDArray[np.float32], NDArray[np.str_]]] = []
    for name, manifest in (("real faces", real), ("synthetic faces", synthetic)):
        if sample is not None and sample < len(manifest):
            manifest = manifest.take(np.sort(generator.choice(len(manifest), sample, replace=False)))
        sets.append(features_of(manifest, look, name, problems, threads=threads, progress=progress))
    (real_features, real_classes), (drawn_features, drawn_classes) = sets
    lines = [line_of(ALL, real_features, drawn_features, seed)]
    notes = _mix(real_classes, drawn_classes)
    if per_class:
        for label in real.labels.names:
            mine, theirs = (classes == key_of(label) for classes in (real_classes, drawn_classes))
            if not theirs.any():
                continue
            if theirs.sum() < LEAST or mine.sum() < 2 * LEAST:
                notes.append(
                    f"{label}: left out, {int(mine.sum())} real and {int(theirs.sum())} synthetic faces are too few"
                )
                continue
            lines.append(line_of(label, real_features[mine], drawn_features[theirs], seed))
    few = [line.name for line in lines if min(line.drawn.real, line.drawn.other) <= look.size]
    if few:
        notes.append(
            f"no more faces than features ({look.size:,}): FID is too large for {', '.join(few)}; go by KID, or "
            "compare only with sets of the same size"
        )
    short = [line.name for line in lines if line.reference.other < line.drawn.other]
    if short:
        notes.append(f"too few real faces for a reference of the same size: {', '.join(short)}")
    if problems:
        notes.append(f"{len(problems)} pictures could not be read; the first: {problems[0]}")
    return Measured(tuple(lines), look.name, look.size, tuple(problems), tuple(notes))


def features_of(
    manifest: Manifest,
    features: Features,
    name: str,
    problems: list[str],
    *,
    threads: int | None = None,
    progress: Progress = lambda step, done, total: None,
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Features of every face of a manifest that can be read.

    Args:
        manifest: the data.
        features: the network.
        name: of the set, for the messages.
        problems: gets the reason of each picture that cannot be read.
        threads: pictures read at the same time.
        progress: called with the name, faces done and faces in all.

    Returns:
        (N, D) features and (N,) classes, as :func:`mien.labels.key_of` spells them.

    Raises:
        ManifestError: fewer than 16 real or 8 synthetic faces can be read.
    """
    found = [np.empty((0, features.size), np.float32)]
    kept: list[int] = []
    batch: list[Pixels] = []
    many = 2 * features.batch_size
    for row, face in enumerate(faces_of(manifest, features.preprocess, threads=threads, ahead=many)):
        if isinstance(face, InputError):
            problems.append(str(face))
        else:
            kept.append(row)
            batch.append(face)
        if len(batch) == features.batch_size or (batch and row + 1 == len(manifest)):
            found.append(features(batch))
            batch = []
            progress(name, row + 1, len(manifest))
    if len(kept) < 2 * LEAST:
        hint = f"; the first that cannot be read: {problems[0]}" if problems else ""
        raise ManifestError(f"{len(kept)} {name}: at least {2 * LEAST} are needed to say anything{hint}")
    classes = [key_of(label) for label in manifest.frame["label"].iloc[kept]]
    return np.concatenate(found), np.array(classes, dtype=str)


def line_of(name: str, real: NDArray[np.float32], drawn: NDArray[np.float32], seed: int = 0) -> Line:
    """Compare features that are there already.

    Args:
        name: of the line.
        real: (N, D).
        drawn: (M, D).
        seed: of what is drawn.
    """
    order = np.random.default_rng(seed).permutation(len(real))
    aside = min(len(drawn), len(real) // 2)
    reference = _numbers(real[order[aside:]], real[order[:aside]], seed)
    return Line(name, _numbers(real, drawn, seed), reference)


def _numbers(real: NDArray[np.float32], other: NDArray[np.float32], seed: int) -> Numbers:
    generator = np.random.default_rng(seed)
    few = [part[generator.permutation(len(part))[:COVERED]] for part in (real, other)]
    precision, recall = precision_recall(few[0], few[1])
    return Numbers(len(real), len(other), frechet(real, other), kernel(real, other, seed=seed), precision, recall)


def _mix(real: NDArray[np.str_], drawn: NDArray[np.str_]) -> list[str]:
    """A note when the two sets have their classes in other shares."""
    names = sorted({*real.tolist(), *drawn.tolist()} - {""})
    shares = [np.array([(part == name).mean() for name in names]) for part in (real, drawn)]
    apart = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if not names or apart <= MIX:
        return []
    return [
        f"the classes have other shares in the two sets ({apart:.0%} apart), which counts in the line over all faces: "
        "look at the classes one by one"
    ]
