"""Drawn faces as files: a data set that anybody may use, for trying every command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mien.data.sources import Progress
from mien.data.sources.arrays import appending
from mien.data.sources.toy import toy_faces
from mien.errors import InputError
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest


def draw(
    out: str | os.PathLike[str],
    count: int,
    *,
    labels: Labels | None = None,
    size_px: int = 48,
    subjects: int = 50,
    domains: int = 1,
    shares: Sequence[float] | None = None,
    seed: int = 0,
    as_folders: bool = False,
    progress: Progress = lambda done, total: None,
) -> Manifest:
    """Draw faces into ``out``: ``faces.npy`` and the manifest ``faces.csv``, without splits.

    Args:
        out: folder.
        count: how many pictures.
        labels: classes among the FER+ ones; ``fer7`` when None.
        size_px: side of the pictures.
        subjects: how many people.
        domains: how many looks.
        shares: relative frequency per class; equal when None.
        seed: another seed draws other people.
        as_folders: write one PNG per picture, ``out/<class>/<subject>_<number>.png``, instead of the array.
        progress: called with pictures written and in all.

    Raises:
        InputError: a number out of range.
        LabelError: a class that cannot be drawn.

    Example:
        >>> import tempfile
        >>> len(draw(tempfile.mkdtemp(), 6, subjects=2))
        6
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; --out names a folder")
    chosen = labels or Labels.named("fer7")
    faces = toy_faces(
        count, labels=chosen, size_px=size_px, subjects=subjects, domains=domains, shares=shares, seed=seed
    )
    names = [chosen.names[target] for target in faces.targets]
    if as_folders:
        image = [
            f"{name}/{who}_{row:05d}.png" for row, (name, who) in enumerate(zip(names, faces.subjects, strict=True))
        ]
        for row, path in enumerate(image):
            write(folder / path, faces.images[row])
            progress(row + 1, count)
    else:
        image = [f"faces.npy#{row}" for row in range(count)]
        with appending(folder / "faces.npy") as array:
            array.append(faces.images)
        progress(count, count)
    manifest = Manifest.of(
        root=folder,
        labels=chosen,
        image=image,
        label=names,
        subject=faces.subjects,
        domain=faces.domain,
        origin="synthetic",
    )
    manifest.save(folder / "faces.csv")
    return Manifest.load(folder / "faces.csv", chosen)
