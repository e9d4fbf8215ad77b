"""Which model files there are: those that ship with mien, and those in the user's model store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from mien.errors import ModelError
from mien.store import store_dir
from mien.table import did_you_mean

#: One model by name or by path.
Model: TypeAlias = str | os.PathLike[str]

#: The model used when none is named.
DEFAULT = "default"

SHIPPED = Path(__file__).parents[1] / "weights"


def available() -> dict[str, Path]:
    """Name -> file. A model in the store hides a shipped one of the same name."""
    paths = [path for folder in (SHIPPED, store_dir()) for path in sorted(folder.glob("*.onnx"))]
    return {path.stem: path for path in paths if not path.name.startswith(".")}  # a dot: still being written


def locate(model: Model) -> Path:
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
        meant = f"; did you mean the model {path.stem!r}?" if path.suffix == ".onnx" and path.stem in found else ""
        raise ModelError(
            f"{path}: no such model file{meant or '; `mien export RUN` writes one'}, "
            "`mien models list` shows those there are"
        )
    known = did_you_mean(str(model), list(found)) if found else "there are none here; give the path of a model file"
    raise ModelError(f"unknown model {str(model)!r}: {known}")


def locate_all(models: Model | Sequence[Model]) -> list[Path]:
    """The files of one model, or of several.

    Raises:
        ModelError: none is given, or one of them cannot be found.
    """
    found = [locate(model) for model in ([models] if isinstance(models, (str, os.PathLike)) else models)]
    if not found:
        raise ModelError(f"no model given: name at least one, e.g. {DEFAULT!r}")
    return found
