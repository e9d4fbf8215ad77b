"""Prior correction by expectation-maximisation: which shares have the classes in these rows? Looks at no label."""

from __future__ import annotations

import numpy as np

from mien.bias.methods.adjustment import probabilities
from mien.bias.search import Problem
from mien.errors import InputError
from mien.runtime.prior import estimate


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
