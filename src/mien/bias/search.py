"""One search: rows, an objective, a method of the table, and all that was tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.bias.objectives import Objective
from mien.bias.tally import Tally
from mien.errors import InputError
from mien.table import Table

METHODS = Table(
    "method",
    {
        "coordinate": ("mien.bias.methods.coordinate:search", "one class after the other, in ever finer steps"),
        "cmaes": ("mien.bias.methods.cmaes:search", "CMA-ES: a normal distribution that moves to the good biases"),
        "evolutionary": ("mien.bias.methods.evolutionary:search", "differential evolution"),
        "optuna": ("mien.bias.methods.tpe:search", "Optuna's TPE"),
        "grid": ("mien.bias.methods.grid:search", "all points of a grid: for one to six classes"),
        "logit_adjustment": (
            "mien.bias.methods.adjustment:search",
            "minus tau times the logarithm of the class shares; only tau is searched",
        ),
        "em": ("mien.bias.methods.em:search", "estimates the shares of the classes in new data, without labels"),
    },
)


class Method(Protocol):
    """An entry of the table: tries points of a problem. It ends by itself, or when no trials are left."""

    def __call__(self, problem: Problem, seed: int) -> None:
        """Try; the same seed gives the same trials."""


class Problem:
    """Which biases are best on these rows? Methods ask :meth:`try_points`, the problem remembers.

    A point is the biases of the free classes; the others stay 0. All biases can grow together without any effect, so
    where every class is free the one that is answered most stays 0 as well.

    Args:
        tally: the rows.
        objective: what is made as high as possible.
        free: indices of the classes that get a bias.
        reach: biases stay between -reach and reach, where a method has no other idea of its own.
        trials: how many points may be tried, the zero bias included, which always is.
        prior: (C,) shares of the classes in the data that trained the model, or None.
        temperature: of the model's card; probabilities are those of logits divided by it.
    """

    def __init__(
        self,
        tally: Tally,
        objective: Objective,
        free: Sequence[int],
        *,
        reach: float,
        trials: int,
        prior: NDArray[np.float64] | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.tally, self.objective, self.reach, self.trials = tally, objective, reach, trials
        self.prior, self.temperature = prior, temperature
        self.zero = tally.counts(np.zeros((1, tally.classes)))[0]
        most = int(self.zero.sum(axis=0).argmax())
        self.free = [index for index in free if len(free) < tally.classes or index != most]
        self.points = np.zeros((1, len(self.free)))
        self.values = objective.values(self.zero[None], self.zero)
        #: Set by a method that knows its answer without comparing values.
        self.decision: NDArray[np.float64] | None = None

    @property
    def left(self) -> int:
        """Trials that are left."""
        return self.trials - len(self.values)

    def expand(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(K, C) biases of all classes."""
        biases = np.zeros((len(points), self.tally.classes))
        biases[:, self.free] = points
        return biases

    def reduce(self, biases: NDArray[np.float64]) -> NDArray[np.float64]:
        """(K, D) the points nearest to (K, C) biases: moved so that the classes that stay 0 are 0 on average."""
        fixed = [index for index in range(self.tally.classes) if index not in self.free]
        moved: NDArray[np.float64] = (biases - biases[:, fixed].mean(axis=1, keepdims=True))[:, self.free]
        return moved

    def try_points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(K,) values of (K, D) points; only as many as trials are left."""
        points = np.asarray(points, np.float64)[: max(self.left, 0)]
        if not len(points):
            return np.empty(0)
        values = self.objective.values(self.tally.counts(self.expand(points)), self.zero)
        self.points = np.concatenate([self.points, points])
        self.values = np.concatenate([self.values, values])
        return values

    def answer(self) -> NDArray[np.float64]:
        """(C,) the best biases of all that was tried: among equal ones the smallest, so the zero bias before all."""
        point = self.decision
        if point is None:
            best = np.flatnonzero(self.values == self.values.max())
            point = self.points[best[np.abs(self.points[best]).sum(axis=1).argmin()]]
        return self.expand(np.asarray(point)[None]).ravel()


def search(problem: Problem, method: str, seed: int = 0) -> NDArray[np.float64]:
    """Search with a method of the table.

    Returns:
        (C,) biases, to be added to the logits.

    Raises:
        UnknownName: no such method.
        InputError: the method cannot work on this problem.
    """
    if not problem.free:
        raise InputError("no class to search a bias for: name at least one")
    run: Method = METHODS.load(method)
    run(problem, seed)
    return problem.answer()
