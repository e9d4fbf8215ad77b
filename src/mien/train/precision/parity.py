"""How far a smaller file lies from the one it was made from: logits, decisions and, with labels, accuracy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mien.errors import InputError
from mien.evaluate.interval import draw_means
from mien.evaluate.view import view
from mien.scores import Scores


@dataclass(frozen=True)
class Parity:
    """One file beside the other, on the same pictures; the answers are those of the card: calibrated, mirrored or not.

    Attributes:
        pictures: how many.
        split: which of the data; None for random noise, which has no decisions worth comparing.
        manifest: digest of the data.
        logit_max: largest difference of a logit.
        logit_rms: root of the mean square of the differences.
        agreement: share of equal decisions, 0 to 1.
        labelled: pictures with a label.
        accuracy_before: of the original on these, 0 to 1.
        accuracy_after: of the smaller file.
        loss_points: how much accuracy is lost, in points of 100; negative for a gain.
        loss_low: lower end of its 95 % interval, from a paired bootstrap (over persons where the data name them).
        loss_high: upper end.
    """

    pictures: int
    logit_max: float
    logit_rms: float
    split: str | None = None
    manifest: str | None = None
    agreement: float | None = None
    labelled: int = 0
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    loss_points: float | None = None
    loss_low: float | None = None
    loss_high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; without what was not measured."""
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(self).items()
            if value is not None
        }

    def __str__(self) -> str:
        """For people, e.g. ``98.9 % of 3,269 decisions (val) as before; accuracy 85.4 % -> 85.3 % …``."""
        if self.agreement is None:
            return f"logits of random noise differ by at most {self.logit_max:.2g}; no faces were compared"
        said = f"{100 * self.agreement:.2f} % of {self.pictures:,} decisions ({self.split}) as before"
        if self.accuracy_before is None or self.accuracy_after is None or self.loss_points is None:
            return f"{said}; no labels, so nobody knows what that does to accuracy"
        return (
            f"{said}; accuracy {100 * self.accuracy_before:.2f} % before, {100 * self.accuracy_after:.2f} % after: "
            f"{self.loss_points:+.2f} points lost (95 %: {self.loss_low:+.2f} to {self.loss_high:+.2f})"
        )


def compare(before: Scores, after: Scores, draws: int = 1000, seed: int = 0) -> Parity:
    """Compare two files on the same pictures.

    Args:
        before: of the original.
        after: of the smaller file, over the same rows.
        draws: of the bootstrap.
        seed: of the draws.

    Raises:
        InputError: the rows are not the same.

    Example:
        >>> from mien.labels import Labels
        >>> truth = {"targets": np.array([0, 1]), "labels": Labels.of("ab"), "ids": np.array(["x", "y"])}
        >>> one = Scores(np.array([[2, 0], [0, 2]], np.float32), **truth)
        >>> found = compare(one, Scores(np.array([[2, 0], [1, 0]], np.float32), **truth))
        >>> found.logit_max, found.agreement, found.loss_points
        (2.0, 0.5, 50.0)
    """
    if before.ids.tolist() != after.ids.tolist():
        raise InputError(f"{before.model} and {after.model} were not asked about the same pictures")
    distance = before.logits.astype(np.float64) - after.logits
    seen = [view(scores).scores for scores in (before, after)]
    answers = [scores.logits.argmax(axis=1) for scores in seen]
    rows = np.flatnonzero(seen[0].targets >= 0)
    found: dict[str, Any] = {}
    if len(rows):
        right = [(answer == scores.targets)[rows] for answer, scores in zip(answers, seen, strict=True)]
        lost = 100.0 * (right[0].astype(np.float64) - right[1])
        groups = None if before.subjects is None else before.subjects[rows]
        drawn = draw_means(lost[:, None], draws=draws, seed=seed, groups=groups)
        low, high = np.quantile(drawn, [0.025, 0.975])
        found = {
            "labelled": len(rows),
            "accuracy_before": float(right[0].mean()),
            "accuracy_after": float(right[1].mean()),
            "loss_points": float(lost.mean()),
            "loss_low": float(low),
            "loss_high": float(high),
        }
    return Parity(
        pictures=len(before),
        logit_max=float(np.abs(distance).max()),
        logit_rms=float(np.sqrt((distance**2).mean())),
        split=before.about.get("split"),
        manifest=before.about.get("manifest"),
        agreement=float((answers[0] == answers[1]).mean()),
        **found,
    )
