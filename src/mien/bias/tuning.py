"""Chosen biases: what they are, what they gain, how they are kept."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien import __version__
from mien.atomic import write_text
from mien.bias.gain import Effect, effect
from mien.bias.objectives import Objective
from mien.bias.rows import plain_view
from mien.bias.tally import Tally
from mien.card import Card
from mien.errors import ModelError
from mien.evaluate.stamp import change_card
from mien.labels import Labels
from mien.runtime.biases import FORMAT
from mien.runtime.network import Network
from mien.scores import Scores

Axis = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tuning:
    """What :func:`mien.bias.tune.tune` found.

    Attributes:
        labels: the classes.
        biases: (C,) added to the logits, shrunk already.
        classes: names of those that were searched; the others have 0.
        method: how.
        objective: what for.
        share: what the biases that the search found were multiplied by.
        temperature: of the model's card.
        in_sample: the effect on the rows that chose them: flatters.
        cross_validated: the effect on rows that did not choose them, or None.
        folds: of the cross-validation; 0 for none.
        trials: (T, C) all biases that were tried on all rows, the zero bias first.
        values: (T,) of the objective; below 0 where too much accuracy is lost.
        notes: what must be said beside the numbers.
        about: model, manifest, split, seed.
    """

    labels: Labels
    biases: NDArray[np.float64]
    classes: tuple[str, ...]
    method: str
    objective: Objective
    share: float
    temperature: float
    in_sample: Effect
    cross_validated: Effect | None
    folds: int
    trials: NDArray[np.float64]
    values: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def by_class(self) -> dict[str, float]:
        """Class name -> what is added to its logit."""
        return {name: round(float(bias), 6) for name, bias in zip(self.labels, self.biases, strict=True)}

    @property
    def factors(self) -> dict[str, float]:
        """Class name -> what its probability is multiplied by (before all are scaled to one)."""
        return {name: float(np.exp(bias / self.temperature)) for name, bias in self.by_class.items()}

    def check(self, scores: Scores, *, draws: int = 1000, seed: int = 0) -> Effect:
        """The effect of these biases on other rows.

        Raises:
            InputError: the model of these scores does not know the classes.
        """
        seen = plain_view(scores, self.labels)
        if self.objective.needs_labels:
            seen = seen.labelled()
        before, after = Tally(seen.logits, seen.targets).answers(np.stack([np.zeros_like(self.biases), self.biases]))
        groups = seen.subjects
        return effect(seen.targets, before, after, seen.labels, self.objective, draws=draws, seed=seed, groups=groups)

    def landscape(self, scores: Scores, first: str, second: str, steps: int = 41) -> tuple[Axis, Axis, Axis]:
        """The objective for all pairs of biases of two classes, the others as they were chosen.

        Args:
            scores: the rows that chose them, or others.
            first: class along the first axis.
            second: class along the second axis.
            steps: biases per class.

        Returns:
            (steps,) biases of the first class, (steps,) of the second, and (steps, steps) values, second class first;
            below 0 where too much accuracy is lost.
        """
        seen = plain_view(scores, self.labels)
        if self.objective.needs_labels:
            seen = seen.labelled()
        places = self.labels.index(first), self.labels.index(second)
        reach = float(np.abs(self.trials).max()) or 1.0
        axis = np.linspace(-reach, reach, steps)
        biases = np.tile(self.biases, (steps * steps, 1))
        biases[:, places[0]], biases[:, places[1]] = np.tile(axis, steps), np.repeat(axis, steps)
        tally = Tally(seen.logits, seen.targets)
        values = self.objective.values(tally.counts(biases), tally.counts(np.zeros((1, tally.classes)))[0])
        return axis, axis, values.reshape(steps, steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON, without the trials."""
        loss = self.objective.max_accuracy_loss
        return {
            "format": FORMAT,
            "biases": self.by_class,
            "factors": {name: round(value, 6) for name, value in self.factors.items()},
            "searched": list(self.classes),
            "method": self.method,
            "objective": self.objective.name,
            "shares": None
            if self.objective.shares is None
            else dict(zip(self.labels, self.objective.shares.round(6).tolist(), strict=True)),
            "max_accuracy_loss": loss,
            "share_of_biases": self.share,
            "temperature": self.temperature,
            "in_sample": self.in_sample.to_dict(self.labels),
            "folds": self.folds,
            "cross_validated": None if self.cross_validated is None else self.cross_validated.to_dict(self.labels),
            "notes": list(self.notes),
            "about": {**self.about, "mien": __version__},
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything as JSON, all trials included: what ``mien predict --bias`` reads."""
        trials = [[*row, value] for row, value in zip(self.trials.round(4).tolist(), self.values.tolist(), strict=True)]
        rows = ",\n    ".join(json.dumps([round(number, 6) for number in row]) for row in trials)
        head = json.dumps(self.to_dict(), indent=2, allow_nan=False)
        columns = json.dumps([*self.labels, "value"])
        text = f'{head[:-2]},\n  "trial_columns": {columns},\n  "trials": [\n    {rows}\n  ]\n}}\n'
        write_text(path, text)

    def write_card(self, model: str | os.PathLike[str]) -> Card:
        """Write the biases into the card of a model file, with what they gain.

        Raises:
            ModelError: the model does not answer with these classes, or has no card.
        """
        known = Network(model).card.labels
        missing = [name for name in self.labels if known.find(name) is None]
        if missing:
            raise ModelError(f"{model}: does not know {', '.join(missing)}; it answers with {', '.join(known)}")
        biases = np.zeros(len(known))
        for name, bias in self.by_class.items():
            biases[known.index(name)] = bias
        honest = self.cross_validated or self.in_sample
        facts = {
            **{name: self.about.get(name) for name in ("split", "manifest")},
            "objective": self.objective.name,
            "method": self.method,
            "max_accuracy_loss": self.objective.max_accuracy_loss,
            "searched": list(self.classes),
            "rows": honest.rows,
            "measured": f"cross-validated, {self.folds} folds"
            if self.cross_validated
            else "on the rows that chose them",
            **{name: gain.to_dict() for name, gain in honest.gains.items()},
            "notes": [*self.notes, "Other numbers in this card that are older were measured without these biases."],
        }
        return change_card(model, biases=tuple(biases.tolist()), metrics={"bias": facts})
