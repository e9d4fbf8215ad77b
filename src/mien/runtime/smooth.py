"""Answers for one person over time, with less trembling.

Each frame is answered by itself, and noise of the camera alone moves probabilities by some points from frame to frame.
Logits of one track are averaged exponentially, with a time constant in seconds, so that the result does not depend on
the frame rate:

    z(t) = z(t') + (1 - exp(-(t - t') / tau)) * (x(t) - z(t'))

A change shows to 63 % after ``tau`` and to 95 % after three times ``tau``: more smoothing is more delay.

Logits are taken as logarithms of the probabilities, after biases, temperature and the average over models. They differ
from the network's own by one number for all classes of a frame, which the softmax at the end takes away again.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.scores import softmax

#: Probabilities below this count as this: the logarithm of 0 would stay in the average for ever.
LEAST = 1e-7


class Smoother:
    """Averages probabilities of tracks over time.

    Args:
        time_constant_s: tau, in seconds; 0 leaves everything as it is.

    Raises:
        InputError: the time constant is negative.

    Example:
        >>> smoother = Smoother(time_constant_s=1.0)
        >>> smoother.add(1, np.array([0.5, 0.5], np.float32), time_s=0.0).tolist()
        [0.5, 0.5]
        >>> smoother.add(1, np.array([0.9, 0.1], np.float32), time_s=1.0).round(2)
        array([0.8, 0.2], dtype=float32)
    """

    def __init__(self, time_constant_s: float) -> None:
        if not time_constant_s >= 0:
            raise InputError(f"the time constant is {time_constant_s}: expected 0 seconds (no smoothing) or more")
        self.time_constant_s = time_constant_s
        self._states: dict[int, tuple[float, NDArray[np.float64]]] = {}

    def add(self, track: int, probabilities: NDArray[np.float32], time_s: float) -> NDArray[np.float32]:
        """Smooth the answer for one frame.

        Args:
            track: whose.
            probabilities: (C,) of this frame.
            time_s: of this frame.

        Returns:
            (C,) float32, adding up to one.
        """
        if self.time_constant_s == 0:
            return probabilities
        logits = np.log(np.maximum(probabilities.astype(np.float64), LEAST))
        if track in self._states:
            before_s, state = self._states[track]
            logits = state - math.expm1(-max(0.0, time_s - before_s) / self.time_constant_s) * (logits - state)
        self._states[track] = (time_s, logits)
        return np.asarray(softmax(logits), np.float32)

    def keep(self, tracks: frozenset[int]) -> None:
        """Forget all other tracks."""
        self._states = {track: state for track, state in self._states.items() if track in tracks}
