"""The surest wrong answers of a model, as a picture: what it gets wrong, and which labels may be wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from mien.data.faces import faces_of, ids_of
from mien.errors import InputError
from mien.evaluate.evaluation import Evaluation
from mien.manifest import Manifest
from mien.prediction import Prediction
from mien.preprocess import Preprocess
from mien.report.predictions import plot_predictions


def plot_mistakes(
    evaluation: Evaluation,
    manifest: Manifest,
    preprocess: Preprocess,
    path: str | os.PathLike[str],
    *,
    count: int = 24,
    title: str = "",
) -> Path | None:
    """Draw the wrong answers that the model is surest of, as the network saw the faces.

    Args:
        evaluation: of a model on the manifest.
        manifest: where the pictures are.
        preprocess: of the model's card.
        path: ``.png``, ``.svg`` or ``.pdf``.
        count: faces at most.
        title: first line.

    Returns:
        The file, or None when there is no mistake to draw.

    Raises:
        InputError: the manifest lacks a picture of the scores.
    """
    scores = evaluation.viewed
    probabilities = scores.probabilities()
    answers = probabilities.argmax(axis=1)
    wrong = np.flatnonzero((scores.targets >= 0) & (answers != scores.targets))
    surest = wrong[np.argsort(-probabilities[wrong, answers[wrong]], kind="stable")][:count]
    row_of = {name: row for row, name in enumerate(ids_of(manifest).tolist())}
    missing = [name for name in scores.ids[surest].tolist() if name not in row_of]
    if missing:
        raise InputError(f"the manifest has no picture {missing[0]}, which the scores have")
    part = manifest.take(np.array([row_of[name] for name in scores.ids[surest].tolist()], np.intp))
    faces = list(faces_of(part, preprocess, scores.about.get("detector", "whole")))
    shown = [(row, face) for row, face in zip(surest, faces, strict=True) if not isinstance(face, InputError)]
    if not shown:
        return None
    return plot_predictions(
        [face for _, face in shown],
        [Prediction(scores.labels, probabilities[row]) for row, _ in shown],
        path,
        labels=[scores.labels.names[scores.targets[row]] for row, _ in shown],
        title=title,
    )
