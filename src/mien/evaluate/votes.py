"""Numbers against the votes of many people, instead of one label per picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics import confusion, mean, plain
from mien.scores import Scores


@dataclass(frozen=True)
class VoteMetrics:
    """How near the answers are to what people said.

    Attributes:
        rows: rows with at least one vote for a class.
        cross_entropy: mean over those rows of -sum(votes' share * log(probability)), in nats.
        entropy: that of the votes themselves: no model can have a lower cross-entropy.
        majority_rows: rows with a clear majority: one class with the single largest number of votes, and more than any
            answer outside the classes.
        majority_accuracy: share of those rows whose answer is that class; nan when there are none.
        majority_balanced_accuracy: its mean over the classes that are there.
    """

    rows: int
    cross_entropy: float
    entropy: float
    majority_rows: int
    majority_accuracy: float
    majority_balanced_accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        return {name: plain(value) if isinstance(value, float) else value for name, value in vars(self).items()}


def majority(votes: NDArray[np.float32], other_votes: NDArray[np.float32] | None = None) -> NDArray[np.int64]:
    """The class that most people named.

    Args:
        votes: (N, C) counts.
        other_votes: (N,) the most votes that an answer outside the classes got.

    Returns:
        (N,) class indices; -1 where two classes share the lead, or where no class has more than ``other_votes``.

    Example:
        >>> votes = np.array([[6, 4], [5, 5], [4, 1], [0, 0]], np.float32)
        >>> majority(votes, np.array([0, 0, 5, 0], np.float32)).tolist()
        [0, -1, -1, -1]
    """
    most = votes.max(axis=1)
    rivals = np.zeros_like(most) if other_votes is None else other_votes
    is_clear = ((votes == most[:, None]).sum(axis=1) == 1) & (most > rivals)
    return np.where(is_clear, votes.argmax(axis=1), -1).astype(np.int64)


def measure_votes(scores: Scores) -> VoteMetrics | None:
    """Measure scores against their votes, whether a row has a label or not; None when there are no votes."""
    if scores.votes is None or not (scores.votes.sum(axis=1) > 0).any():
        return None
    voted = scores.votes.sum(axis=1) > 0
    votes, logits = scores.votes[voted].astype(np.float64), scores.logits[voted].astype(np.float64)
    share = votes / votes.sum(axis=1, keepdims=True)
    logits -= logits.max(axis=1, keepdims=True)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    log_share = np.log(share, out=np.zeros_like(share), where=share > 0)
    truth = majority(scores.votes, scores.other_votes)
    clear = truth >= 0
    cells = confusion(truth[clear], scores.logits[clear].argmax(axis=1), len(scores.labels))
    support, hits = cells.sum(axis=1), cells.diagonal()
    return VoteMetrics(
        rows=int(voted.sum()),
        cross_entropy=float(-(share * log_probabilities).sum(axis=1).mean()),
        entropy=float(-(share * log_share).sum(axis=1).mean()),
        majority_rows=int(clear.sum()),
        majority_accuracy=float(hits.sum() / support.sum()) if clear.any() else float("nan"),
        majority_balanced_accuracy=mean(np.where(support > 0, hits / np.maximum(support, 1), np.nan)),
    )
