"""Where a face is in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Face:
    """One face.

    Attributes:
        box: (4,) float32, ``x1, y1, x2, y2`` in pixels of the picture, x to the right and y down; may reach
            outside the picture.
        score: how sure the detector is, 0 to 1.
        landmarks: (5, 2) float32 pixels in the order right eye, left eye, nose, right and left corner of the mouth
            (*the person's* right, so it comes first from the left of the picture); None when the detector gives none.

    Example:
        >>> face = Face(np.array([10, 20, 50, 80], np.float32))
        >>> face.size_px
        60.0
    """

    box: NDArray[np.float32]
    score: float = 1.0
    landmarks: NDArray[np.float32] | None = None

    @property
    def size_px(self) -> float:
        """The longer side of the box, in pixels."""
        x1, y1, x2, y2 = self.box.tolist()
        return float(max(x2 - x1, y2 - y1))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, ready for JSON."""
        return {
            "box": [round(value, 1) for value in self.box.tolist()],
            "score": round(float(self.score), 4),
            "landmarks": None
            if self.landmarks is None
            else [[round(value, 1) for value in point] for point in self.landmarks.tolist()],
        }
