"""A cleaned manifest from what an audit found and what people decided. Pictures are never touched.

Every row that goes or changes is written down with its reason, so that a cleaned data set can be explained and undone.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mien.atomic import write_text
from mien.data.audit import Audit
from mien.errors import InputError
from mien.manifest import Manifest
from mien.table import did_you_mean

Rule = Literal["drop", "majority"]
RULES: tuple[Rule, ...] = ("drop", "majority")
DECISIONS = ("keep", "drop", "relabel")
BAD, CONFLICT, REPEATED, REVIEWED = (
    "unreadable or blank",
    "identical with different labels",
    "repeated within a split",
    "reviewed",
)


@dataclass(frozen=True)
class Change:
    """What happened to one row.

    Attributes:
        row: of the manifest before, counted from 0.
        image: its picture.
        label: before.
        split: of the row.
        action: ``drop`` or ``relabel``.
        new_label: after; empty for ``drop``.
        why: one of the reasons.
    """

    row: int
    image: str
    label: str
    split: str
    action: str
    new_label: str
    why: str


@dataclass(frozen=True, eq=False)
class Fixed:
    """The result.

    Attributes:
        manifest: what is left, with its new labels.
        changes: in the order of the rows.
    """

    manifest: Manifest
    changes: tuple[Change, ...]

    def counts(self) -> dict[str, int]:
        """Action and reason -> rows, in the order in which the steps are taken."""
        return dict(Counter(f"{change.action}: {change.why}" for change in sorted(self.changes, key=_step)))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the manifest, and beside it ``<name>.changes.csv`` with one line per change; returns that file."""
        path = Path(path)
        self.manifest.save(path)
        beside = path.with_name(f"{path.stem}.changes.csv")
        text = io.StringIO()
        writer = csv.DictWriter(text, list(Change.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(change) for change in self.changes)
        write_text(beside, text.getvalue())
        return beside


def _step(change: Change) -> int:
    order = (REVIEWED, BAD, CONFLICT)
    return order.index(change.why) if change.why in order else len(order) + (change.why == REPEATED)


def fix(
    manifest: Manifest, audit: Audit, *, conflicts: Rule = "drop", reviewed: str | os.PathLike[str] | None = None
) -> Fixed:
    """Leave out what training should not see, and what makes a held-out score look better than it is.

    In this order: what people decided (``reviewed``); unreadable and blank pictures; identical pictures with different
    labels; rows of train that show a photograph of val or test, and rows of val that show one of test; all but the
    first of identical pictures within a split. So held-out splits lose nothing but bad pictures, and scores on them
    stay comparable.

    Args:
        manifest: the data that were audited.
        audit: what was found.
        conflicts: what becomes of identical pictures with different labels: ``drop`` all of them, or give all the label
            that the ``majority`` of them has (all are dropped when no label leads).
        reviewed: suspects as a CSV whose column ``decision`` was filled in: ``keep``, ``drop``, ``relabel`` (to
            the column ``suggested``), or empty. A reviewed row that is kept or relabelled is no longer in conflict by
            its old label.

    Raises:
        InputError: a reviewed file that does not fit the manifest, with its line.

    Example:
        ``fix(faces, audit(faces), reviewed="suspects.csv").save("clean.csv")``
    """
    if conflicts not in RULES:
        raise InputError(f"conflicts {conflicts!r}: {did_you_mean(conflicts, list(RULES))}")
    labels = manifest.frame["label"].tolist()
    relabelled: dict[int, str] = {}
    dropped: dict[int, str] = {}

    def drop(why: str, rows: Iterable[int]) -> None:
        for row in rows:
            dropped.setdefault(int(row), why)

    if reviewed is not None:
        for row, decision, label in _decisions(manifest, Path(reviewed)):
            if decision == "drop":
                drop(REVIEWED, [row])
            elif decision == "relabel" and label != labels[row]:
                relabelled[row], labels[row] = label, label
    why = dict.fromkeys(relabelled, REVIEWED)
    drop(BAD, np.flatnonzero(audit.same < 0))
    for finding in audit.of("conflict"):
        rows = [row for row in finding.rows if row not in dropped]
        named = Counter(labels[row] for row in rows if labels[row]).most_common(2)
        if len(named) < 2:
            continue  # the review has settled it
        leads = named[0][1] > named[1][1]
        if conflicts == "drop" or not leads:
            drop(CONFLICT, rows)
            continue
        for row in rows:
            if labels[row] and labels[row] != named[0][0]:
                relabelled[row] = labels[row] = named[0][0]
                why[row] = CONFLICT
    for split, held_out in (("train", "val"), ("train", "test"), ("val", "test")):
        drop(f"of {split}, also in {held_out}", audit.leaked_rows(split, held_out))
    first: dict[tuple[str, int], int] = {}
    for row in range(len(manifest)):
        if row not in dropped and first.setdefault((str(audit.splits[row]), int(audit.same[row])), row) != row:
            drop(REPEATED, [row])
    changes = [_change(manifest, row, "drop", "", reason) for row, reason in dropped.items()]
    changes += [
        _change(manifest, row, "relabel", label, why[row]) for row, label in relabelled.items() if row not in dropped
    ]
    kept = np.array([row for row in range(len(manifest)) if row not in dropped], np.intp)
    left = manifest.with_columns(label=labels).take(kept)
    return Fixed(left, tuple(sorted(changes, key=lambda change: change.row)))


def _change(manifest: Manifest, row: int, action: str, label: str, why: str) -> Change:
    place = manifest.frame.iloc[row]
    return Change(row, str(place["image"]), str(place["label"]), str(place["split"]), action, label, why)


def _decisions(manifest: Manifest, path: Path) -> list[tuple[int, str, str]]:
    """Row, decision and new label of every line that was decided."""
    found = []
    for line, place in enumerate(_lines(path), 2):
        decision = place["decision"].strip().lower()
        if not decision:
            continue
        if decision not in DECISIONS:
            raise InputError(f"{path}: line {line}: decision {decision!r}: {did_you_mean(decision, list(DECISIONS))}")
        row = int(place["row"]) if place["row"].isdecimal() else -1
        if not 0 <= row < len(manifest) or manifest.frame["image"].iloc[row] != place["image"]:
            raise InputError(
                f"{path}: line {line}: row {place['row']} of the manifest is not the picture {place['image']}: these "
                "are the suspects of another manifest"
            )
        known = manifest.labels.find(place["suggested"]) if place["suggested"] else None
        if decision == "relabel" and known is None:
            raise InputError(
                f"{path}: line {line}: relabel to {place['suggested']!r}: write one of "
                f"{', '.join(manifest.labels)} into the column 'suggested'"
            )
        found.append((row, decision, "" if known is None else manifest.labels.names[known]))
    return found


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise InputError(f"{path}: no such review; `mien data suspects` writes one")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets write a mark at the start
            reader = csv.DictReader(file, restval="")
            missing = [
                name for name in ("row", "image", "suggested", "decision") if name not in (reader.fieldnames or ())
            ]
            if missing:
                raise InputError(
                    f"{path}: no column {', '.join(map(repr, missing))}; a review is a CSV of `mien data suspects`"
                )
            return list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None
