"""The rate over time, as a factor of the recipe's rate.

Pure functions of progress (optimiser steps done / optimiser steps in all, 0 to 1): resuming needs no state, and
accumulation cannot put a schedule out of step.
"""

from __future__ import annotations

import math

from mien.parts import Schedule


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def constant(recipe: Schedule, progress: float) -> float:
    """1 throughout; ``plateau`` cuts the rate by itself."""
    return 1.0


def cosine(recipe: Schedule, progress: float) -> float:
    """Linear warm-up, then half a cosine (Loshchilov and Hutter, "SGDR", 2017, equation 5, without restarts)."""
    if progress < recipe.warmup:
        return progress / recipe.warmup
    return _half_cosine(1.0, recipe.floor, (progress - recipe.warmup) / (1 - recipe.warmup))


def onecycle(recipe: Schedule, progress: float) -> float:
    """Half a cosine up, half a cosine down (Smith and Topin, "Super-Convergence", 2018).

    By default it starts at 1/25 and warms up for 30 %, as ``OneCycleLR`` does.
    """
    warmup = recipe.warmup or 0.3
    if progress < warmup:
        return _half_cosine(recipe.start, 1.0, progress / warmup)
    return _half_cosine(1.0, recipe.floor, (progress - warmup) / (1 - warmup))


def restarts(recipe: Schedule, progress: float) -> float:
    """Half a cosine down, again and again, each ``growth`` times as long as the one before.

    Source: Loshchilov and Hutter, "SGDR", 2017, equation 5.
    """
    epoch, length = min(progress, 1 - 1e-9) * recipe.epochs, float(recipe.period)
    while epoch >= length:
        epoch, length = epoch - length, length * recipe.growth
    return _half_cosine(1.0, recipe.floor, epoch / length)


def exponential(recipe: Schedule, progress: float) -> float:
    """The same share less with every step, down to ``floor``."""
    return recipe.floor**progress


class Plateau:
    """Cut the rate when a metric stops growing.

    Source: as ``ReduceLROnPlateau`` (mode max, threshold 1e-4 absolute, no cooldown).
    """

    def __init__(self, recipe: Schedule) -> None:
        self.recipe = recipe
        self.state = {"factor": 1.0, "best": -math.inf, "waited": 0.0}

    def observe(self, metric: float) -> None:
        """Tell it the metric of the epoch that ended."""
        if metric > self.state["best"] + 1e-4:
            self.state.update(best=metric, waited=0.0)
            return
        self.state["waited"] += 1
        if self.state["waited"] > self.recipe.patience:
            self.state["factor"] = max(self.state["factor"] * self.recipe.factor, self.recipe.floor)
            self.state["waited"] = 0.0
