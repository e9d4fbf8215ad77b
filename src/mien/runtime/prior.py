"""How frequent is each class? Answers for other shares of the classes than those that training showed.

A network's probabilities take for granted that faces come in the shares it was taught: where neutral was frequent, it
says neutral when in doubt. With the shares in the card (``Card.prior``), Bayes' rule gives the answers for any others,
and nothing is trained again:

* ``training``: as the card says, with its biases;
* ``uniform``: for equally frequent classes;
* ``auto``: for the shares in these very pictures, which are estimated from the answers, without labels.

Source: Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities", 2002,
equations 2.4 and 2.9; Menon et al., "Long-tail Learning via Logit Adjustment", 2021, section 4.1, for ``uniform``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.table import did_you_mean

#: The choices; the first is what happens without one.
PRIORS = ("training", "uniform", "auto")
#: ``auto`` estimates as if so many further faces in the shares of training had been seen. So one face changes little,
#: a hundred nearly all, and no class is ever ruled out. With less, the answers for a handful of faces scatter.
FACES = 10
#: Shares change by less than this: done.
TOLERANCE = 1e-6
STEPS = 1000


def check(choice: str, models: Iterable[tuple[str, Sequence[float] | None]]) -> None:
    """See that models can answer so.

    Args:
        choice: one of ``PRIORS``.
        models: name of each, and the prior in its card.

    Raises:
        InputError: there is no such choice, or a card does not say what the shares were in training.
    """
    if choice not in PRIORS:
        raise InputError(f"prior {choice!r}: {did_you_mean(choice, list(PRIORS))}")
    for name, prior in models if choice != "training" else ():
        if not prior:
            raise InputError(
                f"{name}: its card does not say which shares the classes had in training, so there is no prior "
                f"{choice!r}; `mien export MODEL --prior FACES.csv --out NEW.onnx` writes them into it, from the "
                "manifest that trained it"
            )


def shares(prior: Sequence[float]) -> NDArray[np.float64]:
    """(C,) shares to divide by: a class that training never showed counts as the rarest that it did.

    Example:
        >>> shares([0.75, 0.25, 0.0]).tolist()
        [0.6, 0.2, 0.2]
    """
    given = np.asarray(prior, np.float64)
    floored = np.maximum(given, given[given > 0].min())
    found: NDArray[np.float64] = floored / floored.sum()
    return found


def biases(prior: Sequence[float], temperature: float = 1.0) -> NDArray[np.float32]:
    """(C,) what is added to the logits, instead of the biases in a card, for equally frequent classes.

    A bias is a prior by another name: both say how much more a class is to be believed. So it is one or the other.

    Args:
        prior: of the card.
        temperature: of the card; what the sum is divided by then.
    """
    return np.asarray(-temperature * np.log(shares(prior)), np.float32)


def estimate(
    probabilities: NDArray[np.float64],
    prior: NDArray[np.float64],
    expected: NDArray[np.float64] | None = None,
    faces: float = 0,
) -> NDArray[np.float64]:
    """Shares of the classes in rows, from a model's probabilities, by expectation-maximisation.

    Args:
        probabilities: (N, C) of a model for classes that have the shares ``prior``.
        prior: (C,) sums to one.
        expected: (C,) shares that are expected before any row is seen, as if of so many further faces.
        faces: how many; 0 for none.

    Returns:
        (C,) the shares under which these rows are likeliest; without rows those expected, or else the prior.

    Source: Saerens et al. (2002), equation 2.9; further faces are the mode under a Dirichlet distribution.

    Example:
        >>> even = np.array([0.5, 0.5])
        >>> rows = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> estimate(rows, even).tolist(), estimate(rows, even, expected=even, faces=4).tolist()
        ([0.75, 0.25], [0.625, 0.375])
    """
    further = np.zeros_like(prior) if expected is None else faces * expected
    count = len(probabilities) + further.sum()
    found = prior
    for _ in range(STEPS if count else 0):
        before, found = found, (reweighed(probabilities, found / np.maximum(prior, 1e-6)).sum(axis=0) + further) / count
        if np.abs(found - before).max() < TOLERANCE:
            break
    return found


def reweighed(probabilities: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, C) probabilities times (C,) weights, each row adding up to one again.

    Example:
        >>> reweighed(np.array([[0.5, 0.5]]), np.array([3.0, 1.0])).tolist()
        [[0.75, 0.25]]
    """
    weighed = probabilities * weights
    found: NDArray[np.float64] = weighed / weighed.sum(axis=1, keepdims=True)
    return found


def told(names: Iterable[str], shares: NDArray[np.float64]) -> str:
    """Shares for people, the largest first.

    Example:
        >>> told(["calm", "glad"], np.array([0.125, 0.875]))
        'glad 87.5 %, calm 12.5 %'
    """
    order = sorted(zip(names, shares.tolist(), strict=True), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {100 * share:.1f} %" for name, share in order)


def estimate_from_uniform(probabilities: NDArray[np.float64], trained: NDArray[np.float64]) -> NDArray[np.float64]:
    """What ``auto`` takes the shares for: from (N, C) answers for equally frequent classes, and the prior (C,)."""
    return estimate(probabilities, np.full(len(trained), 1 / len(trained)), trained, FACES)
