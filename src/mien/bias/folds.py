"""Which rows choose, and which check."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError


def folds_of(
    targets: NDArray[np.integer[Any]], count: int, seed: int, groups: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Deal rows into folds: each class evenly, or whole groups (persons) when there are any.

    Args:
        targets: (N,) class indices; -1 without a label, which is a class of its own here.
        count: folds.
        seed: of the dealing.
        groups: (N,) one name per row; rows without a name are dealt one by one.

    Returns:
        (N,) fold of each row, from 0.

    Raises:
        InputError: fewer than two folds, or more folds than rows or groups.

    Example:
        >>> folds_of(np.array([0, 0, 0, 0, 1, 1]), 2, seed=0).tolist().count(0)
        3
    """
    if count < 2:
        raise InputError(f"{count} folds: expected at least 2, or 0 for none")
    generator = np.random.default_rng(seed)
    folds = np.zeros(len(targets), np.int64)
    names = np.full(len(targets), "") if groups is None else np.asarray(groups).astype(str)
    units = len(set(names[names != ""])) + int((names == "").sum())
    if units < count:
        raise InputError(f"{count} folds of {units} {'rows' if groups is None else 'persons'}: take fewer folds")
    dealt = 0  # where the last class ended, so that small classes do not all go to the first folds
    for target in np.unique(targets):
        rows = np.flatnonzero((targets == target) & (names == ""))
        folds[generator.permutation(rows)] = (dealt + np.arange(len(rows))) % count
        dealt += len(rows)
    sizes = np.bincount(folds[names == ""], minlength=count).astype(np.float64)
    people, person, rows_of = np.unique(names[names != ""], return_inverse=True, return_counts=True)
    order = generator.permutation(len(people))
    fold_of = np.zeros(len(people), np.int64)
    for index in order[np.argsort(-rows_of[order], kind="stable")]:  # the largest first, each to the smallest fold
        fold_of[index] = sizes.argmin()
        sizes[fold_of[index]] += rows_of[index]
    folds[names != ""] = fold_of[person]
    return folds
