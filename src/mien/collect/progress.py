"""What a stopped search leaves behind: a JSON file beside the table, gone when the table is written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien.atomic import write_text
from mien.errors import InputError

_VERSION = 1


@dataclass(frozen=True)
class Asked:
    """How far a query has come.

    Attributes:
        ids: of the wanted videos, in the order of the results.
        token: of the next page; empty for the first.
        is_at_end: whether there are no more pages.
    """

    ids: list[str] = field(default_factory=list)
    token: str = ""
    is_at_end: bool = False


@dataclass
class Progress:
    """How far a search has come.

    Attributes:
        path: of the file.
        wanted: the filters; with others the videos that were found are not those that are wanted.
        seen: id -> row of the table, or None when the video is not wanted.
    """

    path: Path
    wanted: dict[str, Any]
    seen: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    _asked: dict[str, Asked] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, wanted: dict[str, Any]) -> Progress:
        """Go on where the file says, or begin.

        Raises:
            InputError: the file is of a search with other filters, or is none.
        """
        if not path.exists():
            return cls(path, wanted)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            is_same = kept["version"] == _VERSION and kept["wanted"] == wanted
            asked = {text: Asked(**one) for text, one in kept["asked"].items()}
            seen = dict(kept["seen"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: is not what a stopped search leaves behind; delete it to begin anew") from None
        if not is_same:
            raise InputError(
                f"{path}: a search with other filters was stopped here; go on with the same, choose another --out, or "
                "delete the file to begin anew"
            )
        return cls(path, wanted, seen, asked)

    def of(self, text: str) -> Asked:
        """How far a query has come."""
        return self._asked.get(text, Asked())

    def put(self, text: str, asked: Asked) -> None:
        """Note how far a query has come."""
        self._asked[text] = asked

    def save(self) -> None:
        """Write the file."""
        asked = {text: asdict(one) for text, one in self._asked.items()}
        kept = {"version": _VERSION, "wanted": self.wanted, "asked": asked, "seen": self.seen}
        write_text(self.path, json.dumps(kept, ensure_ascii=False) + "\n")

    def forget(self) -> None:
        """Delete the file: the search is done."""
        self.path.unlink(missing_ok=True)
