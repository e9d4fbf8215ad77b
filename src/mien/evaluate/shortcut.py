"""An evaluation in one line, as ``mien evaluate`` does it: the function at the top of the package."""

from __future__ import annotations

import os
from typing import Any

from mien.evaluate.evaluation import Evaluation
from mien.evaluate.run import evaluate
from mien.manifest import Manifest
from mien.runtime.network import Network


def evaluate_model(
    model: str | os.PathLike[str] | Network,
    data: str | os.PathLike[str] | Manifest,
    split: str | None = None,
    **options: Any,
) -> Evaluation:
    """Measure the answers of a model; ``mien evaluate`` from Python.

    Args:
        model: name, path, or a network that is open already.
        data: manifest, or its file.
        split: only this split; None for all rows.
        options: further arguments of :func:`mien.evaluate.run.evaluate`, such as ``out="scores.npz"``.

    Returns:
        The numbers with their intervals; ``print`` shows them as tables.

    Raises:
        InputError: model, data or classes cannot be used.

    Example:
        ``evaluate_model("model.onnx", "faces.csv", "test").raw.metrics.accuracy``
    """
    return evaluate(model, data if isinstance(data, Manifest) else Manifest.load(data), split=split, **options)
