"""Is the model as sure as it is right? Calibration of scores, with intervals.

A confidence of 0.8 is calibrated when 80 % of the answers given with it are right. Bins are of equal mass: every one
holds the same number of rows, up to rows with equal confidence, which stay together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.evaluate.interval import Interval, draw_means
from mien.evaluate.metrics import plain
from mien.evaluate.selective import RiskCoverage, risk_coverage
from mien.scores import Scores

BINS = 15
#: Numbers of a calibration, the lower the better.
NUMBERS = ("nll", "brier", "ece", "classwise_ece")
#: Data sets of answers drawn to see what a calibrated model would show.
FLOOR_DRAWS = 200

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reliability:
    """Bins of a probability.

    Attributes:
        count: (B,) rows in each; bins without a row are left out.
        confidence: (B,) mean probability.
        accuracy: (B,) share of rows where it came true.
    """

    count: NDArray[np.int64]
    confidence: Vector
    accuracy: Vector

    @property
    def error(self) -> float:
        """Mean distance of the two, weighted by rows: the expected calibration error."""
        return float(self.count @ np.abs(self.accuracy - self.confidence) / self.count.sum())


@dataclass(frozen=True, eq=False)
class Calibration:
    """How well probabilities fit what came true.

    Attributes:
        rows: with a label.
        accuracy: share of rows that are right.
        confidence: mean probability of the answer; above the accuracy the model is too sure.
        nll: mean negative logarithm of the label's probability, in nats.
        brier: mean of sum((probability - truth)^2) over the classes, from 0 to 2.
        ece: expected calibration error of the answer's probability.
        ece_floor: what a perfectly calibrated model with these probabilities would show on so many rows: no bin is free
            of chance.
        classwise_ece: the same error of each class's probability, mean over the classes.
        reliability: bins of the answer's probability.
        selection: how the error falls when the model may abstain.
        intervals: 95 % bootstrap intervals by name; empty when none were asked for.
    """

    rows: int
    accuracy: float
    confidence: float
    nll: float
    brier: float
    ece: float
    ece_floor: float
    classwise_ece: float
    reliability: Reliability
    selection: RiskCoverage
    intervals: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        names = ("accuracy", "confidence", *NUMBERS, "ece_floor")
        bins = self.reliability
        return {
            "rows": self.rows,
            **{name: plain(getattr(self, name)) for name in names},
            "aurc": plain(self.selection.aurc),
            "intervals": {name: interval.to_dict() for name, interval in self.intervals.items()},
            "bins": [
                {"rows": int(count), "confidence": plain(float(confidence)), "accuracy": plain(float(accuracy))}
                for count, confidence, accuracy in zip(bins.count, bins.confidence, bins.accuracy, strict=True)
            ],
        }


def measure_calibration(
    scores: Scores, *, bins: int = BINS, draws: int = 1000, seed: int = 0, groups: NDArray[Any] | None = None
) -> Calibration:
    """Measure how well the probabilities of scores fit their labels; rows without a label do not count.

    Args:
        scores: as they are, see ``mien.evaluate.view``.
        bins: of equal mass.
        draws: data sets drawn for the intervals; 0 for none.
        seed: of the draws.
        groups: (N,) e.g. persons, drawn as wholes; an empty text stands alone.

    Raises:
        InputError: no row has a label.

    Source: M. Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015 (ECE);
    K. Nguyen, B. O'Connor, EMNLP 2015 (bins of equal mass); M. Kull et al., "Beyond temperature scaling", NeurIPS 2019
    (class-wise); G. Brier, 1950. In the intervals the bins stay as they are while rows are drawn.

    Example:
        >>> from mien.labels import Labels
        >>> logits = np.log(np.array([[0.8, 0.2]] * 10, np.float32))
        >>> scores = Scores(logits, np.array([0] * 7 + [1] * 3), Labels(("a", "b")), np.full(10, "x"))
        >>> found = measure_calibration(scores, draws=0)
        >>> round(found.ece, 3), round(found.brier, 3)
        (0.1, 0.44)
    """
    found = differences(scores, bins)
    means = found.rows.mean(axis=0)
    numbers = found.numbers(means[None])
    intervals = {}
    if draws:
        kept = None if groups is None else np.asarray(groups)[scores.targets >= 0]
        for name, values in found.numbers(draw_means(found.rows, draws=draws, seed=seed, groups=kept)).items():
            low, high = np.quantile(values, [0.025, 0.975])
            intervals[name] = Interval(float(low), float(high), 0.95)
    labelled = scores.labelled()
    probabilities = _probabilities(labelled)
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labelled.targets
    return Calibration(
        rows=len(labelled),
        accuracy=float(is_right.mean()),
        confidence=float(confidence.mean()),
        reliability=reliability(confidence, is_right, bins),
        ece_floor=_floor(confidence, bins, seed),
        selection=risk_coverage(confidence, is_right),
        intervals=intervals,
        **{name: float(values[0]) for name, values in numbers.items()},
    )


def reliability(probability: Vector, came_true: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Bin a probability by equal mass.

    Args:
        probability: (N,) from 0 to 1.
        came_true: (N,).
        bins: at most so many.
    """
    place = _places(probability, bins)
    count = np.bincount(place, minlength=bins)
    used = count > 0
    total = np.bincount(place, probability, bins)[used], np.bincount(place, came_true, bins)[used]
    return Reliability(count[used].astype(np.int64), total[0] / count[used], total[1] / count[used])


@dataclass(frozen=True, eq=False)
class Differences:
    """Every number as a function of means over rows, so that a bootstrap is one product of matrices.

    Attributes:
        rows: (N, 2 + bins * (1 + C)): negative log-likelihood, Brier score, and for the answer and for each class
            truth minus probability, in the column of its bin.
        bins: per class.
    """

    rows: Vector
    bins: int

    def numbers(self, means: Vector) -> dict[str, Vector]:
        """(B,) each of :data:`NUMBERS`, of (B, K) means of the columns."""
        errors = np.abs(means[:, 2:]).reshape(len(means), -1, self.bins).sum(axis=2)
        return dict(zip(NUMBERS, (means[:, 0], means[:, 1], errors[:, 0], errors[:, 1:].mean(axis=1)), strict=True))


def differences(scores: Scores, bins: int = BINS) -> Differences:
    """What each labelled row adds to the numbers of a calibration.

    Raises:
        InputError: no row has a label, or fewer than 2 bins.
    """
    if bins < 2:
        raise InputError(f"{bins} bins: expected at least 2")
    scores = scores.labelled()
    if not len(scores):
        raise InputError("no row of the scores has a label, so there is nothing to calibrate against")
    probabilities = _probabilities(scores)
    count, classes = probabilities.shape
    index = np.arange(count)
    truth = np.eye(classes)[scores.targets]
    logits = scores.logits.astype(np.float64)
    top = logits.max(axis=1)
    rows = np.zeros((count, 2 + bins * (1 + classes)))
    rows[:, 0] = top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - logits[index, scores.targets]
    rows[:, 1] = ((probabilities - truth) ** 2).sum(axis=1)
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == scores.targets
    rows[index, 2 + _places(confidence, bins)] = is_right - confidence
    for name in range(classes):
        column = probabilities[:, name]
        rows[index, 2 + bins * (1 + name) + _places(column, bins)] = truth[:, name] - column
    return Differences(rows, bins)


def _probabilities(scores: Scores) -> Vector:
    """(N, C) float64; the answers are those of the logits, also where two probabilities round to the same number."""
    logits = scores.logits.astype(np.float64)
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Vector = exponent / exponent.sum(axis=1, keepdims=True)
    return probabilities


def _places(probability: Vector, bins: int) -> NDArray[np.intp]:
    """(N,) bin of each row; edges are quantiles, so that equal probabilities share a bin."""
    edges = np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1])
    return np.asarray(np.searchsorted(edges, probability), np.intp)


def _floor(confidence: Vector, bins: int, seed: int) -> float:
    """Mean expected calibration error when every answer is right with exactly its probability."""
    generator = np.random.default_rng(seed)
    place = _places(confidence, bins)
    errors = np.zeros(FLOOR_DRAWS)
    for draw in range(FLOOR_DRAWS):
        came_true = generator.random(len(confidence)) < confidence
        errors[draw] = np.abs(np.bincount(place, came_true - confidence, bins)).sum() / len(confidence)
    return float(errors.mean())
