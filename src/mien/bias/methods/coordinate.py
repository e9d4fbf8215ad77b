"""One class after the other: a line of biases in one pass, the best stays, and the lines become shorter.

Labelled objectives are steps in each bias, so there is no slope to follow; a line of points is as good as any.
"""

from __future__ import annotations

import numpy as np

from mien.bias.search import Problem

#: Points on a line.
POINTS = 21
#: Lines shorter than this (in logits) change no more than a row or two.
FINEST = 0.02


def search(problem: Problem, seed: int) -> None:
    """Climb from the zero bias; a round over all classes that finds nothing better halves the lines."""
    point, value = np.zeros(len(problem.free)), float(problem.values[0])
    width = problem.reach
    while width > FINEST and problem.left > 0:
        has_grown = False
        for index in range(len(point)):
            line = np.tile(point, (POINTS, 1))
            line[:, index] = np.linspace(point[index] - width, point[index] + width, POINTS)
            line[:, index] = line[:, index].clip(-problem.reach, problem.reach)
            values = problem.try_points(line)
            if len(values) and values.max() > value:
                # the middle of the best points: room on both sides is what carries over to other rows
                best = np.flatnonzero(values == values.max())
                place = best[len(best) // 2]
                point, value, has_grown = line[place], float(values[place]), True
        if not has_grown:
            width /= 2
