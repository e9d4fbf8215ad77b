"""What is gained when the model may abstain: risk and coverage, and the threshold for a wanted accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

Vector = NDArray[np.float64]

#: Thresholds looked at.
LOOKS = 20


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Errors among the answers that are given, at every threshold.

    Attributes:
        threshold: (T,) falling: answers with at least this confidence are given.
        answered: (T,) how many those are.
        errors: (T,) how many of them are wrong.
    """

    threshold: Vector
    answered: NDArray[np.int64]
    errors: NDArray[np.int64]

    @property
    def coverage(self) -> Vector:
        """(T,) share of rows that are answered."""
        share: Vector = self.answered / self.answered[-1]
        return share

    @property
    def risk(self) -> Vector:
        """(T,) share of the answers that are wrong."""
        return self.errors / self.answered

    @property
    def aurc(self) -> float:
        """Area under risk over coverage: the mean risk when 1, 2, … N rows are answered, the surest first.

        Within rows of equal confidence the errors count as spread evenly, so that the order of rows does not matter.

        Source: Y. Geifman, G. Uziel, R. El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers",
        ICLR 2019.
        """
        steps = np.arange(self.answered[-1] + 1)
        errors = np.interp(steps, np.r_[0, self.answered], np.r_[0, self.errors])
        return float((errors[1:] / steps[1:]).mean())

    def at(self, threshold: float) -> tuple[float, float]:
        """Coverage, and accuracy of what is answered (nan when nothing is), with any threshold."""
        place = int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1
        if place < 0:
            return 0.0, float("nan")
        return float(self.coverage[place]), float(1 - self.risk[place])


@dataclass(frozen=True)
class Threshold:
    """A confidence below which to abstain.

    Attributes:
        value: the smallest that reaches the accuracy; None when none does.
        wanted: the accuracy that was asked for.
        certainty: with which it is reached on pictures drawn like these.
        coverage: share of these rows that are answered.
        accuracy: of those answers.
        bound: what the accuracy is at least, with that certainty.
    """

    value: float | None
    wanted: float
    certainty: float
    coverage: float
    accuracy: float
    bound: float


def risk_coverage(confidence: Vector, is_right: NDArray[np.bool_]) -> RiskCoverage:
    """Sort rows by confidence, and count.

    Example:
        >>> found = risk_coverage(np.array([0.9, 0.5, 0.7]), np.array([True, False, True]))
        >>> found.risk.round(2).tolist(), round(found.aurc, 3)
        ([0.0, 0.0, 0.33], 0.111)
    """
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order]
    last = np.r_[np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1]
    errors = np.cumsum(~is_right[order])[last]
    return RiskCoverage(falling[last].astype(np.float64), (last + 1).astype(np.int64), errors.astype(np.int64))


def threshold_for(selection: RiskCoverage, accuracy: float, certainty: float = 0.95) -> Threshold:
    """The smallest threshold with which answers reach an accuracy, on these rows and with certainty on others.

    A threshold whose plain accuracy here is just reached would miss it on half of all other data sets. Therefore the
    lower bound of the accuracy must reach it. The thresholds looked at are those that answer 5 %, 10 % … 100 % of the
    rows, and the error of ``1 - certainty`` is shared out among them.

    Args:
        selection: risk and coverage of rows that did not train the model.
        accuracy: wanted, from 0 to 1.
        certainty: from 0.5 to 1.

    Raises:
        InputError: accuracy or certainty make no sense.

    Source: A. Angelopoulos, S. Bates, E. Candès, M. Jordan, L. Lei, "Learn then test", 2021, with the exact binomial
    bound and Bonferroni's correction. (The bisection of Y. Geifman, R. El-Yaniv, "Selective classification for deep
    neural networks", NeurIPS 2017, has fewer looks, but finds nothing after one unlucky one.)
    """
    if not 0 < accuracy < 1:
        raise InputError(f"an accuracy of {accuracy:g}: expected a share between 0 and 1, e.g. 0.95")
    if not 0.5 <= certainty < 1:
        raise InputError(f"a certainty of {certainty:g}: expected from 0.5 to less than 1, e.g. 0.95")
    wanted = np.ceil(np.linspace(0, 1, LOOKS + 1)[1:] * selection.answered[-1])
    places = np.unique(np.searchsorted(selection.answered, wanted))
    best, bound = -1, 0.0
    for place in places[::-1]:  # the most answers first
        answered, errors = int(selection.answered[place]), int(selection.errors[place])
        bound = lower_bound(answered - errors, answered, 1 - (1 - certainty) / LOOKS)
        if bound >= accuracy:
            best = int(place)
            break
    if best < 0:
        return Threshold(None, accuracy, certainty, 0.0, float("nan"), float("nan"))
    value = float(selection.threshold[best])
    coverage, reached_here = selection.at(value)
    # everything is answered: that needs no threshold
    return Threshold(0.0 if coverage == 1 else value, accuracy, certainty, coverage, reached_here, bound)


def lower_bound(hits: int, count: int, certainty: float = 0.95) -> float:
    """One-sided lower bound of a share: the one with which so many hits or more have chance ``1 - certainty``.

    Source: C. Clopper, E. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 1934.

    Example:
        >>> round(lower_bound(10, 10), 4)  # 0.05 ** (1 / 10)
        0.7411
    """
    if hits == 0:
        return 0.0
    numbers = np.arange(hits, count + 1)
    factorial = np.r_[0.0, np.cumsum(np.log(np.arange(1, count + 1)))]
    ways = factorial[count] - factorial[numbers] - factorial[count - numbers]
    low, high = 0.0, hits / count
    for _ in range(60):
        share = (low + high) / 2
        chance = np.exp(ways + numbers * np.log(share) + (count - numbers) * np.log1p(-share)).sum()
        low, high = (share, high) if chance < 1 - certainty else (low, share)
    return low
