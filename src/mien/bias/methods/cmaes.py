"""CMA-ES, a whole generation per pass.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial" (2016), as the package ``cmaes`` computes it. The sweep of
recipes has it too, but as a sampler of Optuna, one trial at a time with its state made anew from a file: a training
takes minutes. Here a trial takes microseconds.
"""

from __future__ import annotations

import numpy as np

from mien.bias.search import Problem
from mien.errors import need

#: The first generation spreads this far, as a share of the reach.
SIGMA = 0.3
#: The smallest generation: steps of counted rows are noisy, and a pass over many points costs little more.
GENERATION = 16


def search(problem: Problem, seed: int) -> None:
    """Run generations from the zero bias until no trials are left; start again wider when one has come to rest."""
    package = need("cmaes", "lab", "the method cmaes")
    size = len(problem.free)
    if size == 1:  # the package needs two dimensions; a line needs no strategy
        problem.try_points(np.linspace(-problem.reach, problem.reach, problem.trials - 1)[:, None])
        return
    sides = np.tile([-problem.reach, problem.reach], (size, 1))
    population = max(GENERATION, 4 + int(3 * np.log(size)))
    draw = np.random.default_rng(seed)
    while problem.left > 0:
        state = package.CMA(
            mean=np.zeros(size),
            sigma=SIGMA * problem.reach,
            bounds=sides,
            seed=int(draw.integers(2**31)),
            population_size=population,
        )
        while problem.left > 0 and not state.should_stop():
            points = np.array([state.ask() for _ in range(population)])
            values = problem.try_points(points)
            if len(values) < population:
                return
            state.tell([(point, -value) for point, value in zip(points, values, strict=True)])
        population *= 2  # Auger and Hansen, "A Restart CMA Evolution Strategy With Increasing Population Size" (2005)
