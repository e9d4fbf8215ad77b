"""Drawn faces in one line, as ``mien synth sample`` makes them: the function at the top of the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mien.manifest import Manifest
from mien.synth.plan import Plan
from mien.synth.sample import sample


def sample_faces(
    model: str | os.PathLike[str],
    out: str | os.PathLike[str],
    classes: Mapping[str, int] | None = None,
    *,
    each: int | None = None,
    count: int | None = None,
    seed: int = 0,
    truncation: float = 1.0,
    **options: Any,
) -> Manifest:
    """Draw faces into a folder; ``mien synth sample`` from Python.

    Args:
        model: name or path of a generator.
        out: folder for the pictures, in class folders, and ``manifest.csv``.
        classes: class -> how many pictures.
        each: so many of every class that ``classes`` does not name.
        count: so many in all, of a generator that knows no classes.
        seed: another seed, other faces.
        truncation: 1 for all the variety that the generator has learned, less for cleaner faces that are more alike.
        options: further arguments of :func:`mien.synth.sample.sample`, such as ``device="cuda"``.

    Returns:
        The manifest of all faces in the folder.

    Raises:
        InputError: generator, classes, numbers or folder cannot be used.

    Example:
        ``sample_faces("faces.onnx", "drawn", {"fear": 500, "happy": 200}, seed=1, truncation=0.7)``
    """
    wants = {"classes": dict(classes or {}), "each": each, "count": count}
    plan = Plan.load({"model": os.fspath(model), "seed": seed, "truncation": truncation, **wants})
    return Manifest.load(sample(plan, out, **options).manifest)
