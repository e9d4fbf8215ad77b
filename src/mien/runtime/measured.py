"""The one number of a model that a list has room for, and how quick a model is on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mien.card import Card
from mien.runtime.examine import Examined

#: Faces in one run, for the time of a single one and of many.
BATCHES = (1, 32)


@dataclass(frozen=True)
class Headline:
    """The best-founded number in a card.

    Attributes:
        measure: accuracy (0 to 1), psnr (dB) or fid (lower is better).
        value: of it.
        split: of which data.
        rows: how many pictures; None when the card does not say.
        low: end of the 95 % interval; None when the card has none.
        high: the other end.
        has_chosen: whether the same split chose the model or its epoch, so that the number flatters.
        beside: what it has to be compared with, e.g. bicubic interpolation; None for an accuracy.
    """

    measure: str
    value: float
    split: str
    rows: int | None = None
    low: float | None = None
    high: float | None = None
    has_chosen: bool = False
    beside: float | None = None

    def __str__(self) -> str:
        """For example ``85.4 % on val (84.2-86.6), which chose it``."""
        if self.measure == "accuracy":
            between = f" ({100 * self.low:.1f}–{100 * self.high:.1f})" if self.low and self.high else ""
            said = f"{100 * self.value:.1f} % on {self.split}{between}"
        elif self.measure == "psnr":
            beside = f" (bicubic {self.beside:.2f})" if self.beside is not None else ""
            said = f"{self.value:.2f} dB on {self.split}{beside}"
        else:
            said = f"FID {self.value:.2f} on {self.split}"
        return said + (", which chose it" if self.has_chosen else "")

    def to_dict(self) -> dict[str, Any]:
        """As JSON; without what the card does not say."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def headline(card: Card) -> Headline | None:
    """The number of a card that says most about pictures that the model has not seen.

    A split that neither taught nor chose the model comes first, the largest of several; then the one that chose it.
    Where a split was also measured without pictures that the training has, that number is taken. What was measured on
    the training split is never shown.

    Example:
        >>> measured = {"val": {"rows": 50, "accuracy": 0.9}, "test": {"rows": 40, "accuracy": 0.8}}
        >>> str(headline(Card(name="mine", metrics={**measured, "selection": {"split": "val"}})))
        '80.0 % on test'
    """
    chosen = card.metrics.get("selection")
    chosen = chosen if isinstance(chosen, Mapping) else {}
    made = card.recipe.get("data") or {}
    found = [
        _accuracy(split, part, has_chosen=split in (chosen.get("split"), made.get("val")))
        for split, part in card.metrics.items()
        if split != made.get("train") and isinstance(part, Mapping) and {"rows", "accuracy"} <= part.keys()
    ]
    if found:
        return min(found, key=lambda one: (one.has_chosen, -(one.rows or 0)))
    split = str(chosen.get("split"))
    for measure in ("accuracy", "psnr", "fid"):
        if isinstance(value := chosen.get(measure), float):
            return Headline(measure, value, split, has_chosen=True, beside=chosen.get(f"bicubic_{measure}"))
    return None


def _accuracy(split: str, part: Mapping[str, Any], has_chosen: bool) -> Headline:
    part = part.get("without_leaks") or part
    interval = (part.get("intervals") or {}).get("accuracy") or {}
    ends = (interval.get("low"), interval.get("high"))
    return Headline("accuracy", part["accuracy"], split, part["rows"], *ends, has_chosen=has_chosen)


def per_second(examined: Examined, seconds: float = 0.5) -> dict[int, float]:
    """Time a model here and now, on as many threads as it was examined with.

    Args:
        examined: a model.
        seconds: to run for, at each number of faces together.

    Returns:
        Number together -> faces per second, from faces as pixels to answers (of a detector: pictures of 640 x 480 px,
        one at a time).
    """
    found = {}
    for together in BATCHES[:1] if examined.kind == "detector" else BATCHES:
        examined.run(together)  # the first run of a shape allocates
        runs, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds or not runs:
            examined.run(together)
            runs += 1
        found[together] = runs * together / passed
    return found
