"""All points of a grid."""

from __future__ import annotations

import numpy as np

from mien.bias.search import Problem
from mien.errors import InputError

#: Points per class: fewer are no grid.
LEAST = 3


def search(problem: Problem, seed: int) -> None:
    """Try the finest grid with an odd number of points per class that fits in the trials, all in one pass."""
    size = len(problem.free)
    steps = int(problem.trials ** (1 / size) + 1e-9)
    steps -= steps % 2 == 0  # odd, so that 0 is one of them
    if steps < LEAST:
        raise InputError(
            f"a grid over {size} classes has at least {LEAST**size:,} points, but there are {problem.trials:,} trials: "
            "name fewer classes, allow more trials, or take another method"
        )
    axis = np.linspace(-problem.reach, problem.reach, steps)
    points = np.stack(np.meshgrid(*[axis] * size, indexing="ij"), axis=-1).reshape(-1, size)
    problem.try_points(points[(points != 0).any(axis=1)])  # the zero bias was tried before
