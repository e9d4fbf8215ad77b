"""What sources have in common: names of splits, of columns, and of classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mien.errors import LabelError, ManifestError
from mien.labels import LABEL_SETS, Labels, key_of
from mien.manifest import Manifest
from mien.table import did_you_mean

_SPLITS = {
    "train": ("train", "training", "trainset", "train set"),
    "val": ("val", "valid", "validation", "dev", "eval", "publictest", "val set"),
    "test": ("test", "testing", "tests", "privatetest", "test set"),
}
#: Names of splits met in the wild -> the three used here. PublicTest and PrivateTest are FER2013's.
SPLITS = {name: split for split, names in _SPLITS.items() for name in names}

#: Column (or array) names met in the wild, the most telling first.
GUESSES: dict[str, tuple[str, ...]] = {
    "image": (
        "image",
        "images",
        "path",
        "file",
        "filename",
        "filepath",
        "image path",
        "image name",
        "img",
        "img path",
        "x",
    ),
    "label": ("label", "labels", "emotion", "expression", "class", "class name", "category", "target", "targets", "y"),
    "split": ("split", "usage", "set", "subset", "partition"),
    "subject": ("subject", "subject id", "person", "identity", "actor", "participant"),
    "domain": ("domain", "dataset", "source"),
}


def split_name(name: str) -> str | None:
    """``train``, ``val`` or ``test`` for any of its spellings, else None."""
    return SPLITS.get(" ".join(str(name).lower().replace("_", " ").replace("-", " ").split()))


def column(names: Sequence[str], role: str, given: str | None, where: str) -> str | None:
    """The column of a table that plays a role: the given one, or the first of the usual names.

    Raises:
        ManifestError: the given name is not there.
    """
    if given is not None:
        if given not in names:
            raise ManifestError(f"{where}: no column {given!r} for {role}: {did_you_mean(given, list(names))}")
        return given
    plain = {" ".join(name.lower().replace("_", " ").split()): name for name in reversed(names)}
    return next((plain[guess] for guess in GUESSES[role] if guess in plain), None)


def class_names(values: Iterable[object], labels: Labels | None, where: str) -> tuple[list[str], Labels | None]:
    """Class names for labels as found: names in any spelling, or numbers that count from 0.

    Args:
        values: one label per row; empty, None or nan for no label.
        labels: the classes, needed for numbers; None takes the names as found (one spelling per class).
        where: what they come from, for the message.

    Returns:
        One name per row, empty where there is no label; the classes, None when the names found decide.

    Raises:
        LabelError: numbers without ``labels``, or a class that ``labels`` lacks.
    """
    texts = [_text(value) for value in values]
    found = list(dict.fromkeys(text for text in texts if text))
    if found and all(text.isdecimal() for text in found) and not (labels and labels.find(found[0]) is not None):
        table = _numbered(found, labels, where)
    elif labels is not None:
        unknown = [text for text in found if labels.find(text) is None]
        if unknown:
            raise LabelError(
                f"{where}: classes that are not in {list(labels.names)}: {', '.join(map(repr, sorted(unknown)[:5]))}"
            )
        table = {text: labels.names[labels.index(text)] for text in found}
    else:
        spelling: dict[str, str] = {}
        for text in sorted(found):
            spelling.setdefault(key_of(text), text)
        table = {text: spelling[key_of(text)] for text in found}
    return [table[text] if text else "" for text in texts], labels


def canonical(manifest: Manifest) -> Manifest:
    """Write labels as the manifest's label set spells them: ``Happiness`` becomes ``happy`` in ``fer7``."""
    names = np.array([*manifest.labels.names, ""], dtype=object)
    return manifest.with_columns(label=names[manifest.targets()])


def _text(value: object) -> str:
    if value is None or value != value:  # nan is the only value that differs from itself
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)  # a column of numbers with gaps is read as floats
    return (value.decode() if isinstance(value, bytes) else str(value)).strip()


def _numbered(found: list[str], labels: Labels | None, where: str) -> dict[str, str]:
    highest = max(int(text) for text in found)
    if labels is None:
        sets = ", ".join(id for id, names in LABEL_SETS.items() if len(names) > highest)
        raise LabelError(
            f"{where}: the classes are numbers (0 to {highest}); say what they mean with --labels: "
            f"a known set ({sets or 'none is so large'}) or names in order, e.g. angry,happy,sad"
        )
    if highest >= len(labels):
        raise LabelError(
            f"{where}: class number {highest}, but {labels.id} has {len(labels)} classes (0 to {len(labels) - 1})"
        )
    return {text: labels.names[int(text)] for text in found}
