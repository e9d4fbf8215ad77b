"""Is a difference more than chance? Tests of paired answers, and intervals that take several trainings into account."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import need
from mien.evaluate.interval import PIECE
from mien.evaluate.metrics import plain

Vector = NDArray[np.float64]

#: Up to so many rows that only one of two models has right, the binomial test is computed exactly.
EXACT = 1000


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p-value of "both models are right equally often", from the rows that only one of them has right.

    Exact (binomial) up to ``EXACT`` such rows, then chi-square with continuity correction.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika
    1947; for models: T. Dietterich, "Approximate statistical tests", Neural Computation 1998.

    Example:
        >>> mcnemar(1, 5)
        0.21875
    """
    count, fewer = only_first + only_second, min(only_first, only_second)
    if count <= EXACT:
        return float(min(1.0, 2 * sum(math.comb(count, number) for number in range(fewer + 1)) / 2**count))
    statistic = max(abs(only_first - only_second) - 1, 0) ** 2 / count
    return math.erfc(math.sqrt(statistic / 2))  # upper tail of chi-square with one degree of freedom


def sign_flip(
    differences: NDArray[np.floating[Any]], units: NDArray[np.intp], *, permutations: int = 10_000, seed: int = 0
) -> float:
    """McNemar's test with persons in place of rows: all differences of a person change their sign together.

    Args:
        differences: (N,) of each row, e.g. 1 where only the second model is right, -1 where only the first.
        units: (N,) person of each row, from 0.
        permutations: drawn; the p-value is never below ``1 / (permutations + 1)``.
        seed: of the draws.

    Source: R. A. Fisher, "The Design of Experiments", 1935, section 21.

    Example:
        >>> sign_flip(np.ones(20), np.arange(20)) < 0.001, sign_flip(np.ones(20), np.zeros(20, int))
        (True, 1.0)
    """
    sums = np.bincount(units, differences)
    sums = sums[sums != 0]
    generator = np.random.default_rng(seed)
    step, reached = max(1, PIECE // max(1, len(sums))), 1
    for start in range(0, permutations, step):
        signs = generator.integers(0, 2, (min(step, permutations - start), len(sums)), dtype=np.int8)
        drawn = np.abs((2 * signs.astype(np.float32) - 1) @ sums.astype(np.float32))
        reached += int((drawn >= abs(sums.sum()) - 1e-4).sum())
    return reached / (permutations + 1)


@dataclass(frozen=True)
class Estimate:
    """A number or a difference, and how far it could be off.

    Attributes:
        value: of the data as they are, mean over trainings.
        low: where it could lie as well: lower end.
        high: upper end.
        p_value: of a value as far from 0 by chance, over other pictures and other trainings; nan with one training
            each, where McNemar's test answers that for accuracy.
    """

    value: float
    low: float
    high: float
    p_value: float = float("nan")

    @property
    def is_clear(self) -> bool:
        """True when the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    def to_dict(self) -> dict[str, float | None]:
        """Plain values, ready for JSON."""
        return {name: plain(value) for name, value in vars(self).items()}


def estimate(
    second: Vector,
    drawn_second: Vector,
    first: Vector | None = None,
    drawn_first: Vector | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Mean over trainings, or the difference of two such means, with an interval.

    With one training on each side: percentiles of the draws; they say nothing about other trainings. With more, the
    variance over pictures (from the draws of the means) and over trainings (s²/n of each side) are added, with
    Student's t and the degrees of freedom of Welch and Satterthwaite. A side with a single training is given the
    other's variance.

    Args:
        second: (S,) share, such as an accuracy, of each training.
        drawn_second: (S, B) the same over B drawn data sets.
        first: (R,) what is subtracted, or None.
        drawn_first: (R, B) over the same draws.
        level: of the interval.

    Source: B. Welch, "The generalization of Student's problem", Biometrika 1947; that trainings must count beside
    pictures: X. Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021.

    Example:
        >>> drawn = np.array([[0.5, 0.6, 0.7]])
        >>> estimate(np.array([0.6]), drawn, level=1.0)
        Estimate(value=0.6, low=0.5, high=0.7, p_value=nan)
    """
    sides = [second] if first is None else [second, first]
    value = float(second.mean() - (0.0 if first is None else first.mean()))
    drawn = drawn_second.mean(axis=0) - (0.0 if drawn_first is None else drawn_first.mean(axis=0))
    kept = drawn[np.isfinite(drawn)]
    if all(len(side) == 1 for side in sides):
        if not len(kept):
            return Estimate(value, value, value)
        low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
        return Estimate(value, float(low), float(high))
    special = need("scipy.special", "lab", "an interval over several trainings")
    variances = [float(side.var(ddof=1)) for side in sides if len(side) > 1]
    freedom = [len(side) - 1 for side in sides if len(side) > 1]
    rows = float(kept.var()) if len(kept) else 0.0
    if len(sides) == 2 and len(variances) == 1:
        shared = variances[0] * (1 / len(sides[0]) + 1 / len(sides[1]))
        total, spread = rows + shared, shared**2 / freedom[0]
    else:
        parts = [variance / (number + 1) for variance, number in zip(variances, freedom, strict=True)]
        total = rows + sum(parts)
        spread = sum(part**2 / number for part, number in zip(parts, freedom, strict=True))
    if total == 0:
        return Estimate(value, value, value, 1.0 if value == 0 else 0.0)
    degrees = total**2 / spread if spread else 1e9  # as good as the normal distribution
    half = float(special.stdtrit(degrees, (1 + level) / 2)) * math.sqrt(total)
    p_value = float(2 * special.stdtr(degrees, -abs(value) / math.sqrt(total)))
    lowest = 0.0 if first is None else -1.0
    return Estimate(value, max(value - half, lowest), min(value + half, 1.0), p_value)
