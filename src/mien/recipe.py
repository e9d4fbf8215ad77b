"""A recipe: the whole intent of one training, as data.

Order of values: defaults < the file named by ``extends`` (one level) < the file < ``--set loss.smoothing=0.1``.
All mistakes are reported at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import BaseModel, ValidationError, model_validator

from mien.errors import RecipeError
from mien.metric import METRICS
from mien.parts import (
    Augment,
    Data,
    Distill,
    Enhance,
    Export,
    Gan,
    Loss,
    Model,
    Optimizer,
    Part,
    Phase,
    Runtime,
    Sampling,
    Schedule,
    in_table,
)
from mien.preprocess import Preprocess
from mien.table import Table, nearest

#: Task -> parts that belong to others.
FOREIGN = {
    "classify": ("enhance", "gan"),
    "super_resolve": ("model", "loss", "distill", "sampling", "augment", "gan"),
    "gan": ("model", "loss", "distill", "augment", "enhance"),
}


class Recipe(Part):
    """One training.

    Example:
        >>> recipe = Recipe.model_validate({"schedule": {"epochs": 3}})
        >>> recipe.schedule.epochs, recipe.model.backbone
        (3, 'plain48')
    """

    name: str = "custom"
    task: Annotated[str, in_table("task")] = "classify"
    data: Data = Data()
    preprocess: Preprocess = Preprocess()
    model: Model = Model()
    loss: Loss = Loss()
    distill: Distill = Distill()
    sampling: Sampling = Sampling()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    augment: Augment = Augment()
    enhance: Enhance = Enhance()
    gan: Gan = Gan()
    runtime: Runtime = Runtime()
    phases: tuple[Phase, ...] = ()
    export: Export = Export()

    @classmethod
    def load(
        cls,
        source: str | os.PathLike[str] | Mapping[str, Any] | Recipe,
        overrides: Sequence[str] = (),
        tables: Mapping[str, Table] | None = None,
    ) -> Recipe:
        """Read a recipe by path or by the name of a shipped one, or make one from parts.

        Args:
            source: ``faces.yaml``, ``s3``, parts such as ``{"extends": "s3", "schedule": {"epochs": 5}}``, or a recipe.
            overrides: ``part.key=value`` each, the value in YAML.
            tables: kind -> table; names in the recipe are checked against them.

        Raises:
            RecipeError: with every mistake.

        Example:
            >>> Recipe.load({"extends": "s3", "schedule": {"epochs": 5}}, ["runtime.batch=32"]).schedule.epochs
            5
        """
        where, folder, values = _open(source)
        mistakes: list[str] = []
        parent = values.pop("extends", None)
        if parent is not None:
            base_path = folder / f"{parent}.yaml"
            base = read_mapping(base_path if base_path.is_file() else locate(str(parent)))
            if base.pop("extends", None) is not None:
                mistakes.append(f"extends: {parent} extends another recipe itself; only one level is allowed")
            values = _merge(base, values)
        if isinstance(source, (str, os.PathLike)):
            values.setdefault("name", locate(source).stem)
        for override in overrides:
            mistakes.extend(_override(values, override))
        try:
            recipe = cls.model_validate(values, context=dict(tables or {}))
        except ValidationError as error:
            mistakes.extend(_explain(item) for item in error.errors())
        else:
            mistakes.extend(recipe._mistakes_of_phases(tables or {}))
        if mistakes:
            raise RecipeError(where, mistakes)
        return recipe

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if self.optimizer.sam and self.runtime.accumulate > 1:
            raise ValueError("optimizer.sam and runtime.accumulate do not go together: use larger batches")
        if self.augment.hue and self.preprocess.channels == 1:
            raise ValueError("augment.hue does nothing with preprocess.channels: 1: a grey picture has no hue")
        return self

    @model_validator(mode="after")
    def _parts_of_the_task(self) -> Recipe:
        metrics = [name for name, metric in METRICS.items() if metric.task == self.task]
        if metrics and self.runtime.metric not in metrics:  # an unknown task is another mistake
            wanted = " or ".join((", ".join(metrics[:-1]), metrics[-1]))
            raise ValueError(f"runtime.metric: task {self.task} is judged by {wanted}, got {self.runtime.metric}")
        for name in FOREIGN.get(self.task, ()):
            if getattr(self, name) != type(getattr(self, name))():
                raise ValueError(f"{name}: does nothing with task: {self.task}; leave it out")
        contract = (self.preprocess.channels, self.preprocess.mean, self.preprocess.std)
        if self.task == "super_resolve" and contract != (1, (0.0,), (1.0,)):
            raise ValueError("preprocess: an enhancer takes luminance from 0 to 1: {channels: 1, mean: [0], std: [1]}")
        return self

    @model_validator(mode="after")
    def _a_generator_can_learn(self) -> Recipe:
        if self.task != "gan":
            return self
        if {*self.preprocess.mean, *self.preprocess.std} != {0.5}:
            raise ValueError("preprocess: a generator draws values from -1 to 1: {mean: [0.5], std: [0.5]}")
        side = self.preprocess.size_px
        if side // (side & -side) not in (1, 3, 5, 7) or side < 16:
            raise ValueError(
                f"preprocess.size_px: a generator doubles 4, 3, 5 or 7 px several times over, and {side} cannot be "
                "reached so; take e.g. 48, 64, 96, 112 or 128"
            )
        if self.phases or self.optimizer.sam or self.runtime.swa:
            raise ValueError("phases, optimizer.sam and runtime.swa are not for task: gan; leave them out")
        return self

    @property
    def epochs(self) -> int:
        """Epochs over all phases."""
        return sum(phase.epochs for phase in self.phases) or self.schedule.epochs

    def stages(self) -> list[Recipe]:
        """One recipe per phase, with what is different in it filled in; without phases, the recipe itself.

        Raises:
            RecipeError: a phase changes what must be the same in all, or holds a wrong value.
        """
        if mistakes := self._mistakes_of_phases({}):
            raise RecipeError(self.name, mistakes)
        return [Recipe.model_validate(self._with(phase)) for phase in self.phases] or [self]

    def _with(self, phase: Phase) -> dict[str, Any]:
        change = phase.model_dump(exclude={"name", "epochs"})
        change["schedule"]["epochs"] = phase.epochs
        return _merge(self.model_dump(exclude={"phases"}, exclude_unset=True), change)

    def _mistakes_of_phases(self, tables: Mapping[str, Table]) -> list[str]:
        mistakes = []
        for number, phase in enumerate(self.phases):
            try:
                stage = Recipe.model_validate(self._with(phase), context=dict(tables))
            except ValidationError as error:
                mistakes += [f"phases.{number}.{_explain(item)}" for item in error.errors()]
                continue
            mistakes += [
                f"phases.{number}.runtime.{key}: must be the same in all phases"
                for key in ("precision", "seed")
                if getattr(stage.runtime, key) != getattr(self.runtime, key)
            ]
        return mistakes

    def imbalance_corrections(self) -> list[str]:
        """What in this recipe makes rare classes count for more; two of them at once correct twice."""
        found = []
        if self.sampling.name != "shuffle":
            found.append(f"sampling.name: {self.sampling.name}")
        if self.loss.class_weights != "none":
            found.append(f"loss.class_weights: {self.loss.class_weights}")
        if self.loss.name in ("logit_adjusted", "balanced_softmax"):
            found.append(f"loss.name: {self.loss.name}")
        return found

    def to_yaml(self) -> str:
        """The resolved recipe."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def shipped() -> dict[str, Path]:
    """Name -> file of the recipes in the package."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "recipes").glob("*.yaml"))}


def locate(source: str | os.PathLike[str]) -> Path:
    """The file of a recipe given by path or by shipped name."""
    path = Path(source)
    if path.is_file():
        return path
    known = shipped()
    if str(source) in known:
        return known[str(source)]
    close = nearest(str(source), list(known)) or list(known)
    raise RecipeError(str(source), [f"neither a file nor a shipped recipe; shipped: {', '.join(close)}"])


def _open(source: str | os.PathLike[str] | Mapping[str, Any] | Recipe) -> tuple[str, Path, dict[str, Any]]:
    """What to call a recipe in messages, the folder where its parent may lie, and its own values."""
    if isinstance(source, Recipe):
        return source.name, Path(), source.model_dump()
    if isinstance(source, Mapping):
        return str(source.get("name", "recipe")), Path(), _copy(source)
    path = locate(source)
    return str(source), path.parent, read_mapping(path)


def _copy(values: Any) -> Any:
    """Parts as fresh dictionaries and lists: what the caller gave must not change."""
    if isinstance(values, Mapping):
        return {key: _copy(value) for key, value in values.items()}
    return [_copy(value) for value in values] if isinstance(values, (list, tuple)) else values


def read_mapping(
    path: Path, expected: str = "a recipe is a mapping of parts, e.g. 'model: {backbone: plain48}'"
) -> dict[str, Any]:
    """The content of a YAML file that holds a mapping.

    Raises:
        RecipeError: it cannot be read, or holds something else than ``expected``.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(str(path), [f"not valid YAML: {' '.join(str(error).split())}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(str(path), [f"cannot be read ({error})"]) from None
    if not isinstance(values, dict):
        raise RecipeError(str(path), [expected])
    return values


def _merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _override(values: dict[str, Any], override: str) -> list[str]:
    keys, equals, text = override.partition("=")
    if not equals:
        return [f"--set {override}: expected part.key=value, e.g. schedule.epochs=5"]
    *parents, last = keys.strip().split(".")
    place: Any = values
    try:
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        place[int(last) if isinstance(place, list) else last] = yaml.safe_load(text)
    except (AttributeError, TypeError):
        return [f"--set {override}: {key} is a value, not a part"]
    except (IndexError, ValueError):
        return [f"--set {override}: there are {len(place)} of them, numbered from 0"]
    except yaml.YAMLError:
        return [f"--set {override}: {text!r} is not valid YAML"]
    return []


def _explain(item: Any) -> str:
    place = ".".join(str(key) for key in item["loc"])
    if item["type"] == "extra_forbidden":
        key, known = str(item["loc"][-1]), _fields(item["loc"][:-1])
        places = _places(Recipe)
        words = [word for word in (key, *key.split("_")) if word in places and word not in known]  # num_epochs
        close = places[words[0]] if words else nearest(key, known)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known here: {', '.join(known)}"
        return f"{place}: unknown key; {hint}"
    message = item["msg"].removeprefix("Value error, ")
    shown = (
        "" if isinstance(item["input"], (dict, list)) or repr(item["input"]) in message else f", got {item['input']!r}"
    )
    return f"{place}: {message}{shown}"


def _places(part: type[BaseModel], above: str = "") -> dict[str, list[str]]:
    """Key -> everywhere that a part, or a part of a part, has it: ``{"epochs": ["schedule.epochs"], ...}``."""
    found: dict[str, list[str]] = {}
    for key, field in part.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for name, places in _places(field.annotation, f"{above}{key}.").items():
                found.setdefault(name, []).extend(places)
        elif above and key != "name":  # which nearly every part has
            found.setdefault(key, []).append(above + key)
    return found


def _fields(place: tuple[Any, ...]) -> list[str]:
    part: type[BaseModel] = Recipe
    for key in place:
        if isinstance(key, int):  # an item of a list: its class is found already
            continue
        annotation = part.model_fields[str(key)].annotation
        inner = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        part = next(kind for kind in inner if issubclass(kind, BaseModel))
    return list(part.model_fields)
