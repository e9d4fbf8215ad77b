"""Logit adjustment: one number, tau, says how far rare classes are favoured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.bias.search import Problem

#: Values of tau: 0 is no change, 1 removes the shares of the classes as Bayes' rule does.
TAUS = np.linspace(0.0, 2.0, 81)


def search(problem: Problem, seed: int) -> None:
    """Try biases of -tau log(share of the class in the training data), times the model's temperature.

    Without a prior the shares are those of the labels here, or without labels those of the mean probabilities.

    Source: Menon et al., "Long-tail learning via logit adjustment" (2021), section 4.1, with tau searched as there.
    """
    shares = problem.prior
    if shares is None:
        rows = problem.zero[:-1].sum(axis=1).astype(np.float64)
        shares = rows if rows.sum() else probabilities(problem).mean(axis=0)
        shares = np.maximum(shares, 0.5 * shares.sum() / problem.tally.size)  # a class without a row: half a row
        shares = shares / shares.sum()
    log_shares = np.log(np.maximum(shares, 1e-6))
    taus = TAUS[1:] if problem.left >= len(TAUS) - 1 else np.linspace(0.0, 2.0, problem.left + 1)[1:]
    problem.try_points(problem.reduce(-problem.temperature * taus[:, None] * log_shares))


def probabilities(problem: Problem) -> NDArray[np.float64]:
    """(N, C) of the rows without biases, at the model's temperature."""
    logits = problem.tally.columns.T.astype(np.float64) / problem.temperature
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = exponent / exponent.sum(axis=1, keepdims=True)
    return found
