"""Could the differences between groups be chance? Permutation tests, and a correction for many looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def permute(
    is_right: NDArray[np.bool_],
    targets: NDArray[np.int64],
    group: NDArray[np.intp],
    units: NDArray[np.intp] | None,
    permutations: int,
    seed: int,
) -> tuple[Vector, float]:
    """Test whether groups differ in what they get right, given their classes.

    Args:
        is_right: (N,).
        targets: (N,) class indices.
        group: (N,) from 0 to G - 1, none of them empty.
        units: (N,) persons: a person's rows stay together, and may go to another group as a whole. None for single
            rows, which are exchanged within their class.
        permutations: draws.
        seed: of the draws.

    Returns:
        (G,) two-sided p-values of each group against what its classes make expect, and the p-value of all together.

    Source: rows exchanged within classes are the exact form of N. Mantel, W. Haenszel, J. Natl. Cancer Inst. 1959; the
    data themselves count as one draw: B. Phipson, G. Smyth, "Permutation p-values should never be zero", 2010.
    """
    generator = np.random.default_rng(seed)
    classes, count = int(targets.max()) + 1, int(group.max()) + 1
    cells = np.bincount(group * classes + targets, minlength=count * classes).reshape(count, classes)
    hits = np.bincount(targets, is_right, classes).astype(np.int64)
    recall = hits / np.maximum(cells.sum(axis=0), 1)
    surprise = is_right - recall[targets]  # sums to 0 within each class
    observed = np.bincount(group, surprise, count)
    if units is None:
        drawn = np.zeros((permutations, count))
        for index in np.flatnonzero(cells.sum(axis=0)):
            # exchanging rows of one class is dealing its hits to the groups' rows of that class
            drawn += generator.multivariate_hypergeometric(cells[:, index], hits[index], permutations)
        drawn -= cells @ recall
    else:
        # a person with rows in two groups counts as two
        _, unit = np.unique(units * count + group, return_inverse=True)
        per_unit, place = np.bincount(unit, surprise), np.zeros(int(unit.max()) + 1, np.intp)
        place[unit] = group
        size = np.bincount(unit).astype(np.float64)
        drawn = np.zeros((permutations, count))
        for draw in range(permutations):
            dealt = generator.permutation(place)
            weight = np.bincount(dealt, size, count)
            # groups get other numbers of rows: what is compared is the surprise per row
            drawn[draw] = np.bincount(dealt, per_unit, count) / np.maximum(weight, 1) * cells.sum(axis=1)
    close = 1e-9
    rows = cells.sum(axis=1)
    each = (1 + (np.abs(drawn) >= np.abs(observed) - close).sum(axis=0)) / (permutations + 1)
    together = (drawn**2 / rows).sum(axis=1) >= (observed**2 / rows).sum() - close
    return np.asarray(each, np.float64), float((1 + together.sum()) / (permutations + 1))


def holm(p_values: Vector) -> Vector:
    """Adjust p-values for the number of them.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 1979.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.zeros(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted
