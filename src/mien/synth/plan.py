"""What is wanted of a generator: how many faces of which class, from which seed.

model: faces.onnx
seed: 1
truncation: 0.7
each: 500                                  # of every class ...
classes:
  disgust: {count: 2000, truncation: 0.9}  # ... but of this one more, and more varied
  contempt: 0                              # and of this one none
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from mien.errors import LabelError, ModelError, RecipeError
from mien.parts import Part
from mien.recipe import read_mapping
from mien.synth.generator import DEFAULT, MAX_TRUNCATION, SEEDS, Generator
from mien.table import did_you_mean

#: Keys of which each says what is wanted; from the command line one of them takes the place of all in the file.
WANTS = ("classes", "each", "count")
_Count = Annotated[int, Field(ge=0)]
_Truncation = Annotated[float, Field(ge=0, le=MAX_TRUNCATION)]


class Wanted(Part):
    """Of one class.

    Attributes:
        count: pictures.
        truncation: instead of the plan's.
    """

    count: _Count
    truncation: _Truncation | None = None


def _only_a_number(value: Any) -> Any:
    return value if isinstance(value, (dict, Wanted)) else {"count": value}


class Plan(Part):
    """A data set to be drawn.

    Attributes:
        model: name or path of a generator; by default the one that ships.
        seed: another seed, other faces.
        truncation: 1 for all the variety that the generator has learned, less for cleaner faces that are more alike.
        classes: class -> how many, or :class:`Wanted`.
        each: of every class that ``classes`` does not name.
        count: of a generator that knows no classes.
        split: written into every row of the manifest.
        domain: written into every row of the manifest.

    Example:
        >>> plan = Plan(model="faces.onnx", classes={"fear": 500, "happy": {"count": 200, "truncation": 0.9}})
        >>> plan.classes["fear"].count, plan.classes["happy"].truncation
        (500, 0.9)
    """

    model: str = DEFAULT
    seed: int = Field(default=0, ge=0, lt=SEEDS)
    truncation: _Truncation = 1.0
    classes: dict[str, Annotated[Wanted, BeforeValidator(_only_a_number)]] = Field(default_factory=dict)
    each: _Count | None = None
    count: _Count | None = None
    split: str = "train"
    domain: str = "synthetic"

    @model_validator(mode="after")
    def _something_is_wanted(self) -> Plan:
        if self.count is not None and (self.classes or self.each is not None):
            raise ValueError("count is for generators without classes: leave it out, or classes and each")
        if not (self.count or self.each or any(wanted.count for wanted in self.classes.values())):
            raise ValueError("asks for no picture: say how many with classes, each, or count (a generator without)")
        return self

    @classmethod
    def load(cls, source: str | os.PathLike[str] | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Plan:
        """Read a YAML file, or make a plan from its parts.

        Args:
            source: the file or the parts; a relative path of a model may start from the file's folder.
            changes: values that take the place of the file's; None changes nothing.

        Raises:
            RecipeError: with every mistake, also in the names of the classes when the generator can be opened.
        """
        where, values = (
            ("plan", dict(source)) if isinstance(source, Mapping) else (os.fspath(source), _read(Path(source)))
        )
        given = {key: value for key, value in (changes or {}).items() if value is not None}
        if any(key in given for key in WANTS):
            values = {key: value for key, value in values.items() if key not in WANTS}
        values |= given
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise RecipeError(where, [*map(_explain, error.errors()), *_of_classes(values)]) from None

    def resolve(self, generator: Generator) -> dict[str, Wanted]:
        """What is wanted of each class, with its truncation, in the generator's order; ``""`` when it has none.

        Raises:
            RecipeError: with every class that the generator does not draw, or that is named twice.
        """
        names = generator.card.classes
        if mistakes := _mistakes(self.classes, generator):
            raise RecipeError(f"plan for {generator.path}", mistakes)
        if generator.is_conditional == (self.count is not None):
            way = f"say classes or each; it draws {', '.join(names)}" if names else "say count"
            raise RecipeError(
                f"plan for {generator.path}", [f"the generator {'has' if names else 'has no'} classes: {way}"]
            )
        found = {name: self.each or 0 for name in names} if names else {"": self.count or 0}
        wanted = {name: Wanted(count=count, truncation=self.truncation) for name, count in found.items()}
        for name, of_class in self.classes.items():
            own = self.truncation if of_class.truncation is None else of_class.truncation
            wanted[names[generator.index(name)]] = Wanted(count=of_class.count, truncation=own)
        return {name: of_class for name, of_class in wanted.items() if of_class.count}


def _read(path: Path) -> dict[str, Any]:
    values = read_mapping(path, "a plan is a mapping, e.g. 'model: faces.onnx' and 'classes: {fear: 500}'")
    model = values.get("model")
    if isinstance(model, str) and not Path(model).is_file() and (path.parent / model).is_file():
        values["model"] = str(path.parent / model)
    return values


def _of_classes(values: Mapping[str, Any]) -> list[str]:
    """Mistakes in the names of the classes of a plan that has other mistakes, too."""
    model = values.get("model", DEFAULT)
    if not isinstance(model, str) or not isinstance(values.get("classes"), dict):
        return []
    try:
        generator = Generator(model, threads=1)
    except ModelError as error:
        return [f"model: {error}"]
    return _mistakes({str(name): None for name in values["classes"]}, generator)


def _mistakes(names: Mapping[str, Any], generator: Generator) -> list[str]:
    found: list[str] = []
    taken: dict[int, str] = {}
    for name in names:
        try:
            index = generator.index(name)
        except LabelError as error:
            found.append(f"classes.{name}: {error}")
            continue
        if index in taken:
            found.append(f"classes.{name}: the same class as {taken[index]}")
        taken[index] = name
    return found


def _explain(item: Any) -> str:
    place = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        known = Plan if len(item["loc"]) == 1 else Wanted
        return f"{place}: unknown key; {did_you_mean(str(item['loc'][-1]), list(known.model_fields))}"
    if item["type"] == "missing":
        return f"{place}: is missing"
    message = item["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(item["input"], (dict, list)) else f", got {item['input']!r}"
    return f"{place}: {message}{shown}" if place else message
