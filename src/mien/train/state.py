"""Checkpoints: everything a run needs to go on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mien.atomic import writing
from mien.errors import RunError


def save(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values; the file appears whole or not at all."""
    with writing(path) as temporary:
        torch.save(dict(state), temporary)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; nothing in it is executed (``weights_only``).

    Raises:
        RunError: the file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on damaged files
        raise RunError(
            f"{path}: this checkpoint cannot be read ({type(error).__name__}); start afresh with --fresh"
        ) from error
    return state
