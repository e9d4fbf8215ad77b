"""How far drawn faces are from real ones: FID, KID, precision and recall, in the features of a network.

``frechet`` and ``kernel`` take features (N, D) from anywhere; ``distance`` takes two manifests. A distance is worth
nothing by itself: it depends on the network, on the number of pictures and on the classes they show. So beside each
stands what real faces get against other real ones, as many of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

#: Pictures in a block of KID: the paper's value. Fewer where there are not enough for ``BLOCKS`` of them.
BLOCK = 1000
#: At least so many blocks, so that their spread says something; more and smaller ones make the mean less exact.
BLOCKS = 10
#: Rows whose distances to all others are in memory at the same time.
ROWS = 512


@dataclass(frozen=True)
class Kernel:
    """The kernel distance (KID) of two sets.

    Attributes:
        mean: over the blocks; 0 is expected of two sets from one source, so it can be a little below.
        deviation: standard deviation of the blocks.
        low: lower end of its 95 % interval, by Student's t over the blocks.
        high: upper end.
        blocks: how many there are.
        size: pictures of the smaller set in a block.
    """

    mean: float
    deviation: float
    low: float
    high: float
    blocks: int
    size: int

    def __float__(self) -> float:
        return self.mean

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dict(self.__dict__)


def frechet(features_a: NDArray[Any], features_b: NDArray[Any]) -> float:
    """The Frechet distance of two sets of features, each taken as a normal distribution (FID).

    ``|m_a - m_b|^2 + tr(C_a) + tr(C_b) - 2 tr((C_a C_b)^(1/2))``. The last trace is the sum of the singular values of
    ``R_a R_b^T`` for any roots with ``R^T R = C``, so no root of a matrix that is not symmetric is needed: a root is
    the centred features themselves where they are fewer than the dimensions, else it comes from the eigenvectors.

    Args:
        features_a: (N, D).
        features_b: (M, D).

    Raises:
        InputError: other shapes, fewer than two rows, or numbers that are not finite.

    Source: M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
    NeurIPS 2017, equation 6. Few samples make it too large: compare only sets of the same size.

    Example:
        >>> drawn = np.random.default_rng(0).normal(size=(500, 4))
        >>> round(frechet(drawn, drawn + [3, 0, 0, 0]), 6)
        9.0
    """
    first, second = _checked(features_a, features_b, least=2)
    gap = first.mean(axis=0) - second.mean(axis=0)
    roots = _root(first), _root(second)
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    found = gap @ gap + np.square(roots[0]).sum() + np.square(roots[1]).sum() - 2 * shared
    return max(float(found), 0.0)


def _root(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R, D) with ``R^T R`` the covariance, R at most D."""
    centred: NDArray[np.float64] = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    if len(centred) <= centred.shape[1]:
        return centred
    values, vectors = np.linalg.eigh(centred.T @ centred)
    root: NDArray[np.float64] = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    return root


def kernel(
    features_a: NDArray[Any], features_b: NDArray[Any], *, block: int = BLOCK, blocks: int = BLOCKS, seed: int = 0
) -> Kernel:
    """The kernel distance of two sets of features (KID): squared maximum mean discrepancy, without bias.

    The kernel is ``(x y / D + 1)^3``. Both sets are shuffled and cut into the same number of blocks that do not
    overlap, so the blocks' values are independent and their mean has a standard error. Unlike FID it does not grow
    when there are fewer pictures.

    Args:
        features_a: (N, D).
        features_b: (M, D).
        block: pictures per block and set at most.
        blocks: blocks at least, as long as each keeps two pictures.
        seed: of the shuffling.

    Raises:
        InputError: other shapes, fewer than four rows, or numbers that are not finite.

    Source: M. Binkowski et al., "Demystifying MMD GANs", ICLR 2018, section 4 and equation 4; there blocks are drawn
    with replacement, here they are disjoint.

    Example:
        >>> drawn = np.random.default_rng(0).normal(size=(2000, 4))
        >>> found = kernel(drawn[:1000], drawn[1000:])
        >>> found.low < 0 < found.high
        True
    """
    first, second = _checked(features_a, features_b, least=4)
    if block < 2 or blocks < 2:
        raise InputError(f"kernel with block={block}, blocks={blocks}: expected at least 2 each")
    smaller = min(len(first), len(second))
    count = min(max(blocks, -(-smaller // block)), smaller // 2)
    generator = np.random.default_rng(seed)
    pieces = zip(_cut(first, count, block, generator), _cut(second, count, block, generator), strict=True)
    values = np.array([_discrepancy(one, other) for one, other in pieces])
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    reach = _student(count - 1) * deviation / float(np.sqrt(count))
    return Kernel(mean, deviation, mean - reach, mean + reach, count, min(smaller // count, block))


def _student(freedom: int) -> float:
    """97.5 % quantile of Student's t, to 0.005 from 9 degrees of freedom on.

    Source: M. Abramowitz, I. Stegun, "Handbook of Mathematical Functions", 1964, equation 26.7.5, two terms.
    """
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _cut(
    features: NDArray[np.float64], count: int, block: int, generator: np.random.Generator
) -> list[NDArray[np.float64]]:
    order = generator.permutation(len(features))
    return [features[rows[:block]] for rows in np.array_split(order, count)]


def _discrepancy(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Unbiased squared maximum mean discrepancy under the cubic kernel."""

    def grams(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = (one @ other.T / one.shape[1] + 1) ** 3
        return values

    total = -2 * grams(first, second).mean()
    for own in (first, second):
        values = grams(own, own)
        total += (values.sum() - np.trace(values)) / (len(own) * (len(own) - 1))
    return float(total)


def precision_recall(real: NDArray[Any], synthetic: NDArray[Any], *, neighbours: int = 3) -> tuple[float, float]:
    """How much of what is drawn looks real, and how much of what is real can be drawn.

    A set covers the balls around its members that reach to their k-th neighbour. Precision is the share of the
    synthetic faces in what the real ones cover, recall the share of the real ones in what the synthetic cover.

    Args:
        real: (N, D) features.
        synthetic: (M, D) features.
        neighbours: k.

    Returns:
        Precision and recall, 0 to 1.

    Raises:
        InputError: other shapes, fewer than k + 1 rows, or numbers that are not finite.

    Source: T. Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", NeurIPS
    2019, equations 1 and 2.

    Example:
        >>> drawn = np.random.default_rng(0).normal(size=(200, 4))
        >>> precision_recall(drawn, drawn), precision_recall(drawn, drawn + 100)
        ((1.0, 1.0), (0.0, 0.0))
    """
    if neighbours < 1:
        raise InputError(f"neighbours is {neighbours}: expected at least 1")
    first, second = _checked(real, synthetic, least=neighbours + 1)
    return _covered(second, first, neighbours), _covered(first, second, neighbours)


def _covered(points: NDArray[np.float64], centres: NDArray[np.float64], neighbours: int) -> float:
    """Share of the points that lie in a ball around a centre."""
    reach = [np.partition(rows, neighbours, axis=1)[:, neighbours] for rows in _squares(centres, centres)]
    slack = 1e-9 * float(np.square(centres).sum(axis=1).mean())  # for what the differences of large numbers lose
    radii = np.concatenate(reach) + slack  # each centre is its own nearest, at place 0
    return float(np.concatenate([(rows <= radii).any(axis=1) for rows in _squares(points, centres)]).mean())


def _squares(first: NDArray[np.float64], second: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Squared distances, some rows of ``first`` at a time."""
    own = np.square(second).sum(axis=1)
    for start in range(0, len(first), ROWS):
        rows = first[start : start + ROWS]
        yield np.square(rows).sum(axis=1)[:, None] + own - 2 * rows @ second.T


def _checked(
    features_a: NDArray[Any], features_b: NDArray[Any], least: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise InputError(f"features of the shapes {first.shape} and {second.shape}: expected (N, D) and (M, D)")
    if min(len(first), len(second)) < least:
        raise InputError(f"{len(first)} and {len(second)} pictures: expected at least {least} of each")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("features with values that are not finite numbers")
    return first, second
