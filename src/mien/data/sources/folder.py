"""Pictures in one folder per class, with or without folders for the splits above them.

    faces/happy/1.png              faces/train/happy/1.png       faces/test/happy/1.png

Inside a class folder pictures may lie in further folders.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from mien.data.sources import Progress, Say
from mien.data.sources.naming import canonical, class_names, split_name
from mien.errors import InputError, ManifestError
from mien.images import SUFFIXES
from mien.labels import Labels
from mien.manifest import Manifest

_EXPECTED = "expected one folder per class (faces/happy/1.png) or per split and class (faces/train/happy/1.png)"


def scan(
    path: Path,
    *,
    out: Path,
    labels: Labels | None = None,
    subject_from: str | None = None,
    progress: Progress = lambda done, total: None,
    say: Say = lambda line: None,
) -> Manifest:
    r"""Read class folders.

    Args:
        path: the folder that holds them.
        out: the manifest.
        labels: the classes; by default the folders found. Numbered folders (0, 1, ...) need it.
        subject_from: regular expression searched in each file's name; its first group (or the whole match) is the
            person or video that the picture is of: ``^(.+)_\d+`` finds ``Ada`` in ``Ada_0007.png``.
        progress: called with pictures found.
        say: called with what was left out.

    Raises:
        ManifestError: the folder is not laid out like that, or has one class only.
        InputError: the regular expression is not one, or matches no file.
    """
    if not path.is_dir():
        raise ManifestError(f"{path}: not a folder; {_EXPECTED}")
    root = _unwrap(path, labels)
    folders, loose = _inside(root)
    parts = [(split_name(folder.name) or "", folder) for folder in folders]
    left_out: Counter[str] = Counter()
    if any(split for split, _ in parts):
        for folder in [folder for split, folder in parts if not split]:
            left_out[f"the folder {folder.name} beside the split folders"] += 1
        parts = [(split, folder) for split, folder in parts if split]
        classes = [(split, inner) for split, folder in parts for inner in _inside(folder)[0]]
        loose = [file for _, folder in parts for file in _inside(folder)[1]]
    else:
        classes = parts
    rows: list[tuple[str, str, str]] = []
    for split, folder in classes:
        for file in _walk(folder, left_out):
            rows.append((str(file), folder.name, split))
        progress(len(rows), 0)
    _check(root, loose, rows, labels)
    if loose:
        left_out["pictures outside of the class folders"] += len(loose)
    for what, count in sorted(left_out.items()):
        say(f"left out: {what}" + (f" ({count})" if count > 1 else ""))
    empty = sorted({folder.name for _, folder in classes} - {row[1] for row in rows})
    if empty:
        say(f"folders without pictures: {', '.join(empty)}")
    names, labels = class_names((row[1] for row in rows), labels, str(path))
    files, splits = [os.path.abspath(row[0]) for row in rows], [row[2] for row in rows]
    people = subjects(files, subject_from, say) if subject_from else [""] * len(files)
    manifest = Manifest.of(root=out.parent, labels=labels, image=files, label=names, split=splits, subject=people)
    return canonical(manifest)


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders and pictures directly in a folder, sorted, without hidden ones and macOS' archive leftovers."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX")))
    pictures = [entry for entry in entries if entry.suffix.lower() in SUFFIXES and entry.is_file()]
    return [entry for entry in entries if entry.is_dir()], pictures


def _unwrap(path: Path, labels: Labels | None) -> Path:
    """Step into an only folder that holds no pictures but folders: archives often wrap a data set in one."""
    while True:
        folders, loose = _inside(path)
        if len(folders) != 1 or loose or split_name(folders[0].name):
            return path
        if labels is not None and labels.find(folders[0].name) is not None:
            return path
        inner, pictures = _inside(folders[0])
        if pictures or not inner:
            return path
        path = folders[0]


def _walk(folder: Path, left_out: Counter[str]) -> list[Path]:
    """Pictures below a class folder, sorted; other files are counted by kind."""
    found = []
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            suffix = os.path.splitext(name)[1].lower()
            if name.startswith("."):
                left_out["hidden files"] += 1
            elif suffix not in SUFFIXES:
                left_out[f"files that are not pictures: *{suffix}" if suffix else "files without a suffix"] += 1
            else:
                found.append(Path(base, name))
    return found


def _check(root: Path, loose: list[Path], rows: list[tuple[str, str, str]], labels: Labels | None) -> None:
    if not rows and loose:
        raise ManifestError(
            f"{root}: {len(loose)} pictures lie directly in it, so their classes are unknown; {_EXPECTED}, "
            "or a CSV with image and label columns"
        )
    if not rows:
        raise ManifestError(f"{root}: no class folder with pictures found; {_EXPECTED}")
    classes = sorted({row[1] for row in rows})
    if len(classes) == 1 and labels is None:
        raise ManifestError(
            f"{root}: only one class folder with pictures ({classes[0]!r}); {_EXPECTED}, and at least two classes, "
            "or say which classes there are with --labels"
        )


def subjects(files: list[str], pattern: str, say: Say) -> list[str]:
    """Who or what each file is of, by a regular expression on the file's name; empty where it does not match."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(f"subject_from {pattern!r} is not a regular expression ({error})") from None
    matches = [expression.search(os.path.basename(file)) for file in files]
    if not any(matches):
        raise InputError(
            f"subject_from {pattern!r} matches none of the file names, e.g. {os.path.basename(files[0])!r}"
        )
    missed = sum(match is None for match in matches)
    if missed:
        say(f"no subject found in the names of {missed} of {len(files)} files")
    return [
        "" if match is None else (match.group(1) if expression.groups else match.group(0)) or "" for match in matches
    ]
