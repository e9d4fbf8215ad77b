"""A data set, scored by a model: all that analysis ever needs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mien.atomic import writing
from mien.errors import InputError
from mien.labels import Labels
from mien.table import did_you_mean

_ARRAYS = ("logits", "targets", "votes", "other_votes", "ids", "splits", "domains", "subjects", "member_weights")
#: Prefix of the further columns in the file.
_COLUMN = "column."


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    exponent = np.exp(shifted.astype(np.float64))
    probabilities: NDArray[np.float32] = (exponent / exponent.sum(axis=-1, keepdims=True)).astype(np.float32)
    return probabilities


@dataclass(frozen=True, eq=False)
class Scores:
    """Logits and truth, row by row.

    Attributes:
        logits: (N, C) float32, as the model gives them, biases and temperature of its card not applied.
        targets: (N,) int64 class indices; -1 where there is no label.
        labels: the classes.
        ids: (N,) text: the image, and the box where the manifest has one.
        votes: (N, C) float32 counts, or None.
        other_votes: (N,) float32, the most votes that one answer outside the classes got (e.g. "unknown"), or None.
        splits: (N,) text.
        domains: (N,) text.
        subjects: (N,) text.
        columns: (N,) text each: origin, and whatever other columns the manifest has.
        member_weights: (N, M) float32, how much each member of a fused net counted for each row, or None.
        members: names of those members.
        model: name and digest of the model.
        about: anything else worth keeping: manifest digest, which split was used to choose the model, times.

    Example:
        >>> scores = Scores(np.array([[2.0, 0.0]], np.float32), np.array([0]), Labels(("a", "b")), np.array(["x.png"]))
        >>> scores.probabilities().round(2).tolist()
        [[0.8799999952316284, 0.11999999731779099]]
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    labels: Labels
    ids: NDArray[np.str_]
    votes: NDArray[np.float32] | None = None
    splits: NDArray[np.str_] | None = None
    domains: NDArray[np.str_] | None = None
    subjects: NDArray[np.str_] | None = None
    other_votes: NDArray[np.float32] | None = None
    columns: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    member_weights: NDArray[np.float32] | None = None
    members: tuple[str, ...] = ()
    model: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.logits)
        if self.logits.shape != (count, len(self.labels)):
            raise InputError(f"logits of shape {self.logits.shape} for {len(self.labels)} classes")
        for name in _ARRAYS[1:]:
            value = getattr(self, name)
            if value is not None and len(value) != count:
                raise InputError(f"{name} has {len(value)} rows, logits have {count}")
        for name, values in self.columns.items():
            if len(values) != count:
                raise InputError(f"the column {name} has {len(values)} rows, logits have {count}")
        columns = 0 if self.member_weights is None else self.member_weights.shape[1]
        if columns != len(self.members):
            raise InputError(f"member_weights has {columns} columns for {len(self.members)} members")

    def __len__(self) -> int:
        return len(self.logits)

    def probabilities(self) -> NDArray[np.float32]:
        """(N, C) softmax of the logits."""
        return softmax(self.logits)

    def take(self, rows: NDArray[Any]) -> Scores:
        """Rows by number or by mask."""
        arrays: dict[str, Any] = {
            name: value if (value := getattr(self, name)) is None else value[rows] for name in _ARRAYS
        }
        return replace(self, **arrays, columns={name: values[rows] for name, values in self.columns.items()})

    def column(self, name: str) -> NDArray[np.str_]:
        """(N,) text of a column of the manifest: split, domain, subject, origin or one of its own.

        Raises:
            InputError: there is none of that name; the message names those there are.
        """
        known = {"split": self.splits, "domain": self.domains, "subject": self.subjects, **self.columns}
        present = {column: values for column, values in known.items() if values is not None}
        if name not in present:
            raise InputError(f"the scores have no column {name!r}: {did_you_mean(name, list(present))}")
        return present[name]

    def labelled(self) -> Scores:
        """Only the rows that have a label."""
        return self.take(np.flatnonzero(self.targets >= 0))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one ``.npz``."""
        arrays: dict[str, Any] = {name: value for name in _ARRAYS if (value := getattr(self, name)) is not None}
        columns: dict[str, Any] = {_COLUMN + name: values for name, values in self.columns.items()}
        about = {
            "labels": self.labels.names,
            "label_set": self.labels.id,
            "members": self.members,
            "model": self.model,
            "about": self.about,
        }
        with writing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, meta=np.array(json.dumps(about)), **arrays, **columns)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Scores:
        """Read one ``.npz``.

        Raises:
            InputError: the file is missing or was not written by :meth:`save`.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path}: no such scores file; `mien evaluate` writes one")
        try:
            # opened here, because numpy 2.4 leaves a file that is no archive open
            with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
                meta = json.loads(str(file["meta"]))
                arrays: dict[str, Any] = {name: file[name] for name in _ARRAYS if name in file.files}
                further = {name: file[name] for name in file.files if name.startswith(_COLUMN)}
            labels = Labels(tuple(meta["labels"]), meta["label_set"])
            arrays["columns"] = {name.removeprefix(_COLUMN): values for name, values in further.items()}
            members = tuple(meta.get("members", ()))  # files before 0.2 have none
            return cls(labels=labels, members=members, model=meta["model"], about=meta["about"], **arrays)
        except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile) as error:
            raise InputError(f"{path}: not a scores file ({error})") from None


assert {item.name for item in fields(Scores)} >= set(_ARRAYS)
