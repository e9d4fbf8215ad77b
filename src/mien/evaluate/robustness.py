"""How much worse do the answers get when pictures do? A model over a manifest, corrupted in many ways.

Every picture is read and cut out once; then all corruptions are applied to the face at the size that the network takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.data.faces import faces_of
from mien.errors import InputError, ManifestError
from mien.evaluate.conditions import Robustness, summarise
from mien.evaluate.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from mien.evaluate.view import view
from mien.images import Pixels
from mien.labels import Labels
from mien.manifest import Manifest
from mien.runtime.network import Network
from mien.scores import Scores


def robustness(
    model: str | os.PathLike[str] | Network,
    manifest: Manifest,
    *,
    split: str | None = None,
    corruptions: Sequence[str] | None = None,
    severities: Sequence[int] = SEVERITIES,
    sample: int | None = None,
    labels: Labels | None = None,
    detector: str = "whole",
    batch_size: int = 64,
    threads: int | None = None,
    draws: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Robustness:
    """Measure a model on corrupted faces.

    Args:
        model: name, path, or a network that is open already.
        manifest: the data.
        split: only this split; None for all rows.
        corruptions: entries of ``mien.evaluate.corruptions.CORRUPTIONS``; None for all.
        severities: from 1 to 5.
        sample: only so many rows, drawn with the seed; None for all.
        labels: the classes to answer with; None for those of the data as far as the model knows them.
        detector: for rows without a box; it sees the picture as it is.
        batch_size: faces per run of the network.
        threads: of the network, when ``model`` is a name or path, and of reading; None for one per core.
        draws: data sets drawn for the 95 % intervals; 0 for none.
        seed: of sample, corruptions and draws.
        progress: called with faces done and faces in all.

    Raises:
        InputError: settings that make no sense, or no row that can be used.
        UnknownName: no such corruption.

    Example:
        ``robustness("model.onnx", Manifest.load("faces.csv"), split="val", sample=1000).mean_accuracy``
    """
    cases = _cases(CORRUPTIONS.names() if corruptions is None else corruptions, severities)
    if draws == 1 or (sample is not None and sample < 1):
        raise InputError(f"{draws} draws, sample {sample}: expected 0 or at least 2 draws, and at least 1 face")
    network = model if isinstance(model, Network) else Network(model, threads)
    digest = manifest.digest()
    if split is not None:
        manifest = manifest.split(split)
    read = _Reader(network, manifest.labels, labels)
    data = manifest.with_labels(read.labels)
    rows = np.flatnonzero(data.targets() >= 0)
    if not len(rows):
        raise ManifestError(f"no row has a label among {', '.join(read.labels)}: there is nothing to measure against")
    if sample is not None and sample < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(rows, sample, replace=False))
    data = data.take(rows)
    data.check_files()
    targets, subjects = data.targets(), np.array(data.frame["subject"].tolist(), dtype=str)
    kept, found, example = _run(read, data, rows, cases, detector, batch_size, threads, seed, progress)
    notes = []
    if len(kept) < len(data):
        notes.append(f"{len(data) - len(kept):,} of {len(data):,} pictures could not be read or show no face.")
    return summarise(
        found,
        targets[kept],
        cases,
        read.labels,
        subjects[kept] if (subjects[kept] != "").any() else None,
        draws,
        seed,
        example,
        tuple(notes),
        {
            "model": f"{network.card.name} {network.digest[:12]}",
            "manifest": digest,
            "split": split,
            "sample": sample,
            "seed": seed,
            "size_px": network.card.preprocess.size_px,
        },
    )


def _run(
    read: _Reader,
    data: Manifest,
    numbers: NDArray[np.intp],
    cases: Sequence[tuple[str, int]],
    detector: str,
    batch_size: int,
    threads: int | None,
    seed: int,
    progress: Callable[[int, int], None],
) -> tuple[list[int], NDArray[np.float64], Pixels]:
    """Rows that can be used, (N, cases, 2) answers and confidences, and one face."""
    kept: list[int] = []
    found: list[NDArray[np.float64]] = []
    example: Pixels | None = None
    batch: dict[int, Pixels] = {}
    faces = faces_of(data, read.network.card.preprocess, detector, threads=threads, ahead=2 * batch_size)
    for row, face in enumerate(faces):
        if not isinstance(face, InputError):
            example = face if example is None else example
            batch[int(numbers[row])] = face  # by its number in the split: a smaller sample corrupts it in the same way
            kept.append(row)
        if batch and (len(batch) == batch_size or row + 1 == len(data)):
            answers = [read(list(batch.values()))]
            for name, level in cases[1:]:
                answers.append(read([corrupt(one, name, level, row=at, seed=seed) for at, one in batch.items()]))
            found.append(np.stack(answers, axis=1))
            batch = {}
            progress(row + 1, len(data))
    if example is None:
        raise ManifestError(
            f"none of the {len(data)} pictures can be used: see `mien data audit`, or name a --detector"
        )
    return kept, np.concatenate(found), example


class _Reader:
    """Answers of a network over the classes asked for."""

    def __init__(self, network: Network, classes: Labels, labels: Labels | None) -> None:
        card = network.card
        self.network = network
        self.about = {"biases": list(card.biases), "temperature": card.temperature, "classes": list(classes.names)}
        self.asked = labels
        self.labels = self._view(np.empty((0, len(card.classes)), np.float32)).labels

    def _view(self, logits: NDArray[np.float32]) -> Scores:
        count = len(logits)
        bare = Scores(logits, np.full(count, -1), self.network.card.labels, np.full(count, ""), about=self.about)
        return view(bare, self.asked).scores

    def __call__(self, faces: Sequence[Pixels]) -> NDArray[np.float64]:
        """(N, 2): index of the answer, and its probability."""
        seen = self._view(self.network.logits(faces, self.network.card.flip, len(faces)))
        return np.column_stack([seen.logits.argmax(axis=1), seen.probabilities().max(axis=1)])


def _cases(corruptions: Sequence[str], severities: Sequence[int]) -> list[tuple[str, int]]:
    """The faces as they are, then every corruption at every severity."""
    for name in corruptions:
        CORRUPTIONS.entry(name)
    wrong = [level for level in severities if level not in SEVERITIES]
    if wrong or not severities or not corruptions:
        raise InputError(f"severities {list(severities)}: expected some of 1 (hardly visible) to 5 (bad)")
    return [("", 0), *((name, level) for name in dict.fromkeys(corruptions) for level in sorted(set(severities)))]
