"""Examples for a report: answers that are right, and the wrong ones that the model is surest of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.card import Card
from mien.data.faces import faces_of, ids_of
from mien.errors import InputError
from mien.evaluate.evaluation import Evaluation
from mien.images import Pixels
from mien.manifest import Manifest

#: Faces (H, W, 3) RGB uint8 and the index of the class to explain, to maps (N, S, S) from 0 to 1.
Explain: TypeAlias = Callable[[Sequence[Pixels], NDArray[np.int64]], NDArray[np.float32]]
#: Side of the pictures in a report.
SIDE_PX = 112


@dataclass(frozen=True, eq=False)
class Example:
    """One face with its answer.

    Attributes:
        face: (S, S, 3) uint8 RGB, as the network sees it.
        overlay: the same with the places that the answer comes from, or None.
        label: what the data say.
        answer: what the model says.
        confidence: of the answer.
    """

    face: Pixels
    overlay: Pixels | None
    label: str
    answer: str
    confidence: float

    @property
    def is_right(self) -> bool:
        """Whether the answer is the label."""
        return self.label == self.answer


def examples(
    evaluation: Evaluation, manifest: Manifest, card: Card, explain: Explain | None = None, *, count: int = 12
) -> tuple[Example, ...]:
    """Choose and draw examples.

    Args:
        evaluation: of a model on the manifest.
        manifest: where the pictures are.
        card: the model's.
        explain: where answers come from, or None.
        count: right ones at most, taken in turn from the classes, and as many wrong ones.

    Returns:
        The right ones, then the wrong ones, each the surest first.

    Raises:
        InputError: the manifest lacks a picture of the scores.
    """
    scores = evaluation.viewed
    probabilities = scores.probabilities()
    answers = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    falling = np.argsort(-sure, kind="stable")
    right = falling[(answers == scores.targets)[falling]]
    turn = np.zeros(len(right), np.int64)
    for index in range(len(scores.labels)):
        own = answers[right] == index
        turn[own] = np.arange(own.sum())
    chosen = right[np.lexsort((np.arange(len(right)), turn))][:count]
    wrong = falling[((scores.targets >= 0) & (answers != scores.targets))[falling]][:count]
    rows = np.concatenate([chosen[np.argsort(-sure[chosen], kind="stable")], wrong])
    row_of = {name: row for row, name in enumerate(ids_of(manifest).tolist())}
    missing = [name for name in scores.ids[rows].tolist() if name not in row_of]
    if missing:
        raise InputError(f"the manifest has no picture {missing[0]}, which the scores have")
    part = manifest.take(np.array([row_of[name] for name in scores.ids[rows].tolist()], np.intp))
    faces = faces_of(part, card.preprocess, evaluation.scores.about.get("detector", "whole"))
    shown = [(row, face) for row, face in zip(rows.tolist(), faces, strict=True) if not isinstance(face, InputError)]
    names = scores.labels.names
    maps = None
    if explain is not None and shown:
        explained = np.array([card.labels.index(names[answers[row]]) for row, _ in shown], np.int64)
        maps = explain([face for _, face in shown], explained)
    return tuple(
        Example(
            face=_enlarge(face),
            overlay=None if maps is None else overlay(face, maps[place]),
            label=names[scores.targets[row]],
            answer=names[answers[row]],
            confidence=float(sure[row]),
        )
        for place, (row, face) in enumerate(shown)
    )


def overlay(face: Pixels, saliency: NDArray[np.float32]) -> Pixels:
    """A face with a map over it, warm where the map is high.

    Args:
        face: (S, S, 3) uint8 RGB.
        saliency: (S, S) from 0 to 1.
    """
    large = _enlarge(face).astype(np.float32)
    heat = cv2.resize(saliency, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    warm = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    share = 0.6 * heat[..., None]
    return (large * (1 - share) + warm * share).round().astype(np.uint8)


def _enlarge(face: Pixels) -> Pixels:
    way = cv2.INTER_CUBIC if len(face) < SIDE_PX else cv2.INTER_AREA
    return np.asarray(cv2.resize(face, (SIDE_PX, SIDE_PX), interpolation=way), np.uint8)
