"""CMA-ES for a sweep: a normal distribution over all ranges that moves to where the good trials lie.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial" (2016), as the package ``cmaes`` computes it. Optuna's own
sampler keeps its state pickled in the study; here the state follows anew from the trials that have ended.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

#: Every range is a side of the unit cube; the first generation spreads this far from its middle.
SIGMA = 0.3


class Evolution(BaseSampler):
    """Proposes from CMA-ES for ranges; choices are drawn.

    Args:
        seed: of the proposal.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rest = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The ranges, which are proposed together."""
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        spaces = complete[0].distributions if complete else {}
        return {name: space for name, space in spaces.items() if not isinstance(space, CategoricalDistribution)}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A point from the distribution after all whole generations so far."""
        names = sorted(search_space)
        if len(names) < 2:
            return {}
        sides = np.tile([0.0, 1.0], (len(names), 1))
        state = CMA(mean=np.full(len(names), 0.5), sigma=SIGMA, bounds=sides, seed=self.seed)
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        points = [
            (np.array([_to_side(search_space[name], trial.params[name]) for name in names]), -float(trial.value or 0))
            for trial in complete
        ]
        size = state.population_size
        for first in range(0, len(points) - size + 1, size):
            state.tell(points[first : first + size])
        place: NDArray[np.float64] = state.ask()
        return {name: _from_side(search_space[name], float(side)) for name, side in zip(names, place, strict=True)}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Choices, and the trials before the first that is complete."""
        return self.rest.sample_independent(study, trial, param_name, param_distribution)


def _ends(space: BaseDistribution) -> tuple[float, float]:
    assert isinstance(space, (FloatDistribution, IntDistribution))
    low, high = float(space.low), float(space.high)
    return (float(np.log(low)), float(np.log(high))) if space.log else (low, high)


def _to_side(space: BaseDistribution, value: float) -> float:
    low, high = _ends(space)
    assert isinstance(space, (FloatDistribution, IntDistribution))
    return (float(np.log(value) if space.log else value) - low) / (high - low)


def _from_side(space: BaseDistribution, side: float) -> float | int:
    low, high = _ends(space)
    assert isinstance(space, (FloatDistribution, IntDistribution))
    value = low + side * (high - low)
    value = float(np.exp(value)) if space.log else value
    if space.step:
        value = space.low + space.step * round((value - space.low) / space.step)
    value = min(max(value, space.low), space.high)
    return round(value) if isinstance(space, IntDistribution) else float(value)
