"""Optuna's tree-structured Parzen estimator, one trial at a time."""

from __future__ import annotations

import warnings

import numpy as np

from mien.bias.search import Problem
from mien.errors import need


def search(problem: Problem, seed: int) -> None:
    """Search with TPE. It starts from the zero bias, without which it may end below doing nothing.

    Source: Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (2011); Falkner et al. (2018) for
    ``multivariate``, which draws the biases together.
    """
    optuna = need("optuna", "lab", "the method optuna")
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
            study = optuna.create_study(direction="maximize", sampler=sampler)
            side = optuna.distributions.FloatDistribution(-problem.reach, problem.reach)
            sides = {str(index): side for index in range(len(problem.free))}
            zero = optuna.trial.create_trial(
                params=dict.fromkeys(sides, 0.0), distributions=sides, value=float(problem.values[0])
            )
            study.add_trial(zero)
            while problem.left > 0:
                trial = study.ask(sides)
                point = np.array([trial.params[name] for name in sides])
                study.tell(trial, float(problem.try_points(point[None])[0]))
    finally:
        optuna.logging.set_verbosity(level)
