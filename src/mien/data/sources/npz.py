"""Pictures and labels as arrays in an ``.npz``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.sources import Progress, Say, ferplus
from mien.data.sources.arrays import appending
from mien.data.sources.naming import canonical, class_names, column, split_name
from mien.errors import ManifestError
from mien.images import Pixels
from mien.labels import Labels
from mien.manifest import VOTES, Manifest

#: Meaning of a numbered split.
NUMBERED_SPLITS = ("train", "val", "test")
#: Rows held in memory at a time.
CHUNK = 1024
_CLASS_NAMES = ("classes", "class_names", "label_names")


def scan(
    path: Path,
    *,
    out: Path,
    labels: Labels | None = None,
    image: str | None = None,
    label: str | None = None,
    progress: Progress = lambda done, total: None,
    say: Say = lambda line: None,
) -> Manifest:
    """Read an ``.npz``.

    Arrays: pictures (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W), uint8 or float from 0 to 1; labels (N,), names
    or numbers; optionally ``split`` (N,) as names or 0 train, 1 val, 2 test; ``votes`` (N, C), one column per class, or
    (N, 10) in the order of FER+ (then numbered labels are FER2013's); ``classes``, the names of numbered labels;
    ``subject`` and ``domain`` (N,).

    Args:
        path: the file.
        out: the manifest; the pictures are written beside it.
        labels: the classes.
        image: name of the array of pictures; guessed when None.
        label: name of the array of labels, guessed when None; ``ferplus`` for the majority of FER+ votes.
        progress: called with rows done and in all.
        say: called with notes.

    Raises:
        ManifestError: an array is missing or has another shape than expected.
    """
    try:
        with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as arrays:
            names = list(arrays.files)
            pictures = column(names, "image", image, str(path))
            if pictures is None:
                raise ManifestError(f"{path}: no array of pictures among {', '.join(names)}; name it with --image")
            with appending(out.with_suffix(".npy")) as faces:
                for chunk, total in _pieces(archive, pictures, path):
                    faces.append(chunk)
                    progress(faces.count, total)
            chosen = None if label == "ferplus" else label
            rest = {role: column(names, role, chosen if role == "label" else None, str(path)) for role in _ROLES}
            values = {role: arrays[name] for role, name in rest.items() if name is not None}
            votes = arrays["votes"] if "votes" in names else None
            known = next((arrays[name] for name in _CLASS_NAMES if name in names), None)
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise ManifestError(f"{path}: not an .npz of plain arrays ({error})") from None
    for role, array in [*values.items(), *([("votes", votes)] if votes is not None else [])]:
        if len(array) != faces.count:
            raise ManifestError(f"{path}: {len(array)} rows of {role} for {faces.count} pictures")
    is_ferplus = votes is not None and votes.ndim == 2 and votes.shape[1] == len(ferplus.CLASSES) + len(ferplus.OTHERS)
    if labels is None and known is not None:
        labels = Labels(tuple(str(name) for name in known))  # the file's order counts
    columns: dict[str, Any] = {role: values[role].astype(str) for role in ("subject", "domain") if role in values}
    if "split" in values:
        columns["split"] = [_split(value) for value in values["split"].tolist()]
    columns["label"] = [""] * faces.count
    if "label" in values:
        numbers = labels or (Labels.named("fer7") if is_ferplus else None)
        columns["label"], labels = class_names(
            values["label"].reshape(faces.count, -1)[:, 0].tolist(), numbers, str(path)
        )
    elif votes is None:
        raise ManifestError(f"{path}: no array of labels among {', '.join(names)}; name it with --label")
    if votes is not None and is_ferplus:
        columns.update(ferplus.columns(votes.astype(np.int64)))
        labels = ferplus.LABELS
    elif votes is not None:
        columns.update(_votes(votes, labels, path))
    if label == "ferplus":
        if votes is None or not is_ferplus:
            raise ManifestError(f"{path}: label=ferplus needs an array 'votes' (N, 10) in the order of FER+")
        columns["label"] = ferplus.majority(votes.astype(np.int64))
        say(f"{columns['label'].count('')} of {faces.count} pictures have no FER+ majority: their label stays empty")
    stem = out.with_suffix(".npy").name
    rows = [f"{stem}#{row}" for row in range(faces.count)]
    return canonical(Manifest.of(root=out.parent, labels=labels, image=rows, **columns))


_ROLES = ("label", "split", "subject", "domain")


def _pieces(archive: zipfile.ZipFile, name: str, path: Path) -> Iterator[tuple[Pixels, int]]:
    """Pictures of one array piece by piece, without loading all of it, and their number."""
    with archive.open(name + ".npy") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read(file)
        if is_fortran or len(shape) not in (3, 4) or not (dtype == np.uint8 or dtype.kind == "f"):
            raise ManifestError(
                f"{path}: the array {name!r} is {dtype} {shape}; expected pictures, uint8 or float from 0 to 1, "
                "(N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W) in C order"
            )
        row = int(np.prod(shape[1:])) * dtype.itemsize
        for start in range(0, shape[0], CHUNK):
            count = min(CHUNK, shape[0] - start)
            content = file.read(count * row)
            if len(content) < count * row:
                raise ManifestError(f"{path}: the array {name!r} ends early")
            yield _plain(np.frombuffer(content, dtype).reshape(count, *shape[1:]), name, path), shape[0]


def _plain(images: NDArray[Any], name: str, path: Path) -> Pixels:
    """(N, H, W) or (N, H, W, 3) uint8."""
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim == 4 and images.shape[3] != 3:
        raise ManifestError(f"{path}: the array {name!r} has {images.shape[3]} channels; expected 1 or 3")
    if images.dtype.kind == "f":
        if not np.isfinite(images).all() or images.min() < 0 or images.max() > 1:
            raise ManifestError(f"{path}: the array {name!r} has floats outside of 0 to 1; save it as uint8")
        return np.asarray(np.rint(images * 255), np.uint8)
    return np.asarray(images, np.uint8)


def _split(value: object) -> str:
    if isinstance(value, int) and 0 <= value < len(NUMBERED_SPLITS):
        return NUMBERED_SPLITS[value]
    return split_name(str(value)) or str(value)


def _votes(votes: NDArray[Any], labels: Labels | None, path: Path) -> dict[str, NDArray[Any]]:
    if labels is None or votes.ndim != 2 or votes.shape[1] != len(labels):
        expected = (
            "10 columns (FER+)" if labels is None else f"{len(labels)} columns ({', '.join(labels)}) or 10 (FER+)"
        )
        raise ManifestError(
            f"{path}: votes of shape {votes.shape}; expected {expected}; name the classes with --labels"
        )
    return {VOTES + name: votes[:, index] for index, name in enumerate(labels)}
