"""Data sources by name: each reads one layout that data come in, and gives a manifest.

A source is one file here with a function ``scan(path, *, out, labels, progress, say, **own options)`` and one line
in :data:`SOURCES`. Pictures that are files stay where they are; pictures that are not (pixels in a CSV, arrays in
an ``.npz``) are written once, as ``<name of the manifest>.npy`` beside the manifest.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from mien.errors import InputError, ManifestError
from mien.images import SUFFIXES
from mien.labels import Labels
from mien.manifest import ORIGINS, Manifest
from mien.provenance import is_synthetic
from mien.table import Table, did_you_mean

#: Called with rows done and rows in all (0 when not known).
Progress: TypeAlias = Callable[[int, int], None]
#: Called with one line about something that was left out or assumed.
Say: TypeAlias = Callable[[str], None]

SOURCES = Table(
    "data source",
    {
        "folder": ("mien.data.sources.folder:scan", "one folder per class, inside train/val/test folders or not"),
        "csv": ("mien.data.sources.table:scan", "a CSV with a column of image paths and one of labels"),
        "fer2013": (
            "mien.data.sources.fer2013:scan",
            "Kaggle's CSV of pixels, with the FER+ votes when they lie beside it",
        ),
        "npz": ("mien.data.sources.npz:scan", "a NumPy .npz with arrays of pictures and labels"),
    },
)

_COMMON = ("path", "out", "labels", "progress", "say")


def detect(path: str | os.PathLike[str]) -> str:
    """Which source a path is.

    Raises:
        ManifestError: the path is missing, or is none of them.
    """
    from mien.data.sources.fer2013 import find_csv

    path = Path(path)
    if find_csv(path) is not None:
        return "fer2013"
    if path.is_dir():
        inside = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
        tables = [entry for entry in inside if entry.suffix.lower() in (".csv", ".npz") and entry.is_file()]
        if tables and not any(entry.is_dir() for entry in inside):
            raise ManifestError(f"{path}: no class folders in it; name the file to read, e.g. {tables[0]}")
        return "folder"
    if not path.is_file():
        raise ManifestError(f"{path}: no such file or folder")
    known = {".csv": "csv", ".npz": "npz"}
    if path.suffix.lower() in known:
        return known[path.suffix.lower()]
    if path.suffix.lower() in SUFFIXES:
        raise ManifestError(f"{path}: one picture is not a data set; name a folder with one folder per class")
    raise ManifestError(f"{path}: not a folder, .csv or .npz; sources: {', '.join(SOURCES)}")


def scan(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    source: str = "auto",
    labels: Labels | None = None,
    domain: str = "",
    origin: str = "",
    progress: Progress = lambda done, total: None,
    say: Say = lambda line: None,
    **options: Any,
) -> Manifest:
    """Read a data source and write its manifest.

    Args:
        path: folder or file.
        out: the manifest, ``.csv`` or ``.parquet``.
        source: an entry of :data:`SOURCES`, or ``auto``.
        labels: the classes; by default those found. Numbered classes need it.
        domain: written into every row's column ``domain``.
        origin: written into every row's column ``origin``: real, enhanced or synthetic. By default rows whose PNG files
            say that they are synthetic are so, and the others as the source has them.
        progress: called with rows done and in all.
        say: called with each note (files left out, rows without a label ...).
        options: the source's own, e.g. ``subject_from`` of ``folder``.

    Returns:
        The manifest as it was written.

    Raises:
        UnknownName: no such source.
        InputError: the source has no such option.
        ManifestError: the data are not laid out as the source expects.
    """
    out = Path(out)
    if out.suffix not in (".csv", ".parquet"):
        raise ManifestError(f"{out}: a manifest is written as .csv or .parquet")
    if origin and origin not in ORIGINS:
        raise InputError(f"unknown origin {origin!r}: {did_you_mean(origin, list(ORIGINS))}")
    if not Path(path).exists():
        raise ManifestError(f"{path}: no such file or folder")
    name = detect(path) if source == "auto" else source
    reader = SOURCES.load(name)
    known = [option for option in inspect.signature(reader).parameters if option not in _COMMON]
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known) if known else "it has none"
            raise InputError(f"data source {name!r} has no option {option!r}: {hint}")
    if out.exists() and Path(path).exists() and out.samefile(path):
        raise ManifestError(f"{out}: the manifest would replace the data it is made from; choose another --out")
    manifest: Manifest = reader(Path(path), out=out, labels=labels, progress=progress, say=say, **options)
    if domain:
        manifest = manifest.with_columns(domain=domain)
    manifest = manifest.with_columns(origin=origin) if origin else _believing_files(manifest, say)
    manifest.save(out)
    return Manifest.load(out, manifest.labels)


def _believing_files(manifest: Manifest, say: Say) -> Manifest:
    """Rows of PNG files that say so are synthetic; files of other kinds are not opened for it."""
    marked = [path.lower().endswith(".png") and is_synthetic(path) for path in manifest.paths()]
    if not any(marked):
        return manifest
    say(f"{sum(marked)} pictures say in their metadata that they are synthetic")
    known = manifest.frame["origin"].tolist()
    return manifest.with_columns(
        origin=["synthetic" if is_drawn else origin for is_drawn, origin in zip(marked, known, strict=True)]
    )
