"""Answers: what expression would people see?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.face import Face
from mien.labels import Labels


@dataclass(frozen=True, eq=False)
class Prediction:
    """Probabilities over all classes for one face.

    Attributes:
        labels: the classes.
        probabilities: (C,) float32, sums to one.
        threshold: below this confidence the answer is to abstain; 0 never abstains.

    Example:
        >>> answer = Prediction(Labels(("calm", "glad")), np.array([0.2, 0.8], np.float32))
        >>> answer.label, answer.top(1)
        ('glad', [('glad', 0.800000011920929)])
    """

    labels: Labels
    probabilities: NDArray[np.float32]
    threshold: float = 0.0

    @property
    def label(self) -> str:
        """The most probable class, also when the answer is to abstain."""
        return self.labels.names[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Probability of that class."""
        return float(self.probabilities.max())

    @property
    def is_abstained(self) -> bool:
        """True when the confidence is too low to answer."""
        return self.confidence < self.threshold

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The ``count`` most probable classes, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels.names[index], float(self.probabilities[index])) for index in order]

    def to_labels(self, labels: Labels) -> Prediction:
        """The same answer over another label set (e.g. seven classes instead of eight)."""
        return Prediction(labels, self.labels.mapping_to(labels).probabilities(self.probabilities), self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 6),
            "abstained": self.is_abstained,
            "probabilities": {
                name: round(float(value), 6) for name, value in zip(self.labels, self.probabilities, strict=True)
            },
        }


@dataclass(frozen=True, eq=False)
class Reading:
    """One face with its answer.

    Attributes:
        face: where it is.
        prediction: the answer.
        source: path of the picture, or None.
        frame: frame number in a video, or None.
        time_s: time in a video, in seconds, or None.
        track: number of the person's track in a video, or None.
    """

    face: Face
    prediction: Prediction
    source: str | None = None
    frame: int | None = None
    time_s: float | None = None
    track: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is None is left out."""
        time_s = None if self.time_s is None else round(self.time_s, 6)
        where = {"source": self.source, "frame": self.frame, "time_s": time_s, "track": self.track}
        present = {name: value for name, value in where.items() if value is not None}
        return {**present, "face": self.face.to_dict(), "expression": self.prediction.to_dict()}
