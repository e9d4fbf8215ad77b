"""What is wrong with a data set: damaged, blank, repeated, leaking and contradicting pictures.

unreadable      the picture cannot be decoded
blank           (nearly) one colour
duplicate       identical after decoding
near_duplicate  the same photograph again: resized, re-encoded, shifted a little, mirrored
leak            the same photograph (identical or near) in more than one split
conflict        identical pictures with different labels
near_conflict   near duplicates with different labels
subject         a person (or video) in more than one split
balance         a class missing in a split, or far rarer than the largest
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_text, writing
from mien.data.hashes import Pair, Prints, alike, take_prints
from mien.errors import InputError
from mien.manifest import Manifest

KINDS = (
    "unreadable",
    "blank",
    "duplicate",
    "near_duplicate",
    "leak",
    "conflict",
    "near_conflict",
    "subject",
    "balance",
)
#: A picture with fewer grey levels between its darkest and brightest hundredth is blank. In FER2013 the emptiest
#: pictures have 0 to 3 levels; the dimmest picture that shows anything has 11, the dimmest face 34.
BLANK_LEVELS = 8.0
#: How many times larger than the smallest class the largest may be before the audit says so.
IMBALANCE = 10.0
#: The split of held-out rows that were set aside because an earlier split has their photograph too.
LEAKED = "leaked"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: one of :data:`KINDS`.
        rows: the rows concerned, counted from 0.
        why: one line.
    """

    kind: str
    rows: tuple[int, ...]
    why: str


@dataclass(frozen=True, eq=False)
class Audit:
    """The result.

    Attributes:
        findings: in the order of :data:`KINDS`.
        same: (N,) int64, equal for rows whose pictures are identical; -1 for unreadable and blank ones.
        alike: (N,) int64, equal for rows that show one photograph, identical or near; -1 as above.
        splits: (N,) text.
        pairs: near duplicates, each identical picture counted once.
    """

    findings: tuple[Finding, ...]
    same: NDArray[np.int64]
    alike: NDArray[np.int64]
    splits: NDArray[np.str_]
    pairs: tuple[Pair, ...]

    def __len__(self) -> int:
        return len(self.same)

    def of(self, *kinds: str) -> list[Finding]:
        """Findings of some kinds."""
        return [finding for finding in self.findings if finding.kind in kinds]

    def rows(self, *kinds: str) -> NDArray[np.intp]:
        """All rows that findings of some kinds concern, sorted."""
        return np.array(sorted({row for finding in self.of(*kinds) for row in finding.rows}), np.intp)

    def counts(self) -> dict[str, dict[str, int]]:
        """Kind -> number of findings, and of the rows they concern."""
        return {kind: {"findings": len(self.of(kind)), "rows": len(self.rows(kind))} for kind in KINDS}

    def leaked_rows(self, split: str = "val", against: str = "train", *, near: bool = True) -> NDArray[np.intp]:
        """Rows of one split whose photograph another split has too.

        Args:
            split: the split to be judged on.
            against: the split that was learnt from.
            near: count near duplicates too, not only identical pictures.
        """
        group = self.alike if near else self.same
        seen = np.unique(group[(self.splits == against) & (group >= 0)])
        return np.flatnonzero((self.splits == split) & np.isin(group, seen))

    def clean_mask(self, split: str = "val", against: str = "train", *, near: bool = True) -> NDArray[np.bool_]:
        """(N,) true for the rows of ``split`` that can be read, are not blank and that ``against`` does not have."""
        mask: NDArray[np.bool_] = (self.splits == split) & (self.same >= 0)
        mask[self.leaked_rows(split, against, near=near)] = False
        return mask

    def leaks(self) -> list[dict[str, Any]]:
        """For each two splits that share photographs: how many rows of the second the first has too."""
        names = sorted(
            set(self.splits[self.splits != ""].tolist()), key=lambda name: (name != "train", name == "test", name)
        )
        lines = []
        for place, against in enumerate(names):
            for split in names[place + 1 :]:
                rows, identical = (
                    len(self.leaked_rows(split, against)),
                    len(self.leaked_rows(split, against, near=False)),
                )
                if rows:
                    total = int((self.splits == split).sum())
                    lines.append(
                        {"split": split, "against": against, "rows": rows, "identical": identical, "of": total}
                    )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        found = [{"kind": item.kind, "rows": list(item.rows), "why": item.why} for item in self.findings]
        return {"pictures": len(self), "counts": self.counts(), "findings": found}

    def save(self, path: str | os.PathLike[str], manifest: Manifest) -> None:
        """Write ``.json`` (all findings) or ``.csv`` (one line per finding and row, with the picture's name)."""
        path = Path(path)
        if path.suffix == ".json":
            write_text(path, json.dumps(self.to_dict(), indent=1) + "\n")
        elif path.suffix == ".csv":
            import pandas

            columns = ["image", "label", "split", "subject"]
            lines = [
                {"finding": number, "kind": item.kind, "row": row, **manifest.frame.loc[row, columns], "why": item.why}
                for number, item in enumerate(self.findings)
                for row in item.rows
            ]
            with writing(path) as temporary:
                pandas.DataFrame(lines, columns=["finding", "kind", "row", *columns, "why"]).to_csv(
                    temporary, index=False
                )
        else:
            raise InputError(f"{path}: an audit is written as .json or .csv")


def audit(
    manifest: Manifest,
    *,
    near: bool = True,
    threads: int | None = None,
    progress: Callable[[str, int, int], None] = lambda step, done, total: None,
) -> Audit:
    """Look at every picture and every column that matters.

    Args:
        manifest: the data.
        near: look for near duplicates too.
        threads: that decode; all cores when None.
        progress: called with the name of the step, rows done and rows in all.

    Example:
        >>> pictures = [np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8) for seed in (1, 2, 1)]
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> np.save(folder + "/faces.npy", np.stack(pictures))
        >>> faces = Manifest.of(
        ...     root=folder,
        ...     image=[f"faces.npy#{row}" for row in range(3)],
        ...     label=["happy", "sad", "happy"],
        ...     split=["train", "train", "val"],
        ... )
        >>> audit(faces).leaked_rows("val", "train").tolist()
        [2]
    """
    prints = take_prints(manifest, threads=threads, progress=lambda done, total: progress("reading", done, total))
    blank = [row for row in range(len(manifest)) if prints.digests[row] and prints.contrast[row] < BLANK_LEVELS]
    same = _same(prints, blank)
    pairs: list[Pair] = []
    if near:
        _, first = np.unique(same, return_index=True)
        pairs = alike(
            prints.thumbnails,
            np.sort(first[same[first] >= 0]),
            progress=lambda done, total: progress("comparing", done, total),
        )
    together = _join(same, pairs)
    splits = manifest.frame["split"].to_numpy(str)
    findings = [
        *(Finding("unreadable", (row,), why) for row, why in prints.problems.items()),
        *(Finding("blank", (row,), f"{prints.contrast[row]:.0f} grey levels") for row in blank),
        *_repeated(manifest, same, together, splits, pairs),
        *_subjects(manifest, splits),
        *_balance(manifest, splits),
    ]
    order = {kind: place for place, kind in enumerate(KINDS)}
    findings.sort(key=lambda finding: (order[finding.kind], finding.rows))
    return Audit(tuple(findings), same, together, splits, tuple(pairs))


def set_aside(manifest: Manifest, result: Audit, *, near: bool = True) -> tuple[Manifest, dict[str, int]]:
    """Give held-out rows that show a photograph of an earlier split (train, val, test) the split ``leaked``.

    Nothing is lost: a model is chosen on what is left of ``val``, and can still be measured on ``leaked`` by itself.

    Args:
        manifest: the data that were audited.
        result: what was found.
        near: near duplicates count too, not only identical pictures.

    Returns:
        The manifest, and for each split the number of rows set aside.
    """
    splits = manifest.frame["split"].to_numpy(dtype=object).copy()
    counts = {}
    for split, earlier in (("val", ("train",)), ("test", ("train", "val"))):
        rows = np.unique(np.concatenate([result.leaked_rows(split, against, near=near) for against in earlier]))
        splits[rows] = LEAKED
        counts[split] = len(rows)
    return manifest.with_columns(split=splits), {split: count for split, count in counts.items() if count}


def _same(prints: Prints, blank: list[int]) -> NDArray[np.int64]:
    """(N,) the first row with the same pixels; -1 for those that cannot be read or are blank."""
    first: dict[bytes, int] = {}
    group = np.array(
        [first.setdefault(digest, row) if digest else -1 for row, digest in enumerate(prints.digests)], np.int64
    )
    group[blank] = -1
    return group


def _join(same: NDArray[np.int64], pairs: list[Pair]) -> NDArray[np.int64]:
    """(N,) the first row of each group that is connected by identical and near pictures."""
    parent = list(range(len(same)))

    def top(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for pair in pairs:
        low, high = sorted((top(pair.first), top(pair.second)))
        parent[high] = low
    return np.array([top(row) if row >= 0 else -1 for row in same.tolist()], np.int64)


def _members(group: NDArray[np.int64]) -> dict[int, list[int]]:
    """Group -> its rows, for groups of two and more."""
    members: dict[int, list[int]] = {}
    for row, number in enumerate(group.tolist()):
        if number >= 0:
            members.setdefault(number, []).append(row)
    return {number: rows for number, rows in members.items() if len(rows) > 1}


def _repeated(
    manifest: Manifest,
    same: NDArray[np.int64],
    together: NDArray[np.int64],
    splits: NDArray[np.str_],
    pairs: list[Pair],
) -> list[Finding]:
    labels = manifest.targets()
    names = [*manifest.labels.names, ""]
    best: dict[int, list[Pair]] = {}
    for pair in pairs:
        best.setdefault(int(together[pair.first]), []).append(pair)
    found = []
    for rows in _members(same).values():
        found.append(Finding("duplicate", tuple(rows), f"{len(rows)} identical pictures"))
        classes = sorted({names[label] for label in labels[rows] if label >= 0})
        if len(classes) > 1:
            found.append(Finding("conflict", tuple(rows), " / ".join(classes)))
    for number, rows in _members(together).items():
        inside = best.get(number, [])
        if inside:
            least = min(pair.similarity for pair in inside)
            mirrored = ", mirrored" if any(pair.is_mirrored for pair in inside) else ""
            found.append(Finding("near_duplicate", tuple(rows), f"{len(rows)} alike ({least:.2f}{mirrored})"))
            classes = sorted({names[label] for label in labels[rows] if label >= 0})
            if len(classes) > 1:
                found.append(Finding("near_conflict", tuple(rows), " / ".join(classes)))
        where = sorted({str(split) for split in splits[rows] if split})
        if len(where) > 1:
            kind = "near" if len(set(same[rows].tolist())) > 1 else "identical"
            found.append(Finding("leak", tuple(rows), f"{' and '.join(where)} ({kind})"))
    return found


def _subjects(manifest: Manifest, splits: NDArray[np.str_]) -> list[Finding]:
    rows: dict[str, list[int]] = {}
    for row, subject in enumerate(manifest.frame["subject"]):
        if subject and splits[row]:
            rows.setdefault(subject, []).append(row)
    found = []
    for subject, own in rows.items():
        where = sorted(set(splits[own].tolist()))
        if len(where) > 1:
            found.append(Finding("subject", tuple(own), f"{subject} is in {' and '.join(where)}"))
    return found


def _balance(manifest: Manifest, splits: NDArray[np.str_]) -> list[Finding]:
    targets = manifest.targets()
    sizes = {index: int((targets == index).sum()) for index in sorted(set(targets[targets >= 0].tolist()))}
    if not sizes:
        return []
    found = []
    small, large = min(sizes, key=lambda index: sizes[index]), max(sizes, key=lambda index: sizes[index])
    names = manifest.labels.names
    if sizes[large] > IMBALANCE * sizes[small]:
        ratio = sizes[large] / sizes[small]
        numbers = f"({sizes[large]} and {sizes[small]})"
        why = f"{names[large]} has {ratio:.0f} times as many pictures as {names[small]} {numbers}"
        found.append(Finding("balance", (), why))
    for split in sorted(set(splits.tolist())):
        missing = [names[index] for index in sizes if not (targets[splits == split] == index).any()]
        if missing:
            where = split or "the rows without a split"
            found.append(Finding("balance", (), f"no picture of {', '.join(missing)} in {where}"))
    return found
