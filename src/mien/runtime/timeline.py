"""What was seen of each person over time, in memory that does not grow with the length of a video.

Probabilities are averaged in steps of time; when there are too many steps, each two become one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.labels import Labels
from mien.prediction import Reading

#: Steps in a timeline at most; a plot of 1,500 px shows no more.
STEPS = 1_000
#: The first length of a step, in seconds: one frame at 25 frames a second.
STEP_S = 0.04


@dataclass
class Track:
    """One person.

    Attributes:
        number: of the track.
        first_s: when the face was first seen.
        last_s: when it was last seen.
        readings: how often it was read.
        total: (C,) sum of the probabilities of all readings.
        counts: (C,) how often each class was the likeliest; abstentions are not counted.
        steps: number of the step -> (readings, sum of the probabilities).
    """

    number: int
    first_s: float
    last_s: float
    total: NDArray[np.float64]
    counts: NDArray[np.int64]
    readings: int = 0
    steps: dict[int, tuple[int, NDArray[np.float64]]] = field(default_factory=dict)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(C,) mean probabilities of all readings."""
        return self.total / self.readings


class Timeline:
    """Collects the readings of a video.

    Args:
        labels: classes of the readings.

    Example:
        >>> Timeline(Labels(("calm", "glad"))).summary()
        []
    """

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.step_s = STEP_S
        self.tracks: dict[int, Track] = {}

    def add(self, readings: Iterable[Reading]) -> None:
        """Add the readings of a frame; those without time or track do not count."""
        for reading in readings:
            if reading.time_s is None or reading.track is None:
                continue
            probabilities = reading.prediction.probabilities.astype(np.float64)
            track = self.tracks.get(reading.track)
            if track is None:
                count = len(self.labels)
                track = Track(reading.track, reading.time_s, reading.time_s, np.zeros(count), np.zeros(count, np.int64))
                self.tracks[reading.track] = track
            track.last_s = reading.time_s
            track.readings += 1
            track.total += probabilities
            if not reading.prediction.is_abstained:
                track.counts[int(probabilities.argmax())] += 1
            while reading.time_s >= STEPS * self.step_s:
                self._halve()
            step = int(reading.time_s / self.step_s)
            number, total = track.steps.get(step, (0, np.zeros(len(self.labels))))
            track.steps[step] = (number + 1, total + probabilities)

    def _halve(self) -> None:
        self.step_s *= 2
        for track in self.tracks.values():
            merged: dict[int, tuple[int, NDArray[np.float64]]] = {}
            for step, (number, total) in track.steps.items():
                before, sum_before = merged.get(step // 2, (0, np.zeros(len(self.labels))))
                merged[step // 2] = (before + number, sum_before + total)
            track.steps = merged

    def series(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times (T,), the middles of the steps in seconds, and mean probabilities (T, C) of one track."""
        steps = sorted(self.tracks[number].steps.items())
        times = np.array([(step + 0.5) * self.step_s for step, _ in steps])
        return times, np.array([total / count for _, (count, total) in steps]).reshape(-1, len(self.labels))

    def summary(self) -> list[dict[str, Any]]:
        """One entry per track, ready for JSON: when, how often, mean probabilities, share of each likeliest class."""
        return [
            {
                "track": track.number,
                "first_s": round(track.first_s, 6),
                "last_s": round(track.last_s, 6),
                "readings": track.readings,
                "mean_probabilities": self._named(track.mean),
                "shares": self._named(track.counts / track.readings),
            }
            for track in self.tracks.values()
        ]

    def _named(self, values: NDArray[np.float64]) -> dict[str, float]:
        return {name: round(float(value), 6) for name, value in zip(self.labels, values, strict=True)}
