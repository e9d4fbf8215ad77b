"""Numbers against the votes of many people, instead of one label per picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.interval import Interval, draw_means
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
        tagger_agreement: chance that the answer is what one of the people said, drawn at random; over rows with at
            least two votes for classes.
        human_agreement: the same of what most of the others said, equal leaders counted in part: the human line.
        intervals: 95 % bootstrap intervals of cross_entropy, tagger_agreement, human_agreement, and ahead: the first
            agreement minus the second, on the same rows; empty when none were asked for.
    """

    rows: int
    cross_entropy: float
    entropy: float
    majority_rows: int
    majority_accuracy: float
    majority_balanced_accuracy: float
    tagger_agreement: float
    human_agreement: float
    intervals: dict[str, Interval] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        numbers = {name: plain(value) if isinstance(value, float) else value for name, value in vars(self).items()}
        return {**numbers, "intervals": {name: interval.to_dict() for name, interval in self.intervals.items()}}


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


def human_agreement(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance, row by row, that one of the people agrees with what most of the others said.

    Args:
        votes: (N, C) counts, at least two in each row. When several classes lead among the others, each counts in part.

    Returns:
        (N,) from 0 to 1.

    Example:
        >>> human_agreement(np.array([[10.0, 0.0], [9.0, 1.0], [1.0, 1.0]])).tolist()
        [1.0, 0.9, 0.0]
    """
    agreed = np.zeros(len(votes))
    for index in range(votes.shape[1]):
        others = votes - np.eye(votes.shape[1])[index]
        leads = others == others.max(axis=1, keepdims=True)
        agreed += votes[:, index] * leads[:, index] / leads.sum(axis=1)
    share: NDArray[np.float64] = agreed / votes.sum(axis=1)
    return share


def measure_votes(
    scores: Scores, *, draws: int = 0, seed: int = 0, groups: NDArray[Any] | None = None
) -> VoteMetrics | None:
    """Measure scores against their votes, whether a row has a label or not; None when there are no votes.

    Args:
        scores: as they are, see ``mien.evaluate.view``.
        draws: data sets drawn for the intervals; 0 for none.
        seed: of the draws.
        groups: (N,) e.g. persons, drawn as wholes; an empty text stands alone.
    """
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
    cross_entropy = -(share * log_probabilities).sum(axis=1)
    several = votes.sum(axis=1) >= 2
    own = share[several, logits[several].argmax(axis=1)]
    line = human_agreement(votes[several])
    found = {}
    if draws:
        kept = None if groups is None else np.asarray(groups)[voted]
        found["cross_entropy"] = _interval(
            draw_means(cross_entropy[:, None], draws=draws, seed=seed, groups=kept)[:, 0]
        )
        if several.any():
            kept = None if kept is None else kept[several]
            drawn = draw_means(np.column_stack([own, line, own - line]), draws=draws, seed=seed, groups=kept)
            for place, name in enumerate(("tagger_agreement", "human_agreement", "ahead")):
                found[name] = _interval(drawn[:, place])
    return VoteMetrics(
        rows=int(voted.sum()),
        cross_entropy=float(cross_entropy.mean()),
        entropy=float(-(share * log_share).sum(axis=1).mean()),
        majority_rows=int(clear.sum()),
        majority_accuracy=float(hits.sum() / support.sum()) if clear.any() else float("nan"),
        majority_balanced_accuracy=mean(np.where(support > 0, hits / np.maximum(support, 1), np.nan)),
        tagger_agreement=mean(own),
        human_agreement=mean(line),
        intervals=found,
    )


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high), 0.95)
