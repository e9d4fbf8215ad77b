"""The ten votes per picture of FER+, and its majority label.

Source: E. Barsoum, C. Zhang, C. Canton Ferrer, Z. Zhang, "Training Deep Networks for Facial Expression Recognition
with Crowd-Sourced Label Distribution", ICMI 2016; ``fer2013new.csv`` of github.com/microsoft/FERPlus. Its majority
label also drops classes with one vote and asks for more than half of the votes; here the single largest class counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.labels import Labels
from mien.manifest import VOTES

LABELS = Labels.named("ferplus8")
#: The file's first eight columns of votes, then the two that name no expression.
CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
OTHERS = ("unknown", "NF")
#: Where the file's classes are in the order of ``ferplus8``.
ORDER = np.array([LABELS.index(name) for name in CLASSES])


def columns(votes: NDArray[np.integer[Any]]) -> dict[str, NDArray[np.integer[Any]]]:
    """Manifest columns of votes (N, 10) in the file's order: eight ``votes.<class>``, and the two others."""
    of_class = {LABELS.names[index]: votes[:, place] for place, index in enumerate(ORDER)}
    return {
        **{VOTES + name: of_class[name] for name in LABELS},
        "votes_unknown": votes[:, 8],
        "votes_not_face": votes[:, 9],
    }


def majority(votes: NDArray[np.integer[Any]]) -> list[str]:
    """The class with most votes, if it is the single largest and larger than unknown and not-a-face; else empty.

    Args:
        votes: (N, 10) counts in the file's order.

    Example:
        >>> majority(np.array([[6, 1, 0, 0, 1, 0, 0, 0, 2, 0], [4, 4, 0, 0, 1, 0, 0, 0, 1, 0]]))
        ['neutral', '']
    """
    of_class = votes[:, :8].astype(np.int64)
    most = of_class.max(axis=1)
    is_clear = ((of_class == most[:, None]).sum(axis=1) == 1) & (most > votes[:, 8:10].max(axis=1))
    best = ORDER[of_class.argmax(axis=1)]
    return [LABELS.names[index] if clear else "" for index, clear in zip(best, is_clear, strict=True)]
