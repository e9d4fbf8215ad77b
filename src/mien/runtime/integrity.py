"""Are the model files still what they were?

What ships is compared with a table that ships, ``weights/SHA256SUMS`` (``scripts/checksums.py`` writes it, a test keeps
it true); the user's own with what was recorded when they were added. Then each is opened and run once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import ModelError
from mien.runtime import models
from mien.runtime.examine import examine
from mien.runtime.shelf import Entry, digest_of, entries, find

#: In the folder of the weights that ship; its paths start from the folder above, as ``sha256sum --check`` wants them.
TABLE = "SHA256SUMS"
AGAIN = "install mien again"


@dataclass(frozen=True)
class Finding:
    """What was found of one model.

    Attributes:
        entry: the model.
        sha256: of its file; empty when there is none.
        faults: what does not fit; empty when all is well.
        note: what a reader should know all the same.
    """

    entry: Entry
    sha256: str
    faults: tuple[str, ...]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON: name, path, shipped, sha256, faults, note."""
        return {
            "name": self.entry.name,
            "path": str(self.entry.path),
            "shipped": self.entry.is_shipped,
            "sha256": self.sha256,
            "faults": list(self.faults),
            "note": self.note,
        }


def verify(names: Sequence[str | os.PathLike[str]] = ()) -> list[Finding]:
    """Look at models again.

    Args:
        names: names or paths; none = everything that ships and everything in the store.

    Raises:
        ModelError: there is no model of one of these names.
    """
    if names:
        return [_verify(find(name)) for name in names]
    table = _table()
    lost = [path for path in table if not path.is_file() and path not in {entry.path for entry in entries()}]
    return [_verify(entry) for entry in [*(Entry(path.stem, path, is_shipped=True) for path in lost), *entries()]]


def _verify(entry: Entry) -> Finding:
    if not entry.path.is_file():
        way = AGAIN if entry.is_shipped else f"add it again, or `mien models remove {entry.name}`"
        return Finding(entry, "", (f"its file is missing; {way}",))
    faults, note, sha256 = [], "", digest_of(entry.path)
    if entry.is_shipped:
        expected = _table().get(entry.path, "")
        if not expected:
            faults.append(f"it is not in {models.SHIPPED / TABLE}, so it did not ship with mien; {AGAIN}")
        way, since = AGAIN, "it shipped"
    else:
        try:
            record = entry.record
        except ModelError as error:
            faults.append(str(error))
            record = None
        expected, way, since = record.sha256 if record else "", "add it again with --replace", "it was added"
        if record is None and not faults:
            note = f"never added by `mien models add`, so there is no digest to compare {sha256} with"
    if expected and expected != sha256:
        faults.append(f"it has changed since {since}: its SHA-256 is {sha256}, expected {expected}; {way}")
    try:
        examine(entry.path)
    except ModelError as error:
        faults.append(str(error).removeprefix(f"{entry.path}: "))
    return Finding(entry, sha256, tuple(faults), note)


def _table() -> dict[Path, str]:
    """File -> SHA-256 of everything that ships."""
    path = models.SHIPPED / TABLE
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise ModelError(f"{path}: the table of checksums is missing; {AGAIN}") from None
    lines = [re.fullmatch(r"([0-9a-f]{64})  (\S+)", line) for line in text.splitlines()]
    return {models.SHIPPED.parent / line[2]: line[1] for line in lines if line}
