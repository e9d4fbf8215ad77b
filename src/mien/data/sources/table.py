"""Any CSV with a column of image paths and a column of labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mien.data.sources import Progress, Say
from mien.data.sources.naming import canonical, class_names, column, split_name
from mien.errors import ManifestError, need
from mien.labels import Labels
from mien.manifest import COLUMNS, Manifest


def scan(
    path: Path,
    *,
    out: Path,
    labels: Labels | None = None,
    image: str | None = None,
    label: str | None = None,
    images: str | Path | None = None,
    subject_from: str | None = None,
    progress: Progress = lambda done, total: None,
    say: Say = lambda line: None,
) -> Manifest:
    """Read a CSV.

    Columns for split, subject and domain are taken over when they have a usual name; all others are kept.

    Args:
        path: the CSV.
        out: the manifest.
        labels: the classes; by default those found. Numbered classes need it.
        image: name of the column of paths; by default guessed (image, path, file, filename ...).
        label: name of the column of labels; by default guessed (label, emotion, expression, class ...).
        images: folder that the paths start from; by default the CSV's.
        subject_from: regular expression searched in each file's name; its first group (or the whole match) is the
            subject.
        progress: called with rows done and in all.
        say: called with notes.

    Raises:
        ManifestError: a column is missing, or no picture is where the paths say.
    """
    pandas = need("pandas", "lab", "reading a CSV")
    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig")
    except (ValueError, OSError) as error:  # pandas' parser errors and wrong encodings are ValueErrors
        raise ManifestError(f"{path}: cannot be read as a table ({error})") from None
    frame.columns = [str(name).strip() for name in frame.columns]
    if not len(frame):
        raise ManifestError(f"{path}: there are no rows in it")
    found = ", ".join(frame.columns)
    names = list(frame.columns)
    where = {role: column(names, role, given, str(path)) for role, given in (("image", image), ("label", label))}
    for role, name in where.items():
        if name is None:
            raise ManifestError(f"{path}: no column of {role}s among {found}; name it with --{role}")
    taken: dict[str, Any] = {}
    for role in ("split", "subject", "domain"):
        name = column(names, role, None, str(path))
        if name is not None and name not in where.values():
            taken[role] = frame[name].str.strip()
            where[role] = name
    if "split" in taken:
        taken["split"] = [split_name(value) or value for value in taken["split"]]
    base = os.path.abspath(path.parent if images is None else images)
    files = [os.path.join(base, value.strip()) if value.strip() else "" for value in frame[where["image"]]]
    _check(files, path, base, say)
    taken["label"], labels = class_names(frame[where["label"]].str.strip(), labels, str(path))
    if subject_from:
        from mien.data.sources.folder import subjects

        taken["subject"] = subjects(files, subject_from, say)
    unlabelled = taken["label"].count("")
    if unlabelled:
        say(f"{unlabelled} of {len(frame)} rows have no label")
    rest = frame.drop(columns=[name for name in where.values() if name is not None])
    rest = rest.rename(
        columns={name: f"{name}_original" for name in rest.columns if name in COLUMNS and name != "origin"}
    )
    progress(len(frame), len(frame))
    return canonical(Manifest(rest.assign(image=files, **taken), out.parent, labels))  # type: ignore[arg-type]


def _check(files: list[str], path: Path, base: str, say: Say) -> None:
    empty = next((row for row, file in enumerate(files) if not file), None)
    if empty is not None:
        raise ManifestError(f"{path}: row {empty + 1} has no image path")
    missing = [row for row, file in enumerate(files) if not os.path.isfile(file.rpartition("#")[0] or file)]
    if len(missing) == len(files):
        raise ManifestError(
            f"{path}: none of the {len(files)} pictures is there, e.g. {files[0]}; paths start from {base}, "
            "say with --images which folder they start from"
        )
    if missing:
        say(f"row {missing[0] + 1}: {files[missing[0]]} is missing ({len(missing)} of {len(files)} rows have no file)")
