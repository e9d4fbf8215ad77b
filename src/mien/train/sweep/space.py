"""What a sweep searches: values of a recipe, and where each may lie.

Reading this module loads neither torch nor Optuna, so that mistakes show at once.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from mien.errors import RecipeError
from mien.recipe import Recipe, read_mapping
from mien.table import Table, did_you_mean
from mien.train.tables import TABLES

#: How values are proposed, and when a trial that looks poor is given up. Looked up in mien.train.sweep.study.
SAMPLERS = Table(
    "search",
    {
        "tpe": ("mien.train.sweep.study:tpe", "learns from the trials so far where good values lie (the default)"),
        "random": ("mien.train.sweep.study:random", "drawn without looking at the trials so far"),
        "grid": ("mien.train.sweep.study:random", "every combination once, in a drawn order; ranges need a step"),
        "cmaes": (
            "mien.train.sweep.evolution:Evolution",
            "CMA-ES, for many trials of two or more ranges, no choices",
        ),
    },
)
PRUNERS = Table(
    "pruner",
    {
        "median": (
            "mien.train.sweep.study:median",
            "stops a trial below the median of the others at its epoch",
        ),
        "hyperband": ("mien.train.sweep.study:hyperband", "many short trials, of which the best third goes on"),
        "none": ("mien.train.sweep.study:none", "every trial runs to its end"),
    },
)

#: What a file with a space looks like.
LINES = "expected lines such as 'optimizer.rate: log(1e-4, 1e-2)'"
FORMS = {
    "uniform": "uniform(0, 0.5) or, in steps, uniform(0, 0.5, 0.1)",
    "log": "log(1e-4, 1e-2)",
    "int": "int(0, 3) or, in steps, int(16, 64, 16)",
    "logint": "logint(16, 256)",
    "choice": "choice(adam, adamw)",
}
#: Values that decide what the number is that trials are compared by, or that no number depends on.
FIXED = {
    "name": "it changes nothing that is measured",
    "export": "it changes nothing that is measured",
    "runtime.metric": "trials are compared by it",
    "runtime.select": "with the best epoch chosen in some trials only, they cannot be compared",
    "data.val": "trials are compared on it",
    "data.labels": "trials with other classes cannot be compared",
}


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float
    step: float | None = None
    is_log: bool = False
    is_whole: bool = False

    def ends(self) -> list[Any]:
        """The values that are tried on the recipe before anything runs: both ends, and one between them."""
        between = self.step or (1 if self.is_whole else 0.382 * (self.high - self.low))  # a fraction for whole numbers
        return [self.low, self.low + between, self.high]

    def holds(self, value: Any) -> bool:
        """Is this one of the numbers?"""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            return False
        if self.is_whole and value != round(value):
            return False
        return self.step is None or _is_multiple(value - self.low, self.step)

    def points(self) -> list[Any] | None:
        """All the numbers, or None when there is no end to them."""
        if self.step is None:
            return [*range(int(self.low), int(self.high) + 1)] if self.is_whole else None
        count = round((self.high - self.low) / self.step) + 1
        numbers = [self.low + index * self.step for index in range(count)]
        return [int(number) for number in numbers] if self.is_whole else [round(number, 12) for number in numbers]

    def __str__(self) -> str:
        form = {(0, 0): "uniform", (1, 0): "log", (0, 1): "int", (1, 1): "logint"}[self.is_log, self.is_whole]
        return (
            f"{form}({', '.join(f'{number:g}' for number in (self.low, self.high, self.step) if number is not None)})"
        )


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def ends(self) -> list[Any]:
        """The values that are tried on the recipe before anything runs."""
        return list(self.values)

    def holds(self, value: Any) -> bool:
        """Is this one of the values?"""
        return self.index(value) is not None

    def index(self, value: Any) -> int | None:
        """Which of the values this is; 0 and 0.0 are the same, 0 and false are not."""
        same = [own == value and isinstance(own, bool) == isinstance(value, bool) for own in self.values]
        return same.index(True) if True in same else None

    def points(self) -> list[Any] | None:
        """All the values."""
        return list(self.values)

    def texts(self) -> list[str]:
        """The values as they are written in a recipe."""
        return [text_of(value) for value in self.values]

    def __str__(self) -> str:
        return f"choice({', '.join(self.texts())})"


Dimension: TypeAlias = Range | Choice


class Space:
    """Values of a recipe to search, checked against it.

    Args:
        recipe: what all trials have in common, and where the search starts.
        dimensions: ``part.key`` -> where its value may lie.

    Example:
        >>> space = Space.read(Recipe(), ["optimizer.rate=log(1e-4, 1e-2)", "loss.smoothing=choice(0, 0.1)"])
        >>> print(space.dimensions["optimizer.rate"], space.start())
        log(0.0001, 0.01) {'optimizer.rate': 0.001, 'loss.smoothing': 0.0}
        >>> space.recipe_at({"optimizer.rate": 0.002, "loss.smoothing": 0.1}).optimizer.rate
        0.002
    """

    def __init__(self, recipe: Recipe, dimensions: Mapping[str, Dimension]) -> None:
        self.recipe = recipe
        self.dimensions = dict(dimensions)

    @classmethod
    def read(cls, recipe: Recipe, searches: Sequence[str] = (), file: str | os.PathLike[str] | None = None) -> Space:
        """Read a space and try the ends of every range, and every choice, on the recipe.

        Args:
            recipe: the recipe whose values are searched.
            searches: ``part.key=form`` each, e.g. ``augment.level=int(0, 3)``; counts more than the file.
            file: YAML, ``part.key: form`` or parts with keys, as in a recipe; a list is a choice.

        Raises:
            RecipeError: with every mistake.
        """
        mistakes: list[str] = []
        forms = {} if file is None else _flat(read_mapping(Path(file), LINES))
        given: dict[str, str] = {}
        for search in searches:
            name, equals, form = search.partition("=")
            if not equals:
                mistakes.append(f"--search {search}: expected part.key=form, e.g. optimizer.rate=log(1e-4, 1e-2)")
            elif name.strip() in given:
                mistakes.append(f"{name.strip()}: named twice")
            else:
                given[name.strip()] = form
        dimensions: dict[str, Dimension] = {}
        for name, form in {**forms, **given}.items():
            try:
                dimensions[name] = _dimension(form)
            except ValueError as error:
                mistakes.append(f"{name}: {error}")
                continue
            mistakes += _unfit(recipe, name, dimensions[name])
        if not dimensions and not mistakes:
            mistakes.append("nothing to search: name values, e.g. --search 'optimizer.rate=log(1e-4, 1e-2)'")
        if mistakes:
            raise RecipeError("what to search", mistakes)
        return cls(recipe, dimensions)

    def recipe_at(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe with these values.

        Raises:
            RecipeError: values that are fine one by one do not go together.
        """
        return Recipe.load(self.recipe, [f"{name}={text_of(value)}" for name, value in values.items()], TABLES)

    def start(self) -> dict[str, Any] | None:
        """The recipe's own values, or None when one of them lies outside."""
        values = {name: own_value(self.recipe, name) for name in self.dimensions}
        return values if all(self.dimensions[name].holds(value) for name, value in values.items()) else None

    def without_points(self) -> list[str]:
        """The values that no grid can be laid over."""
        return [name for name, dimension in self.dimensions.items() if dimension.points() is None]

    def forms(self) -> dict[str, str]:
        """Every dimension as it is written."""
        return {name: str(dimension) for name, dimension in self.dimensions.items()}


def check_method(space: Space, sampler: str, pruner: str) -> None:
    """See that the space can be searched in this way.

    Raises:
        UnknownName: no such sampler or pruner.
        RecipeError: the sampler cannot search this space.
    """
    SAMPLERS.entry(sampler)
    PRUNERS.entry(pruner)
    endless = space.without_points()
    if sampler == "grid" and endless:
        raise RecipeError(
            "--sampler grid", [f"{name}: give a step, e.g. uniform(0, 0.5, 0.1), or a choice" for name in endless]
        )
    ranges = [name for name, dimension in space.dimensions.items() if isinstance(dimension, Range)]
    if sampler == "cmaes" and len(ranges) < 2:
        raise RecipeError("--sampler cmaes", [f"needs two ranges or more, got {len(ranges)}; use tpe"])


def own_value(recipe: Recipe, name: str) -> Any:
    """The value under ``part.key``; None where there is none."""
    place: Any = recipe.model_dump(mode="json")
    for key in name.split("."):
        place = place.get(key) if isinstance(place, Mapping) else None
    return place


def text_of(value: Any) -> str:
    """A value as YAML on one line, so that it is read back as it is."""
    written = yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True)
    return written.removesuffix("\n").removesuffix("\n...").strip()


def _unfit(recipe: Recipe, name: str, dimension: Dimension) -> list[str]:
    """What is wrong with a dimension of this recipe."""
    for fixed, reason in FIXED.items():
        if name == fixed or name.startswith(f"{fixed}."):
            return [f"{name}: cannot be searched, since {reason}"]
    found: dict[str, None] = {}  # an unknown key is told once, not for every value
    stages = []
    for value in dimension.ends():
        try:
            tried = Recipe.load(recipe, [f"{name}={text_of(value)}"], TABLES)
            stages.append([stage.model_dump() for stage in tried.stages()])
        except RecipeError as error:
            found.update(dict.fromkeys(error.mistakes))
    if len(stages) > 1 and recipe.phases and all(stage == stages[0] for stage in stages):
        return [f"{name}: searching it changes nothing, since every phase of the recipe sets it"]
    return [line if line.startswith(name) else f"{name}: {line}" for line in found]


def _flat(values: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        found.update(_flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return found


def _dimension(form: Any) -> Dimension:
    """Read one form; ValueError says what is wrong with it."""
    if isinstance(form, list):
        return _choice(form)
    match = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", form, re.DOTALL) if isinstance(form, str) else None
    if match is None:
        raise ValueError(f"{form!r} is no form of a search; use {', '.join(FORMS)}, e.g. {FORMS['log']}")
    kind, inside = match.groups()
    if kind not in FORMS:
        raise ValueError(f"unknown form {kind!r}: {did_you_mean(kind, list(FORMS))}")
    if kind == "choice":
        try:
            return _choice(yaml.safe_load(f"[{inside}]"))
        except yaml.YAMLError:
            raise ValueError(f"{form}: the values are not valid YAML") from None
    is_log, is_whole = kind.startswith("log"), kind.endswith("int")
    try:
        numbers = [float(part) for part in inside.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in ((2,) if is_log else (2, 3)) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{form}: expected {FORMS[kind]}")
    low, high, *rest = numbers
    if low >= high:
        raise ValueError(f"{form}: {low:g} is not below {high:g}")
    if is_log and low <= 0:
        raise ValueError(f"{form}: a logarithm needs numbers above 0")
    if is_whole and any(number != round(number) for number in numbers):
        raise ValueError(f"{form}: expected whole numbers")
    if rest and not (rest[0] > 0 and _is_multiple(high - low, rest[0])):
        raise ValueError(f"{form}: steps of {rest[0]:g} do not lead from {low:g} to {high:g}")
    if is_whole:
        low, high, rest = int(low), int(high), [int(number) for number in rest]
    return Range(low, high, rest[0] if rest else None, is_log, is_whole)


def _choice(values: list[Any]) -> Choice:
    choice = Choice(tuple(_number(value) for value in values))
    texts = choice.texts()
    if len(texts) < 2 or len(set(texts)) < len(texts):
        raise ValueError(f"{choice}: expected two values or more, all different")
    return choice


def _number(value: Any) -> Any:
    """YAML takes 1e-4 for a word, because it lacks the point."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+e[-+]?\d+", value, re.IGNORECASE):
        return float(value)
    return value


def _is_multiple(distance: float, step: float) -> bool:
    return abs(distance / step - round(distance / step)) < 1e-8
