"""Options that several verbs share, word for word."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer


def scores_file(path: Path | None) -> Path | None:
    """The path, if it can be told from a model later on: every verb knows saved scores by their ending."""
    if path is not None and path.suffix != ".npz":
        from mien.errors import InputError

        raise InputError(f"scores to {path}: the name has to end with .npz; the numbers as JSON come with --json")
    return path


#: Of ``mien predict`` and ``mien evaluate``.
Prior: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Shares of the classes that the answers are for: training (as the card says), uniform, or auto: those "
        "in these very pictures, estimated. Instead of the biases in the model's card."
    ),
]
