"""Prior correction by expectation-maximisation: which shares have the classes in these rows? Looks at no label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.bias.methods.adjustment import probabilities
from mien.bias.search import Problem
from mien.errors import InputError

#: Shares change by less than this: done.
TOLERANCE = 1e-6
STEPS = 1000


def search(problem: Problem, seed: int) -> None:
    """Take the biases that Bayes' rule gives for the estimated shares, whatever the objective says of them.

    The probabilities must mean what they say: calibrate the model first.

    Raises:
        InputError: the shares of the classes in the training data are not known.
    """
    if problem.prior is None:
        raise InputError("the method em needs the shares of the classes in the data that trained the model: the prior")
    shares = estimate(probabilities(problem), problem.prior)
    ratio = np.log(np.maximum(shares, 0.5 / problem.tally.size)) - np.log(np.maximum(problem.prior, 1e-6))
    point = problem.reduce(problem.temperature * ratio[None])
    problem.try_points(point)
    problem.decision = point[0]


def estimate(probabilities: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the classes in rows, from a model's probabilities.

    Args:
        probabilities: (N, C) of a model that was trained where the classes had the shares ``prior``.
        prior: (C,) sums to one.

    Returns:
        (C,) the shares under which these rows are likeliest.

    Source: Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities"
    (2002), equation 2.9.

    Example:
        >>> even = np.array([0.5, 0.5])
        >>> estimate(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), even).tolist()
        [0.75, 0.25]
    """
    shares = prior
    for _ in range(STEPS):
        weighed = probabilities * (shares / np.maximum(prior, 1e-6))
        found: NDArray[np.float64] = (weighed / weighed.sum(axis=1, keepdims=True)).mean(axis=0)
        is_done = np.abs(found - shares).max() < TOLERANCE
        shares = found
        if is_done:
            break
    return shares
