"""Biases by class name, as a user gives them: factors of probabilities, or the file that ``mien bias`` writes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.card import Card
from mien.errors import InputError, LabelError
from mien.table import did_you_mean

#: How the file says what it is.
FORMAT = "mien.bias 1"


@dataclass(frozen=True)
class Biases:
    """What is added to the logits of some classes.

    Attributes:
        values: class name and number.
        are_factors: the numbers multiply probabilities (1 = no change), else they are added to logits (0 = no change).
        source: a file, for messages.

    Example:
        >>> card = Card(name="two", classes=("calm", "glad"), temperature=2.0)
        >>> Biases.of({"glad": math.e}).logits(card).tolist()  # divided by the temperature it is 1
        [0.0, 2.0]
    """

    values: tuple[tuple[str, float], ...]
    are_factors: bool = True
    source: str = ""

    def __post_init__(self) -> None:
        for name, value in self.values:
            if not math.isfinite(value) or (self.are_factors and value <= 0):
                wanted = "a factor above 0, e.g. 1.5" if self.are_factors else "a number"
                raise InputError(f"bias {name}={value:g}{self._where()}: expected {wanted}")

    @classmethod
    def of(cls, given: Biases | Mapping[str, float] | str | os.PathLike[str]) -> Biases:
        """From factors by class name, or from the path of a file."""
        if isinstance(given, Biases):
            return given
        if isinstance(given, Mapping):
            return cls(tuple((str(name), float(value)) for name, value in given.items()))
        return cls.load(given)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Biases:
        """Read a file of ``mien bias --out``.

        Raises:
            InputError: there is no such file, or it is another.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path}: no such file; `mien bias --out {path.name}` writes one, or give NAME=FACTOR")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']!r}")
            values = tuple((str(name), float(value)) for name, value in content["biases"].items())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: not a file of `mien bias --out` ({error})") from None
        return cls(values, are_factors=False, source=str(path))

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Biases:
        """From the words of a command line: ``angry=4.5``, ``angry=4.5,sad=2``, or one file.

        Raises:
            InputError: neither, or both.
        """
        words = [word.strip() for text in texts for word in text.split(",")]
        files = [word for word in words if word.endswith(".json")]
        if files:
            if len(words) > 1:
                raise InputError(f"{', '.join(words)}: give one file, or NAME=FACTOR for some classes, not both")
            return cls.load(files[0])
        return cls.of(pairs(words, "bias"))

    def logits(self, card: Card) -> NDArray[np.float32]:
        """(C,) what is added to the logits of a model; classes without a number get 0."""
        labels = card.labels
        added = np.zeros(len(labels), np.float32)
        for name, value in self.values:
            index = labels.find(name)
            if index is not None:
                # a probability is that of logits divided by the temperature
                added[index] = card.temperature * math.log(value) if self.are_factors else value
        return added

    def check(self, cards: Iterable[Card]) -> None:
        """See that every class is known to one of the models.

        Raises:
            LabelError: it is not; the message carries the nearest names.
        """
        known = [card.labels for card in cards]
        for name, value in self.values:
            is_change = value != (1.0 if self.are_factors else 0.0)
            if is_change and all(labels.find(name) is None for labels in known):
                raise LabelError(f"bias for {name!r}{self._where()}: {did_you_mean(name, list(known[0]))}")

    def _where(self) -> str:
        return f" in {self.source}" if self.source else ""


def pairs(words: Iterable[str], what: str) -> dict[str, float]:
    """Numbers by name, from words such as ``angry=4.5``.

    Raises:
        InputError: a word is no such pair, or a name is given twice.
    """
    found: dict[str, float] = {}
    for word in words:
        name, sign, number = (part.strip() for part in word.partition("="))
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not (name and sign and math.isfinite(value)):
            raise InputError(f"{what} {word!r}: expected NAME=NUMBER, e.g. angry=1.5")
        if name in found:
            raise InputError(f"{what}: {name} is given twice, as {found[name]:g} and as {value:g}")
        found[name] = value
    return found
