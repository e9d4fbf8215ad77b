"""Measured numbers into the card of the model that they are about."""

from __future__ import annotations

import os
from typing import Any

from pydantic import ValidationError

from mien.atomic import write_bytes
from mien.card import KEY, Card
from mien.errors import ModelError, need
from mien.evaluate.evaluation import Evaluation, Part
from mien.runtime import shelf
from mien.runtime.models import locate


def facts(evaluation: Evaluation) -> dict[str, Any]:
    """The numbers that a card keeps of one evaluation."""
    about = evaluation.scores.about
    found: dict[str, Any] = {
        "manifest": about["manifest"],
        "date": about["date"],
        "classes": len(evaluation.viewed.labels),
        **_part(evaluation.raw),
    }
    if evaluation.without_leaks is not None:
        found["without_leaks"] = {"leaked": evaluation.leaked, **_part(evaluation.without_leaks)}
    return found


def _part(part: Part) -> dict[str, Any]:
    numbers = part.to_dict()
    kept = {name: numbers[name] for name in ("rows", "accuracy", "balanced_accuracy", "macro_f1")}
    return {**kept, "intervals": numbers["intervals"]}


def change_card(model: str | os.PathLike[str], **changes: Any) -> Card:
    """Change fields of the card inside a model file; the network stays as it is.

    Args:
        model: path of an ONNX file with a card, or name of one in the model store, whose record changes with it.
        changes: fields of :class:`Card` with their new values; ``metrics`` are added to those that are there.

    Raises:
        ModelError: the file has no card, the new values make no card, or the model came with mien: that one stays as
            it is, so that it can be told from a damaged one.
        MissingExtra: the package ``onnx`` is not installed.
    """
    onnx = need("onnx", "lab", "changing a card")
    path = locate(model)
    shelf.check_changeable(path)
    content = onnx.load_model_from_string(path.read_bytes())
    metadata = {item.key: item for item in content.metadata_props}
    card = Card.from_metadata({key: item.value for key, item in metadata.items()}, str(model))
    metrics = {**card.metrics, **changes.pop("metrics", {})}
    try:
        card = Card.model_validate({**card.model_dump(), **changes, "metrics": metrics})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{model}: its card cannot be changed so ({place or 'card'}: {first['msg']})") from None
    metadata[KEY].value = card.to_json()
    write_bytes(path, content.SerializeToString())
    shelf.renew(path)
    return card


def stamp(model: str | os.PathLike[str], evaluation: Evaluation) -> Card:
    """Write an evaluation into the card of a model file, under the name of the split.

    Raises:
        ModelError: the file has no card.
        MissingExtra: the package ``onnx`` is not installed.
    """
    name = evaluation.scores.about.get("split") or "all"
    return change_card(model, metrics={name: facts(evaluation)})
