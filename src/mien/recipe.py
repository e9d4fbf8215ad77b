"""A recipe: the whole intent of one training, as data.

Order of values: defaults < the file named by ``extends`` (one level) < the file < ``--set loss.smoothing=0.1``.
All mistakes are reported at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from mien.errors import RecipeError, UnknownName
from mien.preprocess import Preprocess
from mien.table import Table, nearest


def in_table(kind: str) -> AfterValidator:
    """A name that must be in the table of this kind, when the caller of :meth:`Recipe.load` gave one."""

    def check(name: str, info: ValidationInfo) -> str:
        table = (info.context or {}).get(kind)
        if table is not None:
            try:
                table.entry(name.split(":")[0] + ":<name>" if ":" in name else name)
            except UnknownName as error:
                raise ValueError(str(error)) from None
        return name

    return AfterValidator(check)


class Part(BaseModel):
    """Base of all parts of a recipe: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Part):
    """What is learned from the manifest.

    Attributes:
        train: split to learn from.
        val: split to choose on; never the test split.
        labels: id of the label set or a list of classes; None = the manifest's own.
        targets: ``label`` = the column, ``votes`` = the shares of the votes (soft targets).
        min_votes: with ``votes``, rows whose classes got fewer votes are left out.
        vote_floor: with ``votes``, a class with fewer votes than this counts as having none (2 drops lone votes, as
            Barsoum et al., 2016, did for FER+).
        per_class: learn from at most so many rows of each class (by the label, drawn with ``runtime.seed``); None = all.
    """

    train: str = "train"
    val: str = "val"
    labels: str | tuple[str, ...] | None = None
    targets: Literal["label", "votes"] = "label"
    min_votes: float = Field(default=1, gt=0)
    vote_floor: float = Field(default=0, ge=0)
    per_class: int | None = Field(default=None, ge=1)


class Head(Part):
    """From features to logits."""

    name: Annotated[str, in_table("head")] = "linear"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    hidden: tuple[int, ...] = ()


class Model(Part):
    """The network.

    Attributes:
        backbone: ``plain48``, ``timm:<name>`` or ``torchvision:<name>``.
        weights: ``none``, ``pretrained`` (the library's own), a file, ``package:<module>/<file>``: a weights file
            inside an installed package, or ``run:<best.pt>``: the chosen weights of another run, head included.
        options: passed on to the backbone, e.g. ``{drop_path_rate: 0.1}``.
    """

    backbone: Annotated[str, in_table("backbone")] = "plain48"
    weights: str = "none"
    head: Head = Head()
    options: dict[str, Any] = Field(default_factory=dict)


class Loss(Part):
    """What is minimised."""

    name: Annotated[str, in_table("loss")] = "cross_entropy"
    smoothing: float = Field(default=0.0, ge=0, lt=1)


class Optimizer(Part):
    """How weights move. ``weight_decay`` spares biases and normalisation."""

    name: Annotated[str, in_table("optimizer")] = "adamw"
    rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)


class Schedule(Part):
    """How the rate changes, counted in optimiser steps (plateau: in epochs).

    Attributes:
        epochs: passes over the training split.
        warmup: share of all steps with a growing rate (cosine, onecycle).
        floor: last rate as a share of the highest (cosine, onecycle), least one (plateau).
        patience: plateau: epochs without progress before the rate is cut.
        factor: plateau: what it is multiplied with.
    """

    name: Annotated[str, in_table("schedule")] = "cosine"
    epochs: int = Field(default=30, ge=1)
    warmup: float = Field(default=0.0, ge=0, lt=1)
    floor: float = Field(default=0.0, ge=0, le=1)
    patience: int = Field(default=3, ge=1)
    factor: float = Field(default=0.5, gt=0, lt=1)


class Augment(Part):
    """How training images are varied.

    Attributes:
        level: 0 nothing, 1 mild, 2 medium, 3 strong (geometry and light).
        policy: one of torchvision's policies, applied before the geometry.
        erasing: share of the images that lose a rectangle.
        mixup: alpha of MixUp; 0 = off.
        cutmix: alpha of CutMix; 0 = off. With both, each batch draws one of the two.
        mix_share: share of the batches that are mixed.
        small_px: side of the training images in the first epochs, a cheap start; 0 = full size throughout (Tan and
            Le, "EfficientNetV2", 2021, progressive learning).
        small_share: share of the epochs at that size.
    """

    level: int = Field(default=1, ge=0, le=3)
    policy: Annotated[str, in_table("policy")] = "none"
    erasing: float = Field(default=0.0, ge=0, le=1)
    mixup: float = Field(default=0.0, ge=0)
    cutmix: float = Field(default=0.0, ge=0)
    mix_share: float = Field(default=1.0, ge=0, le=1)
    small_px: int = Field(default=0, ge=0)
    small_share: float = Field(default=0.5, gt=0, lt=1)


class Runtime(Part):
    """How the training runs.

    Attributes:
        batch: images per step.
        accumulate: steps per optimiser step.
        precision: ``32``, ``bf16`` or ``fp16`` (mixed).
        clip: largest gradient norm; None = no clipping.
        ema: decay of the moving average of the weights per optimiser step; None = off.
        early_stop: epochs without progress before the run ends; None = never.
        stop_after: end after this epoch, although the schedule goes on (for a run that another goes on from).
        select: ``best`` = the epoch with the best ``metric`` on val, ``last`` = the last epoch.
        metric: what ``best``, plateau and early stopping look at.
        seed: of everything that is drawn.
    """

    batch: int = Field(default=64, ge=2)
    accumulate: int = Field(default=1, ge=1)
    precision: Literal["32", "bf16", "fp16"] = "32"
    clip: float | None = Field(default=None, gt=0)
    ema: float | None = Field(default=None, gt=0, lt=1)
    early_stop: int | None = Field(default=None, ge=1)
    stop_after: int | None = Field(default=None, ge=1)
    select: Literal["best", "last"] = "best"
    metric: Literal["accuracy", "balanced_accuracy", "macro_f1"] = "accuracy"
    seed: int = 0


class Export(Part):
    """What goes into the card of the exported model."""

    flip: bool = False
    description: str = ""
    licence: str = "unknown"


class Recipe(Part):
    """One training.

    Example:
        >>> recipe = Recipe.model_validate({"schedule": {"epochs": 3}})
        >>> recipe.schedule.epochs, recipe.model.backbone
        (3, 'plain48')
    """

    name: str = "custom"
    data: Data = Data()
    preprocess: Preprocess = Preprocess()
    model: Model = Model()
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    augment: Augment = Augment()
    runtime: Runtime = Runtime()
    export: Export = Export()

    @classmethod
    def load(
        cls, source: str | os.PathLike[str], overrides: Sequence[str] = (), tables: Mapping[str, Table] | None = None
    ) -> Recipe:
        """Read a recipe by path, or by the name of a shipped one.

        Args:
            source: ``faces.yaml`` or ``s3``.
            overrides: ``part.key=value`` each, the value in YAML.
            tables: kind -> table; names in the recipe are checked against them.

        Raises:
            RecipeError: with every mistake.
        """
        path = locate(source)
        mistakes: list[str] = []
        values = _read(path)
        parent = values.pop("extends", None)
        if parent is not None:
            base_path = path.parent / f"{parent}.yaml"
            base = _read(base_path if base_path.is_file() else locate(str(parent)))
            if base.pop("extends", None) is not None:
                mistakes.append(f"extends: {parent} extends another recipe itself; only one level is allowed")
            values = _merge(base, values)
        values.setdefault("name", path.stem)
        for override in overrides:
            mistakes.extend(_override(values, override))
        try:
            recipe = cls.model_validate(values, context=dict(tables or {}))
        except ValidationError as error:
            mistakes.extend(_explain(item) for item in error.errors())
        if mistakes:
            raise RecipeError(str(source), mistakes)
        return recipe

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


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(str(path), [f"not valid YAML: {' '.join(str(error).split())}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(str(path), [f"cannot be read ({error})"]) from None
    if not isinstance(values, dict):
        raise RecipeError(str(path), ["a recipe is a mapping of parts, e.g. 'model: {backbone: plain48}'"])
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
    place = values
    for key in parents:
        below = place.setdefault(key, {})
        if not isinstance(below, dict):
            return [f"--set {override}: {key} is a value, not a part"]
        place = below
    try:
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        return [f"--set {override}: {text!r} is not valid YAML"]
    return []


def _explain(item: Any) -> str:
    place = ".".join(str(key) for key in item["loc"])
    if item["type"] == "extra_forbidden":
        known = _fields(item["loc"][:-1])
        close = nearest(str(item["loc"][-1]), known)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known here: {', '.join(known)}"
        return f"{place}: unknown key; {hint}"
    message = item["msg"].removeprefix("Value error, ")
    shown = (
        "" if isinstance(item["input"], (dict, list)) or repr(item["input"]) in message else f", got {item['input']!r}"
    )
    return f"{place}: {message}{shown}"


def _fields(place: tuple[Any, ...]) -> list[str]:
    part: type[BaseModel] = Recipe
    for key in place:
        annotation = part.model_fields[str(key)].annotation
        assert isinstance(annotation, type)
        part = annotation
    return list(part.model_fields)
