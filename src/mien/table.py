"""Tables of things that go by name: nets, losses, detectors, data sources.

A table maps a name to ``"module:object"`` and one line of help. The module is imported when the name is first
used, so that a table costs nothing to read. Adding an entry = one new file + one line in its table.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from mien.errors import UnknownName


class Entry(NamedTuple):
    """Where a named thing lives, and what it is."""

    target: str
    help: str


def nearest(name: str, names: list[str], count: int = 3) -> list[str]:
    """The names most like ``name``, best first; empty when none is close."""
    lower = {candidate.lower(): candidate for candidate in names}
    return [lower[match] for match in difflib.get_close_matches(name.lower(), list(lower), n=count, cutoff=0.5)]


def did_you_mean(name: str, names: list[str]) -> str:
    """`` (did you mean a, b?)`` or, when nothing is close, the whole list."""
    close = nearest(name, names)
    return f"did you mean {' or '.join(repr(match) for match in close)}?" if close else f"known: {', '.join(names)}"


class Table:
    """Names of one kind of thing.

    Example:
        >>> table = Table("number", {"pi": ("math:pi", "circumference over diameter")})
        >>> round(table.load("pi"), 2)
        3.14
        >>> table.load("pie")
        Traceback (most recent call last):
        mien.errors.UnknownName: unknown number 'pie': did you mean 'pi'?
    """

    def __init__(self, kind: str, entries: dict[str, tuple[str, str]]) -> None:
        self.kind = kind
        self._entries = {name: Entry(*entry) for name, entry in entries.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """All names, in the table's order."""
        return list(self._entries)

    def entry(self, name: str) -> Entry:
        """Where ``name`` lives.

        Raises:
            UnknownName: no such name; the message carries the nearest ones.
        """
        if name not in self._entries:
            raise UnknownName(f"unknown {self.kind} {name!r}: {did_you_mean(name, self.names())}")
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the object behind ``name``."""
        module, _, attribute = self.entry(name).target.partition(":")
        return getattr(importlib.import_module(module), attribute)
