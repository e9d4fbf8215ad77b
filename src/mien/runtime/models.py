"""Which model files there are: those that ship with mien, and those in the user's model store."""

from __future__ import annotations

import os
from pathlib import Path

from mien.errors import ModelError
from mien.store import store_dir
from mien.table import did_you_mean

#: The model used when none is named.
DEFAULT = "default"

SHIPPED = Path(__file__).parents[1] / "weights"


def available() -> dict[str, Path]:
    """Name -> file. A model in the store hides a shipped one of the same name."""
    return {path.stem: path for folder in (SHIPPED, store_dir()) for path in sorted(folder.glob("*.onnx"))}


def locate(model: str | os.PathLike[str]) -> Path:
    """The file of a model given by name or by path.

    Raises:
        ModelError: there is neither such a file nor such a name.
    """
    path = Path(model)
    if path.is_file():
        return path
    found = available()
    if str(model) in found:
        return found[str(model)]
    if path.suffix == ".onnx" or len(path.parts) > 1:
        raise ModelError(
            f"{path}: no such model file; `mien export RUN` writes one, `mien models list` shows those there are"
        )
    raise ModelError(f"unknown model {str(model)!r}: {did_you_mean(str(model), list(found))}")
