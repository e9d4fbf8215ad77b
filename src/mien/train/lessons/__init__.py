"""What a training needs before the loop can start: the data, ready; the net; and for every phase a task and batches.

A lesson knows the recipe's parts and the manifest. The task that it makes knows neither, and the loop knows nothing of
what is learned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lightning_fabric import Fabric
from torch import nn

from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train.loader import Loader
from mien.train.tasks import Task


class Lesson(Protocol):
    """One kind of training; made from the recipe, the manifest, and whether the run starts from nothing.

    Making it finds whatever is wrong with the two, before the run folder is touched and before the long work.

    Attributes:
        nets: what is trained, by the names of the task's parts.
    """

    nets: dict[str, nn.Module]

    def prepare(
        self, run: RunDir, fabric: Fabric, progress: Callable[[str, int, int], None], say: Callable[[str], None]
    ) -> None:
        """Do the long work before the first epoch."""
        ...

    def phase(self, stage: Recipe, fabric: Fabric) -> tuple[Task, Loader]:
        """What the loop needs for one phase."""
        ...
