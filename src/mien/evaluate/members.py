"""How much each net of a fused one counted, on average."""

from __future__ import annotations

from typing import Any

import numpy as np

from mien.scores import Scores


def member_weights(scores: Scores) -> dict[str, Any] | None:
    """Mean weight of each member over all rows and over the rows of each label; None when the net is not fused.

    Returns:
        ``names`` of the members, ``all``: a mean per member, ``classes``: the same for each class that has rows. Means
        of one list add up to 1.

    Example:
        >>> from mien.labels import Labels
        >>> weights = np.array([[0.25, 0.75], [0.75, 0.25]], np.float32)
        >>> scores = Scores(np.eye(2, dtype=np.float32), np.array([0, -1]), Labels.of("ab"), np.array(["x", "y"]),
        ...                 member_weights=weights, members=("big", "small"))
        >>> member_weights(scores)
        {'names': ['big', 'small'], 'all': [0.5, 0.5], 'classes': {'a': [0.25, 0.75]}}
    """
    weights = scores.member_weights
    if weights is None:
        return None
    rows = {name: scores.targets == index for index, name in enumerate(scores.labels)}
    return {
        "names": list(scores.members),
        "all": weights.mean(axis=0, dtype=np.float64).tolist(),
        "classes": {
            name: weights[mask].mean(axis=0, dtype=np.float64).tolist() for name, mask in rows.items() if mask.any()
        },
    }
