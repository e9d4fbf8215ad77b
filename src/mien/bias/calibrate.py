"""Probabilities that fit what comes true: a temperature, or a scale and a bias for every class, fitted on saved scores.

All methods are one convex problem with more or fewer free numbers: logits become ``scale * logit + bias``, and the
negative log-likelihood of the labels is as low as it can be. Newton's method finds the one minimum in a few steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.bias.calibrated import Calibrated, Change
from mien.bias.folds import folds_of
from mien.bias.rows import notes_on_rows
from mien.errors import InputError
from mien.evaluate.calibration import BINS, NUMBERS, differences, measure_calibration
from mien.evaluate.interval import draw_means
from mien.evaluate.selective import Threshold, risk_coverage, threshold_for
from mien.evaluate.view import view
from mien.labels import Labels
from mien.scores import Scores
from mien.table import Table

Vector = NDArray[np.float64]

#: Each gives the matrix (2C, K) that makes C scales and C biases of its K free numbers.
METHODS = Table(
    "method of calibration",
    {
        "temperature": ("mien.bias.calibrate:temperature", "one temperature for all classes; no answer changes"),
        "bias": ("mien.bias.calibrate:bias", "a temperature, and a bias for every class"),
        "vector": ("mien.bias.calibrate:vector", "a scale and a bias for every class; the card has no place for it"),
    },
)
#: Strength with which scales are held at 1 and biases at 0, in rows: nothing beside hundreds of rows, but it keeps
#: numbers finite where every answer is right or a class has no row.
HOLD = 0.01


@dataclass(frozen=True, eq=False)
class Scaling:
    """What is done to logits.

    Attributes:
        scale: (C,) the logits are multiplied by it.
        bias: (C,) added then.
    """

    scale: Vector
    bias: Vector

    def __call__(self, logits: NDArray[np.floating[Any]]) -> Vector:
        """(N, C) logits, calibrated."""
        return np.asarray(logits * self.scale + self.bias, np.float64)


def temperature(classes: int) -> Vector:
    """One scale for all, no biases.

    Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017, 4.2.
    """
    spread: Vector = np.r_[np.ones((classes, 1)), np.zeros((classes, 1))]
    return spread


def bias(classes: int) -> Vector:
    """One scale for all, a bias for each class.

    Source: A. Alexandari, A. Kundaje, A. Shrikumar, "Maximum likelihood with bias-corrected calibration is hard-to-beat
    at label shift adaptation", ICML 2020.
    """
    spread: Vector = np.c_[temperature(classes), np.r_[np.zeros((classes, classes)), np.eye(classes)]]
    return spread


def vector(classes: int) -> Vector:
    """A scale and a bias for each class.

    Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017, 4.2.
    """
    return np.eye(2 * classes)


def fit(logits: NDArray[np.floating[Any]], targets: NDArray[np.integer[Any]], method: str = "temperature") -> Scaling:
    """Fit a scaling to labelled rows.

    Args:
        logits: (N, C).
        targets: (N,) class indices, every row labelled.
        method: an entry of ``METHODS``.

    Raises:
        InputError: the larger a logit, the rarer its class: no positive scale makes such logits probabilities.

    Example:
        >>> logits = np.array([[2.0, 0.0]] * 4)  # 88 % sure, right in 75 %: the best logit is log(3)
        >>> fit(logits, np.array([0, 0, 0, 1])).scale.round(2).tolist()
        [0.55, 0.55]
    """
    inputs = np.asarray(logits, np.float64)
    classes = inputs.shape[1]
    spread: Vector = METHODS.load(method)(classes)
    start = np.r_[np.ones(classes), np.zeros(classes)]
    free = np.linalg.lstsq(spread, start, rcond=None)[0]
    held = free.copy()
    loss = _loss(inputs, targets, spread @ free)
    for _ in range(100):
        gradient, curvature = _derivatives(inputs, targets, spread @ free)
        gradient = spread.T @ gradient + HOLD * (free - held)
        step = np.linalg.solve(spread.T @ curvature @ spread + HOLD * np.eye(len(free)), gradient)
        length = 1.0
        while length > 1e-6:  # a full step may go too far, where the curve is far from a parabola
            tried = free - length * step
            found = _loss(inputs, targets, spread @ tried) + HOLD / 2 * ((tried - held) ** 2).sum()
            if found <= loss + 1e-12:
                break
            length /= 2
        free, loss = tried, found
        if np.abs(step).max() < 1e-9:
            break
    numbers = spread @ free
    if method != "vector" and numbers[0] <= 0.01:
        raise InputError(
            "the surer the model is of these rows, the more often it is wrong, so no temperature fits: "
            "do labels and model belong together?"
        )
    return Scaling(numbers[:classes], numbers[classes:])


def _loss(logits: Vector, targets: NDArray[np.integer[Any]], numbers: Vector) -> float:
    """Sum of the negative log-likelihoods."""
    scaled = logits * numbers[: logits.shape[1]] + numbers[logits.shape[1] :]
    top = scaled.max(axis=1)
    own = scaled[np.arange(len(scaled)), targets]
    return float((top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)) - own).sum())


def _derivatives(logits: Vector, targets: NDArray[np.integer[Any]], numbers: Vector) -> tuple[Vector, Vector]:
    """Gradient (2C,) and curvature (2C, 2C) of the loss in all scales and biases."""
    scaled = logits * numbers[: logits.shape[1]] + numbers[logits.shape[1] :]
    exponent = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities = exponent / exponent.sum(axis=1, keepdims=True)
    over = probabilities - np.eye(logits.shape[1])[targets]
    both = np.c_[logits * probabilities, probabilities]  # (N, 2C): what scales and biases move
    blocks = [
        [(logits * logits * probabilities).sum(axis=0), both[:, : logits.shape[1]].sum(axis=0)],
        [both[:, : logits.shape[1]].sum(axis=0), probabilities.sum(axis=0)],
    ]
    diagonal = np.block([[np.diag(block) for block in row] for row in blocks])
    return np.r_[(over * logits).sum(axis=0), over.sum(axis=0)], diagonal - both.T @ both


def calibrate(
    scores: Scores,
    *,
    method: str = "temperature",
    labels: Labels | None = None,
    accuracy: float | None = None,
    certainty: float = 0.95,
    folds: int = 5,
    bins: int = BINS,
    draws: int = 1000,
    seed: int = 0,
) -> Calibrated:
    """Calibrate a model on scores, and measure what it gains on rows that did not fit it.

    The biases in the model's card stay; the temperature there is what the new one is compared with.

    Args:
        scores: of a model on rows that did not train it.
        method: an entry of ``METHODS``.
        labels: the classes to answer with; None for those of the data as far as the model knows them.
        accuracy: find the threshold for it, from 0 to 1; None for no threshold.
        certainty: with which the accuracy is to be reached.
        folds: of the cross-validation.
        bins: of the calibration errors.
        draws: data sets drawn for the 95 % intervals; 0 for none.
        seed: of folds and draws.

    Raises:
        InputError: rows that trained the model, no labels, or settings that make no sense.
        UnknownName: no such method.

    Example:
        ``calibrate(Scores.load("val.npz"), accuracy=0.95).write_card("model.onnx")``
    """
    METHODS.entry(method)
    notes = [note for note in notes_on_rows(scores) if "set aside" not in note]
    before = view(scores, labels).scores.labelled()
    plain = view(replace(scores, about={**scores.about, "temperature": 1.0}), labels).scores.labelled()
    if not len(plain):
        raise InputError("no row of the scores has a label, so there is nothing to calibrate against")
    if not np.isfinite(plain.logits).all():
        row = int((~np.isfinite(plain.logits)).any(axis=1).argmax())
        raise InputError(f"{plain.ids[row]}: its logits {plain.logits[row].tolist()} are not all numbers")
    fold_of = folds_of(plain.targets, folds, seed, plain.subjects)
    held_out, chosen = {}, fit(plain.logits, plain.targets, method)
    for name in METHODS:
        found = np.zeros(plain.logits.shape)
        for fold in range(folds):
            rest, held = fold_of != fold, fold_of == fold
            found[held] = fit(plain.logits[rest], plain.targets[rest], name)(plain.logits[held])
        held_out[name] = replace(plain, logits=found.astype(np.float32))
    after = held_out[method]
    changes = _changes(before, held_out, bins, draws, seed, plain.subjects)
    threshold, checked = None, None
    if accuracy is not None:
        threshold, checked = _threshold(after, fold_of, accuracy, certainty)
        if threshold.value is None:
            notes.append(f"No threshold reaches {accuracy:.1%} with {certainty:.0%} certainty on these rows.")
    if method == "bias" and np.abs(chosen.bias).max() > 0.05 and scores.about.get("biases"):
        notes.append(
            "The card's biases are changed too: probabilities that fit undo a part of biases chosen for recall."
        )
    if plain.subjects is not None and (plain.subjects != "").any():
        notes.append("Persons are not shared by folds, and are drawn as wholes.")
    old = np.asarray(scores.about.get("biases") or np.zeros(len(scores.labels)))
    columns = [scores.labels.index(name) for name in plain.labels]
    measured = [
        measure_calibration(side, bins=bins, draws=draws, seed=seed, groups=plain.subjects) for side in (before, after)
    ]
    return Calibrated(
        labels=plain.labels,
        method=method,
        scale=chosen.scale,
        bias=chosen.bias,
        old_biases=np.asarray(old[columns], np.float64),
        old_temperature=float(scores.about.get("temperature", 1.0)),
        before=measured[0],
        after=measured[1],
        changes=changes,
        folds=folds,
        threshold=threshold,
        checked=checked,
        notes=tuple(notes),
        about={
            "model": scores.model,
            "manifest": scores.about.get("manifest"),
            "split": scores.about.get("split"),
            "seed": seed,
        },
    )


def _changes(
    before: Scores, held_out: dict[str, Scores], bins: int, draws: int, seed: int, groups: NDArray[Any] | None
) -> dict[str, dict[str, Change]]:
    """Every number before and after each method on the same rows, with an interval for the difference."""
    sides = [differences(side, bins) for side in (before, *held_out.values())]
    rows = np.hstack([side.rows for side in sides])
    drawn = draw_means(rows, draws=draws, seed=seed, groups=groups) if draws else np.empty((0, rows.shape[1]))
    # the rows themselves are the first data set, the draws follow
    parts = np.hsplit(np.vstack([rows.mean(axis=0), drawn]), len(sides))
    numbers = [side.numbers(part) for side, part in zip(sides, parts, strict=True)]
    changes: dict[str, dict[str, Change]] = {name: {} for name in held_out}
    for name, found in zip(held_out, numbers[1:], strict=True):
        for number in NUMBERS:
            difference = found[number] - numbers[0][number]
            low, high = np.quantile(difference[1:], [0.025, 0.975]) if draws else (np.nan, np.nan)
            first, second = float(numbers[0][number][0]), float(found[number][0])
            changes[name][number] = Change(first, second, float(low), float(high))
    return changes


def _threshold(
    scores: Scores, fold_of: NDArray[np.int64], accuracy: float, certainty: float
) -> tuple[Threshold, tuple[float, float]]:
    """The threshold of all rows; and coverage and accuracy where every fold has that of the others."""
    confidence = scores.probabilities().max(axis=1).astype(np.float64)
    is_right = scores.logits.argmax(axis=1) == scores.targets
    answered = np.zeros(len(scores), bool)
    for fold in np.unique(fold_of):
        held = fold_of == fold
        found = threshold_for(risk_coverage(confidence[~held], is_right[~held]), accuracy, certainty)
        answered[held] = found.value is not None and confidence[held] >= found.value
    reached = float(is_right[answered].mean()) if answered.any() else float("nan")
    return threshold_for(risk_coverage(confidence, is_right), accuracy, certainty), (float(answered.mean()), reached)
