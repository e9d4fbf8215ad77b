"""A manifest: the data as a table, one row per image.

Columns: ``image`` (path, relative to the manifest's folder or absolute, or ``array.npy#row``), ``label`` (class
name, may be empty), ``split``, ``domain``, ``subject``, ``origin`` (real, enhanced, synthetic), optionally ``box``
(``"x1 y1 x2 y2"`` in pixels: the face in the picture), ``votes.<class>`` (how many people chose that class) and
``votes_<answer>`` (how many gave an answer that names no class, such as "unknown"). Any other column is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import writing
from mien.errors import ManifestError, need
from mien.labels import Labels
from mien.table import did_you_mean

if TYPE_CHECKING:
    import pandas

COLUMNS = ("image", "label", "split", "domain", "subject", "origin")
VOTES = "votes."
OTHER_VOTES = "votes_"
ORIGINS = ("real", "enhanced", "synthetic")


@dataclass(frozen=True, eq=False)
class Manifest:
    """A table of images. Immutable: every operation returns a new one.

    Attributes:
        frame: the table; has all of ``COLUMNS`` (text, empty when unknown).
        root: folder that relative image paths start from.
        labels: the classes; by default those found in the column ``label``, as a known set when they are one.

    Example:
        >>> from mien.manifest import Manifest
        >>> faces = Manifest.of(image=["a.png", "b.png"], label=["happy", "sad"], split=["train", "val"])
        >>> len(faces.where(split="val"))
        1
    """

    frame: pandas.DataFrame
    root: Path = Path(".")
    labels: Labels = field(default=None)  # type: ignore[assignment]  # filled in below when not given

    def __post_init__(self) -> None:
        frame = self.frame.reset_index(drop=True)
        if "image" not in frame.columns:
            raise ManifestError(f"no column 'image': {did_you_mean('image', [str(name) for name in frame.columns])}")
        for column in COLUMNS:
            if column not in frame.columns:
                frame[column] = "real" if column == "origin" else ""
            frame[column] = frame[column].astype("string").fillna("").astype(object)
        rest = [column for column in frame.columns if column not in COLUMNS]
        object.__setattr__(self, "frame", frame[[*COLUMNS, *rest]])
        if self.labels is None:
            found = [*self.vote_classes, *(name for name in sorted(set(frame["label"])) if name)]
            object.__setattr__(self, "labels", _labels_of(found))
        self._check()

    def _check(self) -> None:
        empty = np.flatnonzero((self.frame["image"] == "").to_numpy())
        if len(empty):
            raise ManifestError(f"row {empty[0] + 1}: the column 'image' is empty")
        unknown = sorted({name for name in set(self.frame["label"]) if name and self.labels.find(name) is None})
        if unknown:
            raise ManifestError(
                f"labels that are not in {list(self.labels.names)}: {', '.join(unknown)} "
                f"(first in row {int((self.frame['label'] == unknown[0]).to_numpy().argmax()) + 1})"
            )

    @classmethod
    def of(cls, *, root: str | os.PathLike[str] = ".", labels: Labels | None = None, **columns: Any) -> Manifest:
        """Make one from columns."""
        pandas = need("pandas", "lab", "a manifest")
        return cls(pandas.DataFrame(columns), Path(root), labels)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | os.PathLike[str], labels: Labels | None = None) -> Manifest:
        """Read ``.csv`` or ``.parquet``.

        Raises:
            ManifestError: the file is missing, or is not a manifest.
        """
        pandas = need("pandas", "lab", "reading a manifest")
        path = Path(path)
        if not path.is_file():
            raise ManifestError(f"{path}: no such manifest; make one with `mien data scan FOLDER --out {path.name}`")
        try:
            if path.suffix == ".parquet":
                frame = pandas.read_parquet(path)
            else:
                frame = pandas.read_csv(
                    path, dtype={column: str for column in (*COLUMNS, "box")}, keep_default_na=False, na_values=[""]
                )
        except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
            raise ManifestError(f"{path}: cannot be read as a table ({error})") from None
        try:
            return cls(frame, path.parent, labels)  # type: ignore[arg-type]
        except ManifestError as error:
            raise ManifestError(f"{path}: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``.csv`` or ``.parquet``; paths of images below the file's folder are written relative to it."""
        path = Path(path)
        frame = self.frame.copy()
        frame["image"] = [_relative(self.locate(image), path.parent) for image in frame["image"]]
        with writing(path) as temporary:
            if path.suffix == ".parquet":
                frame.to_parquet(temporary, index=False)
            elif path.suffix == ".csv":
                frame.to_csv(temporary, index=False)
            else:
                raise ManifestError(f"{path}: a manifest is written as .csv or .parquet")

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def vote_classes(self) -> list[str]:
        """Classes that have a column of votes, in the order of the columns."""
        return [str(column)[len(VOTES) :] for column in self.frame.columns if str(column).startswith(VOTES)]

    def locate(self, image: str) -> str:
        """Full path of one entry of the column ``image``."""
        return image if os.path.isabs(image) else os.path.join(self.root, image)

    def paths(self) -> list[str]:
        """Full paths of all images."""
        return [self.locate(image) for image in self.frame["image"]]

    def targets(self) -> NDArray[np.int64]:
        """(N,) class indices; -1 where there is no label."""
        index = {name: -1 if name == "" else self.labels.index(name) for name in set(self.frame["label"])}
        return np.array([index[name] for name in self.frame["label"]], np.int64)

    def votes(self) -> NDArray[np.float32] | None:
        """(N, C) votes in the order of ``labels``, or None when the manifest has none."""
        if not self.vote_classes:
            return None
        votes = np.zeros((len(self), len(self.labels)), np.float32)
        for name in self.vote_classes:
            index = self.labels.find(name)
            if index is not None:
                votes[:, index] += self.frame[VOTES + name].to_numpy(np.float32, na_value=0.0)
        return votes

    def other_votes(self) -> NDArray[np.float32] | None:
        """(N,) the most votes that one answer outside ``labels`` got, or None when the manifest has no votes."""
        if not self.vote_classes:
            return None
        columns = [VOTES + name for name in self.vote_classes if self.labels.find(name) is None]
        columns += [str(column) for column in self.frame.columns if str(column).startswith(OTHER_VOTES)]
        most = np.zeros(len(self), np.float32)
        for column in columns:
            most = np.maximum(most, self.frame[column].to_numpy(np.float32, na_value=0.0))
        return most

    def boxes(self) -> NDArray[np.float32] | None:
        """(N, 4) boxes ``x1 y1 x2 y2`` in pixels, nan where a row has none; None without the column."""
        if "box" not in self.frame.columns:
            return None
        boxes = np.full((len(self), 4), np.nan, np.float32)
        for row, text in enumerate(self.frame["box"]):
            if isinstance(text, str) and text:
                try:
                    boxes[row] = [float(value) for value in text.split()]
                except ValueError:
                    raise ManifestError(f"row {row + 1}: box {text!r} is not four numbers 'x1 y1 x2 y2'") from None
        return boxes

    def where(self, **columns: str | Iterable[str]) -> Manifest:
        """Rows whose columns have the given value, or one of the given values."""
        keep = np.ones(len(self), bool)
        for column, wanted in columns.items():
            if column not in self.frame.columns:
                raise ManifestError(f"no column {column!r}: {did_you_mean(column, list(map(str, self.frame.columns)))}")
            values = [wanted] if isinstance(wanted, str) else list(wanted)
            keep &= self.frame[column].isin(values).to_numpy()
        return self.take(np.flatnonzero(keep))

    def split(self, name: str) -> Manifest:
        """Rows of one split.

        Raises:
            ManifestError: the manifest has no such split; the message names those it has.
        """
        part = self.where(split=name)
        if not len(part):
            found = sorted(set(self.frame["split"]))
            raise ManifestError(f"no rows with split {name!r}; found {found}: `mien data split` makes splits")
        return part

    def take(self, rows: NDArray[np.intp]) -> Manifest:
        """Rows by number."""
        return Manifest(self.frame.iloc[rows], self.root, self.labels)

    def at_most(self, per_class: int, seed: int = 0) -> Manifest:
        """At most so many rows of each class, drawn with the seed, in the order they had; rows without a label go."""
        generator, targets = np.random.default_rng(seed), self.targets()
        of_class = (np.flatnonzero(targets == index) for index in range(len(self.labels)))
        drawn = [
            rows if len(rows) <= per_class else generator.choice(rows, per_class, replace=False) for rows in of_class
        ]
        return self.take(np.sort(np.concatenate(drawn)))

    def with_columns(self, **columns: Any) -> Manifest:
        """A manifest with columns added or replaced."""
        return Manifest(self.frame.assign(**columns), self.root, self.labels)

    def with_labels(self, labels: Labels) -> Manifest:
        """The same images over another label set; rows whose class it lacks keep an empty label."""
        mapped = self.labels.mapping_to(labels).indices(self.targets())
        frame = self.frame.assign(label=["" if index < 0 else labels.names[index] for index in mapped])
        return Manifest(frame, self.root, labels)

    def merge(self, other: Manifest) -> Manifest:
        """The rows of both; image paths become absolute when the two have different folders."""
        pandas = need("pandas", "lab", "merging manifests")
        labels = self.labels if self.labels.names == other.labels.names else Labels.of([*self.labels, *other.labels])
        if self.root == other.root:
            return Manifest(pandas.concat([self.frame, other.frame]), self.root, labels)
        frames = [part.frame.assign(image=[os.path.abspath(path) for path in part.paths()]) for part in (self, other)]
        return Manifest(pandas.concat(frames), Path("."), labels)

    def digest(self) -> str:
        """Short hash of images, boxes, labels, splits and votes: the same data give the same digest, wherever they lie.

        A manifest without the column ``box`` has the digest that it had before there were any.
        """
        content = hashlib.sha256()
        for column in [*COLUMNS[:3], *(VOTES + name for name in self.vote_classes)]:
            content.update("\n".join(map(str, self.frame[column])).encode())
        if "box" in self.frame.columns:
            content.update("\n".join(map(str, self.frame["box"].fillna(""))).encode())
        return content.hexdigest()[:16]

    def check_files(self) -> None:
        """See that every image file is there.

        Raises:
            ManifestError: names the first row whose file is missing, and how many there are.
        """
        files = [path.rpartition("#")[0] if ".npy#" in path else path for path in self.paths()]
        present = {path: os.path.isfile(path) for path in set(files)}
        missing = [row for row, path in enumerate(files) if not present[path]]
        if missing:
            row = missing[0]
            raise ManifestError(
                f"row {row + 1}: {files[row]} is missing ({len(missing)} of {len(self)} rows have no file); "
                f"paths are relative to {self.root.resolve()}"
            )


def _labels_of(names: list[str]) -> Labels:
    if not names:
        return Labels.named("fer7")
    found = Labels.of(names if len(set(names)) >= 2 else [*names, "other"])  # one class alone makes no label set
    if found.id != "custom":
        return found
    for known in ("fer7", "ferplus8"):  # a data set that lacks a rare class still speaks that language
        if all(Labels.named(known).find(name) is not None for name in names):
            return Labels.named(known)
    return found


def _relative(path: str, folder: Path) -> str:
    absolute, base = os.path.abspath(path), os.path.abspath(folder)
    return os.path.relpath(absolute, base) if absolute.startswith(base + os.sep) else absolute
