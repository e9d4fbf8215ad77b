"""A calibration that was fitted: what it is, what it gains, how it is kept."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien import __version__
from mien.atomic import write_text
from mien.card import Card
from mien.errors import ModelError
from mien.evaluate.calibration import NUMBERS, Calibration
from mien.evaluate.metrics import plain
from mien.evaluate.selective import Threshold
from mien.evaluate.stamp import change_card
from mien.labels import Labels
from mien.runtime.network import Network

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """One number before and after on the same rows; the lower the better.

    Attributes:
        before: with the temperature of the model's card.
        after: calibrated by other rows.
        low: lower end of the 95 % interval of ``after - before``; nan when none was asked for.
        high: upper end.
    """

    before: float
    after: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {name: plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What :func:`mien.bias.calibrate.calibrate` found.

    Attributes:
        labels: the classes.
        method: how.
        scale: (C,) the logits, with the card's biases, are multiplied by it.
        bias: (C,) added then.
        old_biases: (C,) of the model's card.
        old_temperature: of the model's card.
        before: with the card's temperature.
        after: cross-validated: every row calibrated by the others.
        changes: method -> number -> before and after, cross-validated.
        folds: of the cross-validation.
        threshold: for the accuracy that was asked for, or None.
        checked: coverage and accuracy when every fold has the threshold of the others, or None.
        notes: what must be said beside the numbers.
        about: model, manifest, split, seed.
    """

    labels: Labels
    method: str
    scale: Vector
    bias: Vector
    old_biases: Vector
    old_temperature: float
    before: Calibration
    after: Calibration
    changes: dict[str, dict[str, Change]]
    folds: int
    threshold: Threshold | None
    checked: tuple[float, float] | None
    notes: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def fits_card(self) -> bool:
        """True when there is one scale for all classes, which is the inverse of a temperature."""
        return bool(np.ptp(self.scale) < 1e-12)

    @property
    def temperature(self) -> float:
        """What the logits, with ``biases``, are divided by.

        Raises:
            ModelError: every class has a scale of its own.
        """
        if not self.fits_card:
            raise ModelError(
                f"{self.method} has a scale for every class, and a card has one temperature: use --method temperature "
                "or bias"
            )
        return float(1 / self.scale[0])

    @property
    def biases(self) -> dict[str, float]:
        """Class name -> what is added to its logit before the division; those of the card are in it."""
        values = self.old_biases + self.bias * self.temperature
        return {name: round(float(value), 6) for name, value in zip(self.labels, values, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        threshold = None
        if self.threshold is not None and self.checked is not None:
            numbers = {name: value if value is None else plain(value) for name, value in vars(self.threshold).items()}
            held_out = {"coverage": plain(self.checked[0]), "accuracy": plain(self.checked[1])}
            threshold = {**numbers, "cross_validated": held_out}
        card = {"temperature": plain(self.temperature), "biases": self.biases} if self.fits_card else None
        return {
            "method": self.method,
            "scale": dict(zip(self.labels, self.scale.round(6).tolist(), strict=True)),
            "bias": dict(zip(self.labels, self.bias.round(6).tolist(), strict=True)),
            "card": card,
            "threshold": threshold,
            "folds": self.folds,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "methods": {
                name: {number: change.to_dict() for number, change in changes.items()}
                for name, changes in self.changes.items()
            },
            "notes": list(self.notes),
            "about": {**self.about, "mien": __version__},
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything as JSON."""
        write_text(path, json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")

    def write_card(self, model: str | os.PathLike[str]) -> Card:
        """Write temperature, biases where the method has them, and threshold into the card of a model file.

        Raises:
            ModelError: a method that fits no card, other classes than the model's, biases in its card that are not
                those that the scores were made with, or a file without a card.
        """
        temperature, card = self.temperature, Network(model).card
        if [card.labels.find(name) for name in self.labels] != list(range(len(card.classes))):
            raise ModelError(
                f"{model} answers with {', '.join(card.classes)}, calibrated were {', '.join(self.labels)}: "
                "a card's temperature is for all of its classes; leave --labels out, or name data that have them"
            )
        if not np.allclose(card.biases or np.zeros(len(card.classes)), self.old_biases, atol=1e-5):
            raise ModelError(f"{model}: its card has other biases than when the scores were made: evaluate it again")
        if card.threshold and (self.threshold is None or self.threshold.value is None):
            raise ModelError(
                f"{model}: its card has the threshold {card.threshold:g}, which was chosen for other probabilities: "
                "choose a new one with --accuracy"
            )
        changes: dict[str, Any] = {"temperature": temperature}
        if self.method != "temperature":
            changes["biases"] = tuple(self.biases.values())
        if self.threshold is not None and self.threshold.value is not None:
            changes["threshold"] = self.threshold.value
        facts = self.to_dict()
        kept = {name: facts[name] for name in ("method", "threshold", "folds", "about")}
        kept["rows"] = self.after.rows
        for side in ("before", "after"):
            kept[side] = {name: facts[side][name] for name in ("accuracy", "confidence", *NUMBERS)}
        return change_card(model, metrics={"calibration": kept}, **changes)
