"""What a step computes. The loop in :mod:`mien.train.fit` does everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn

from mien.train.loader import Batch


class Update(NamedTuple):
    """One optimiser update of one part.

    Attributes:
        part: name of the part that moves.
        loss: scalar to minimise.
        logs: numbers to average over the epoch.
    """

    part: str
    loss: torch.Tensor
    logs: dict[str, torch.Tensor]


class Task(Protocol):
    """What is learned."""

    def parts(self) -> Mapping[str, nn.Module]:
        """Named modules; each gets its own optimiser."""
        ...

    def updates(self, parts: Mapping[str, nn.Module], batch: Batch) -> Iterator[Update]:
        """The updates of one step, in order; the loop moves a part before it asks for the next."""
        ...

    def settle(self, parts: Mapping[str, nn.Module], batches: Iterable[Batch]) -> None:
        """Fit what depends on the data and not on a gradient (statistics of batch norms) to averaged weights."""
        ...

    def validate(self, parts: Mapping[str, nn.Module]) -> dict[str, Any]:
        """Measure on the validation split; must hold the recipe's metric."""
        ...
