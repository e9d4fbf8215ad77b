"""The model store: the folder where model files that do not ship with mien are looked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Environment variable that names another folder.
VARIABLE = "MIEN_MODELS"


def store_dir() -> Path:
    """The folder of the model store; it need not exist.

    ``$MIEN_MODELS`` when set, else ``mien/models`` in the platform's cache folder: ``$XDG_CACHE_HOME`` or
    ``~/.cache``, on macOS ``~/Library/Caches``, on Windows ``%LOCALAPPDATA%``.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "mien" / "models"
