"""An experiment of several arms: one recipe on different data, or changed in some values; each with the same seeds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mien.errors import InputError
from mien.evaluate.paired import Arm
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train.scored import train_seeds
from mien.train.shortcut import say


@dataclass(frozen=True, eq=False)
class ArmPlan:
    """What one arm learns from, and how.

    Attributes:
        name: short; also its folder.
        recipe: the intent.
        data: manifest with splits.
    """

    name: str
    recipe: Recipe
    data: Manifest


def train_arms(
    plans: Sequence[ArmPlan],
    out: str | os.PathLike[str],
    console: Console,
    *,
    split: str,
    test: Manifest | None = None,
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    threads: int | None = None,
) -> list[Arm]:
    """Train every arm with every seed and score it; what has ended is not done again.

    Args:
        plans: two or more, with different names.
        out: folder; ``<arm>/seed-N`` are the runs.
        console: where lines go.
        split: whose pictures are scored.
        test: holds that split for all arms; None for each arm's own data.
        seeds: of the trainings.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: of scoring.

    Raises:
        InputError: fewer than two arms, or a name twice.
        ManifestError: no pictures in that split.
        RunError: ``out`` holds runs of another recipe or of other data.

    Example:
        ``compare(train_arms(plans, "runs/enhanced", Console(), split="test", seeds=(0, 1, 2)))``
    """
    names = [plan.name for plan in plans]
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f"arms {', '.join(names) or 'none'}: expected two or more with different names")
    for plan in plans:  # before hours of work
        (test or plan.data).split(split).check_files()
    arms = []
    for number, plan in enumerate(plans, 1):
        say(console, f"arm {number} of {len(plans)}: {plan.name}")
        folder = Path(out) / plan.name
        scores = train_seeds(
            plan.recipe,
            plan.data,
            folder,
            console,
            seeds=seeds,
            test=test or plan.data,
            split=split,
            device=device,
            threads=threads,
        )
        seconds = [RunDir(folder / f"seed-{seed}").seconds() for seed in seeds]
        arms.append(Arm(plan.name, tuple(scores), sum(seconds) / len(seconds)))
    return arms
