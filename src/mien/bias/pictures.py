"""Labelled pictures without a manifest: class folders, or a JSON file that says which file shows what."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mien.data.sources.folder import scan
from mien.errors import InputError
from mien.images import find
from mien.labels import Labels
from mien.manifest import Manifest


def manifest_of(folder: str | os.PathLike[str], truth: str | os.PathLike[str] | None, labels: Labels) -> Manifest:
    """A manifest of a folder of pictures; nothing is written.

    Args:
        folder: pictures in class folders; or loose ones, with ``truth``, or without labels.
        truth: JSON file, an object of file name (below the folder) and class; pictures that it does not name are
            left out.
        labels: of the model: the classes of pictures without labels.

    Raises:
        InputError: no pictures, a file that is not there, or JSON of another form.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of pictures")
    if truth is not None:
        found = read_truth(truth)
        missing = [name for name in found if not (folder / name).is_file()]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise InputError(f"{truth}: names {missing[0]!r}{more}, which is not in {folder}")
        classes = Labels.of(found.values()) if len(set(found.values())) > 1 else labels
        return Manifest.of(root=folder, labels=classes, image=list(found), label=list(found.values()))
    pictures = list(find(folder))
    if not pictures:
        raise InputError(f"{folder}: a folder without pictures")
    if all(path.parent == folder for path in pictures):
        return Manifest.of(root=folder, labels=labels, image=[path.name for path in pictures])
    return scan(folder, out=folder / "manifest.csv", labels=None)


def read_truth(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read ``{"a.jpg": "happy", ...}``.

    Raises:
        InputError: the file is missing, or of another form.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'{path}: no such file; expected JSON such as {{"a.jpg": "happy"}}')
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict) or not content or not all(isinstance(label, str) for label in content.values()):
        raise InputError(f'{path}: expected an object of file names and classes, such as {{"a.jpg": "happy"}}')
    return {str(name): label for name, label in content.items()}
