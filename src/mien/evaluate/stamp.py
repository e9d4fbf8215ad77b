"""Measured numbers into the card of the model that they are about."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mien.atomic import write_bytes
from mien.card import KEY, Card
from mien.errors import need
from mien.evaluate.evaluation import Evaluation, Part


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


def stamp(model: str | os.PathLike[str], evaluation: Evaluation) -> Card:
    """Write an evaluation into the card of a model file, under the name of the split.

    Raises:
        ModelError: the file has no card.
        MissingExtra: the package ``onnx`` is not installed.
    """
    onnx = need("onnx", "lab", "changing a card")
    content = onnx.load_model_from_string(Path(model).read_bytes())
    metadata = {item.key: item for item in content.metadata_props}
    card = Card.from_metadata({key: item.value for key, item in metadata.items()}, str(model))
    name = evaluation.scores.about.get("split") or "all"
    card = card.model_copy(update={"metrics": {**card.metrics, name: facts(evaluation)}})
    metadata[KEY].value = card.to_json()
    write_bytes(model, content.SerializeToString())
    return card
