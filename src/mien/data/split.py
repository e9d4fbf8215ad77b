"""Who goes into train, val and test.

Every class is dealt in the same shares (stratified), and rows that belong together (the same person, video, or
duplicated picture) go to one split. The answer depends on the pictures' names and the seed, not on the order of
the rows. Splits that are given are kept: by default only rows without one are dealt.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.hashes import take_prints
from mien.errors import ManifestError
from mien.manifest import Manifest
from mien.table import did_you_mean

#: Shares when none are given.
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
#: ``of`` for all rows, whatever split they have.
ALL = "*"
#: Column that identical pictures share while rows are dealt.
_SAME = "identical pictures"


def split(
    manifest: Manifest,
    shares: Mapping[str, float] = SHARES,
    *,
    of: str = "",
    group: Sequence[str] = (),
    balance: Sequence[str] = (),
    seed: int = 0,
) -> Manifest:
    """Deal rows to splits.

    Args:
        manifest: the data.
        shares: split -> share; they are scaled to sum to one.
        of: which rows are dealt: ``""`` those without a split, ``"train"`` those of train (to take a val out of
            it), ``"*"`` all.
        group: columns (subject, video ...); rows that share a value of one of them go to one split, and join the
            split that others of their group already have. Empty values belong to nobody.
        balance: columns (domain ...) each of whose values is dealt in the same shares, class by class.
        seed: another seed deals differently.

    Returns:
        The manifest with a new column ``split``.

    Raises:
        ManifestError: nothing to deal, an unknown column, a share out of range, or a test split that would be
            trained or tuned on.

    Example:
        >>> faces = Manifest.of(image=[f"{n}.png" for n in range(20)], label=["happy", "sad"] * 10, split="train")
        >>> split(faces, {"train": 0.8, "val": 0.2}, of="train").frame.groupby(["label", "split"]).size().tolist()
        [8, 2, 8, 2]
    """
    names = [name for name, share in shares.items() if share > 0]
    if not names or any(not 0 <= share < float("inf") for share in shares.values()):
        raise ManifestError(f"shares {dict(shares)}: expected positive numbers, e.g. train=0.8, val=0.1, test=0.1")
    if of == "test" and names != ["test"]:
        raise ManifestError(
            "rows of test are not dealt to other splits: what was held back must stay so; use of='train'"
        )
    given = manifest.frame["split"].to_numpy(str)
    dealt = np.ones(len(given), bool) if of == ALL else given == of
    if not dealt.any():
        found = ", ".join(repr(name) for name in sorted(set(given)))
        what = f"of split {of!r}" if of else "without a split"
        raise ManifestError(
            f"no rows {what} (found: {found}): take a part of train with of='train' (--of train), or deal all "
            "rows again with of='*' (--all)"
        )
    share = np.array([shares[name] for name in names]) / sum(shares[name] for name in names)
    keys = _keys(manifest)
    groups = _groups(manifest, group, keys) if group else np.arange(len(keys))
    result = given.astype(object)
    rows = np.flatnonzero(dealt)
    if group and of != ALL:  # those whose group is settled follow it
        settled = _settled(groups, given, dealt, names)
        for row in rows:
            if groups[row] in settled:
                result[row], dealt[row] = settled[groups[row]], False
        rows = np.flatnonzero(dealt)
    order = np.array([hashlib.sha256(f"{seed} {keys[row]}".encode()).hexdigest() for row in rows])
    chosen = _deal(rows, _kinds(manifest, balance), groups, order, share)
    result[rows] = np.array(names, object)[chosen]
    return manifest.with_columns(split=result)


def split_whole(
    manifest: Manifest, shares: Mapping[str, float] = SHARES, *, group: Sequence[str] = (), **options: Any
) -> Manifest:
    """Deal rows so that nothing of a training comes back in a test: :func:`split`, where persons stay whole as well.

    Args:
        manifest: the data; its pictures are read, to see which are identical.
        shares: split -> share.
        group: further columns beside ``subject`` and identical pictures.
        options: ``of``, ``balance`` and ``seed`` of :func:`split`.

    Raises:
        ManifestError: as :func:`split`, or pictures are missing.
    """
    manifest.check_files()
    prints = take_prints(manifest)
    marked = manifest.with_columns(**{_SAME: [digest.hex() for digest in prints.digests]})
    persons = ["subject"] if (manifest.frame["subject"] != "").any() else []
    dealt = split(marked, shares, group=[_SAME, *dict.fromkeys([*persons, *group])], **options)
    return Manifest(dealt.frame.drop(columns=_SAME), dealt.root, dealt.labels)


def split_by(manifest: Manifest, column: str, splits: Mapping[str, str]) -> Manifest:
    """Give whole domains (or other values of a column) to splits; rows with other values keep the split they have.

    Args:
        manifest: the data.
        column: e.g. ``domain``.
        splits: value of the column -> split.

    Raises:
        ManifestError: no such column, or a value that no row has.

    Example:
        >>> faces = Manifest.of(image=["a.png", "b.png"], domain=["web", "press"], split=["train", ""])
        >>> split_by(faces, "domain", {"press": "test"}).frame["split"].tolist()
        ['train', 'test']
    """
    values = _column(manifest, column)
    known = sorted(set(values))
    for value in splits:
        if value not in known:
            raise ManifestError(f"no row has {column} {value!r}: {did_you_mean(value, known)}")
    given = manifest.frame["split"]
    return manifest.with_columns(split=[splits.get(value, old) for value, old in zip(values, given, strict=True)])


def _column(manifest: Manifest, column: str) -> list[str]:
    if column not in manifest.frame.columns:
        columns = [str(name) for name in manifest.frame.columns]
        raise ManifestError(f"no column {column!r}: {did_you_mean(column, columns)}")
    values = manifest.frame[column]
    return ["" if value is None or value != value else str(value) for value in values.tolist()]


def _kinds(manifest: Manifest, columns: Sequence[str]) -> NDArray[np.int64]:
    """(N,) what is dealt in the same shares: the class, within each value of the columns."""
    kinds = manifest.targets()
    for column in columns:
        _, value = np.unique(_column(manifest, column), return_inverse=True)
        _, kinds = np.unique(np.column_stack([kinds, value]), axis=0, return_inverse=True)
    return np.asarray(kinds, np.int64).ravel()


def _keys(manifest: Manifest) -> list[str]:
    """A name per row that does not change when the whole data set moves to another folder."""
    paths = [os.path.abspath(path) for path in manifest.paths()]
    base = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, base).replace(os.sep, "/") for path in paths]


def _groups(manifest: Manifest, columns: Sequence[str], keys: list[str]) -> NDArray[np.int64]:
    """(N,) number of the group that each row is in: rows connected by a common value of any of the columns."""
    parent = list(range(len(keys)))

    def top(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for column in columns:
        values = _column(manifest, column)
        if not any(values):
            raise ManifestError(
                f"the column {column!r} is empty, so it groups nothing (folder: --subject-from fills subject)"
            )
        first: dict[str, int] = {}
        for row, value in enumerate(values):
            if value:
                parent[top(row)] = top(first.setdefault(value, row))
    return np.array([top(row) for row in range(len(keys))], np.int64)


def _settled(
    groups: NDArray[np.int64], given: NDArray[np.str_], dealt: NDArray[np.bool_], names: list[str]
) -> dict[int, str]:
    """Group -> the split that its other rows have; where they have several, the most common, then the first name."""
    votes: dict[int, dict[str, int]] = {}
    for row in np.flatnonzero(~dealt & np.isin(given, names)):
        counts = votes.setdefault(int(groups[row]), {})
        counts[given[row]] = counts.get(given[row], 0) + 1
    return {number: min(counts, key=lambda name: (-counts[name], name)) for number, counts in votes.items()}


def _deal(
    rows: NDArray[np.intp],
    targets: NDArray[np.int64],
    groups: NDArray[np.int64],
    order: NDArray[np.str_],
    share: NDArray[np.float64],
) -> NDArray[np.int64]:
    """(len(rows),) index of the split of each row.

    Largest groups first, each to the split where the classes that it brings are scarcest: the one that raises the
    chi-square distance between what the splits have and what they should have least. For groups of one row that is
    the Webster / Sainte-Lague apportionment of each class.
    """
    _, member = np.unique(groups[rows], return_inverse=True)
    classes, kind = np.unique(targets[rows], return_inverse=True)
    content = np.zeros((member.max() + 1, len(classes)))
    np.add.at(content, (member, kind), 1)
    name = np.empty(len(content), order.dtype)
    falling = np.argsort(order)[::-1]
    name[member[falling]] = order[falling]  # of a group: the smallest hash of its rows, which is written last
    wanted = share[:, None] * content.sum(axis=0)
    have = np.zeros_like(wanted)
    chosen = np.zeros(len(content), np.int64)
    for number in np.lexsort((name, -content.sum(axis=1))):
        brings = content[number]
        cost = (brings * ((2 * have + brings) / wanted - 2)).sum(axis=1)
        best = int(cost.argmin())
        have[best] += brings
        chosen[number] = best
    return chosen[member]
