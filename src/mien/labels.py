"""Names of classes, their order, and how one set of names maps onto another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.errors import LabelError
from mien.table import did_you_mean

#: Spellings met in the wild -> the name used here.
ALIASES: dict[str, str] = {
    "anger": "angry",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "contemptuous": "contempt",
    "interest": "interested",
    "disinterested": "not interested",
    "uninterested": "not interested",
}

#: The label sets known by id. FER2013's order is that of its CSV file; FER+ adds contempt at the end.
LABEL_SETS: dict[str, tuple[str, ...]] = {
    "fer7": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    "ferplus8": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt"),
    "basic4": ("angry", "happy", "sad", "neutral"),
    "mikels8": ("amusement", "anger", "awe", "contentment", "disgust", "excitement", "fear", "sadness"),
    "interest2": ("not interested", "interested"),
}


def key_of(name: str) -> str:
    """Give what all spellings of one class have in common: "Happiness" and "happy" have the same key."""
    plain = " ".join(str(name).strip().lower().replace("_", " ").replace("-", " ").split())
    return ALIASES.get(plain, plain)


@dataclass(frozen=True)
class Labels:
    """An ordered set of class names.

    Attributes:
        names: the classes; the position is the class index everywhere.
        id: ``fer7``, ``ferplus8``, ``basic4``, ``mikels8``, ``interest2`` or ``custom``.

    Example:
        >>> labels = Labels.named("fer7")
        >>> labels.index("Happiness")
        3
        >>> Labels.named("ferplus8").mapping_to(labels).missing
        ('contempt',)
    """

    names: tuple[str, ...]
    id: str = "custom"

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if len(self.names) < 2:
            raise LabelError(f"a label set needs at least two classes, got {list(self.names)}")
        keys = [key_of(name) for name in self.names]
        twice = sorted({name for name, key in zip(self.names, keys, strict=True) if keys.count(key) > 1})
        if twice:
            raise LabelError(f"classes named more than once (aliases count as the same name): {', '.join(twice)}")

    @classmethod
    def named(cls, id: str) -> Labels:
        """One of the known sets.

        Raises:
            LabelError: no set has this id.
        """
        if id not in LABEL_SETS:
            raise LabelError(f"unknown label set {id!r}: {did_you_mean(id, list(LABEL_SETS))}")
        return cls(LABEL_SETS[id], id)

    @classmethod
    def of(cls, names: Iterable[str]) -> Labels:
        """The known set with exactly these classes (in its own order), else a custom set in the order given."""
        given = tuple(dict.fromkeys(str(name) for name in names))
        keys = {key_of(name) for name in given}
        for id, known in LABEL_SETS.items():
            if {key_of(name) for name in known} == keys:
                return cls(known, id)
        return cls(given)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {key_of(name): index for index, name in enumerate(self.names)}

    def find(self, name: str) -> int | None:
        """Index of a class by any of its spellings, or None."""
        return self._index.get(key_of(name))

    def index(self, name: str) -> int:
        """Index of a class by any of its spellings.

        Raises:
            LabelError: this set has no such class.
        """
        index = self.find(name)
        if index is None:
            raise LabelError(f"unknown class {name!r}: {did_you_mean(key_of(name), list(self.names))}")
        return index

    def mapping_to(self, other: Labels) -> Mapping:
        """How to read answers over these classes as answers over ``other``'s.

        Classes that ``other`` does not have are named in the result; their probability is dropped and the rest
        is scaled back to one.
        """
        pairs = [(source, other.find(name)) for source, name in enumerate(self.names)]
        matrix = np.zeros((len(self), len(other)), np.float32)
        for source, target in pairs:
            if target is not None:
                matrix[source, target] = 1.0
        if not matrix.any():
            raise LabelError(f"no class of {list(self.names)} is in {list(other.names)}: the label sets do not overlap")
        return Mapping(self, other, matrix, tuple(self.names[source] for source, target in pairs if target is None))


@dataclass(frozen=True, eq=False)
class Mapping:
    """From one label set to another.

    Attributes:
        source: the set mapped from.
        target: the set mapped to.
        matrix: (source, target) float32 of 0 and 1; a row of zeros is a class that ``target`` lacks.
        missing: names of those classes.
    """

    source: Labels
    target: Labels
    matrix: NDArray[np.float32]
    missing: tuple[str, ...]

    def probabilities(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map probabilities (..., source) to (..., target); each vector sums to one again."""
        mapped: NDArray[np.float32] = probabilities @ self.matrix
        total = mapped.sum(axis=-1, keepdims=True)
        uniform = self.matrix.any(axis=0) / max(int(self.matrix.any(axis=0).sum()), 1)
        return np.where(total > 0, mapped / np.maximum(total, np.finfo(np.float32).tiny), uniform).astype(np.float32)

    def indices(self, targets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Map class indices; -1 (no label) and classes that the other set lacks become -1."""
        table = np.where(self.matrix.any(axis=1), self.matrix.argmax(axis=1), -1)
        return np.where(targets < 0, -1, table[targets]).astype(np.int64)
