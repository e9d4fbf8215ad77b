"""Differential evolution, a whole generation per pass.

Source: R. Storn, K. Price, "Differential Evolution" (1997), DE/rand/1/bin; the weight is drawn for each child, which
Das, Konar and Chakraborty (2005) call dither.
"""

from __future__ import annotations

import numpy as np

from mien.bias.search import Problem

#: Members per free class, and the fewest.
PER_CLASS, FEWEST = 6, 20
#: Share of the biases that a child takes from its mutant.
CROSSOVER = 0.9


def search(problem: Problem, seed: int) -> None:
    """Evolve until no trials are left. The zero bias is one of the first members."""
    draw = np.random.default_rng(seed)
    size = len(problem.free)
    count = min(max(FEWEST, PER_CLASS * size), max(problem.trials, 4))
    members = draw.uniform(-problem.reach, problem.reach, (count, size))
    # half of the first members near zero: that is where most good biases are
    members[: count // 2] *= 0.3
    members[0] = 0.0
    values = np.concatenate([problem.values[:1], problem.try_points(members[1:])])
    while problem.left > 0 and len(values) == count:
        # three others for each member: the same shift of one random order, so that all are different
        order = draw.permutation(count)
        place = np.argsort(order)
        shifts = draw.choice(np.arange(1, count), 3, replace=False)
        first, second, third = (members[order[(place + shift) % count]] for shift in shifts)
        mutants = first + draw.uniform(0.4, 0.9, (count, 1)) * (second - third)
        is_taken = draw.random((count, size)) < CROSSOVER
        is_taken[np.arange(count), draw.integers(size, size=count)] = True
        children = np.where(is_taken, mutants, members).clip(-problem.reach, problem.reach)
        found = problem.try_points(children)
        is_better = found >= values[: len(found)]
        members[: len(found)][is_better] = children[: len(found)][is_better]
        values[: len(found)][is_better] = found[is_better]
