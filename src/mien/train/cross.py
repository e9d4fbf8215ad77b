"""The trainings behind a matrix of domains: who is dealt where, which trainings there are, and their scores.

Every training chooses its epoch on the val pictures of the groups that it has seen ("training-domain validation"); the
domain that it is tested on has no say. Persons, identical pictures and whatever else is named stay in one split,
across domains too.

Source: I. Gulrajani, D. Lopez-Paz, "In Search of Lost Domain Generalization", ICLR 2021, section 3 (model selection).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from mien.data.split import ALL, split_whole
from mien.errors import InputError, ManifestError
from mien.evaluate.domains import Group, Training, plan
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.scores import Scores
from mien.table import did_you_mean
from mien.train.scored import train_seeds
from mien.train.shortcut import say

TEST = "test"
#: Labelled pictures of a class that every group needs, for the class to be one of the matrix: 8 + 1 + 1.
SMALLEST = 10


@dataclass(frozen=True, eq=False)
class Dealt:
    """Data that are ready for the trainings.

    Attributes:
        manifest: with splits, and only the classes that all groups have.
        columns: domain, and content when it is looked at.
        groups: of each row.
        notes: what was left out.
    """

    manifest: Manifest
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]

    @property
    def present(self) -> list[Group]:
        """The groups there are."""
        return sorted(set(self.groups))

    def of(self, groups: Sequence[Group]) -> Manifest:
        """The rows of some groups."""
        return self.manifest.take(np.flatnonzero([group in groups for group in self.groups]))


def deal(
    manifest: Manifest,
    recipe: Recipe,
    *,
    domain: str = "domain",
    content: str | None = None,
    group: Sequence[str] = (),
    labels: Labels | None = None,
    again: bool = False,
    equal: bool = False,
    seed: int = 0,
) -> Dealt:
    """Choose the classes and deal 80 % of every group to train, 10 % to val and 10 % to test.

    Args:
        manifest: all domains; splits that are given are kept.
        recipe: names the splits to learn from and to choose by.
        domain: column.
        content: a second one, or None.
        group: columns, beside ``subject``, whose values stay in one split (video ...).
        labels: the classes; by default those of which every group has at least ``SMALLEST`` pictures.
        again: deal all rows, whatever split they have.
        equal: let every group have as many training pictures of each class as the smallest has.
        seed: of the dealing.

    Raises:
        ManifestError: rows without a domain, fewer than two classes in common, or a group without a split it needs.
    """
    columns = (domain,) if content is None else (domain, content)
    groups = _groups(manifest, columns)
    found = labels or _common(manifest, groups)
    notes = []
    if left := [name for name in manifest.labels if found.find(name) is None]:
        notes.append(f"not among the classes: {', '.join(left)} (--labels chooses others)")
    manifest = manifest.with_labels(found)
    kept = np.flatnonzero(manifest.targets() >= 0)
    manifest, groups = manifest.take(kept), [groups[row] for row in kept]
    splits = {recipe.data.train: 0.8, recipe.data.val: 0.1, TEST: 0.1}
    is_open = (manifest.frame["split"] == "").to_numpy()
    if again or is_open.any():
        manifest = split_whole(manifest, splits, of=ALL if again else "", group=group, balance=columns, seed=seed)
    for name in splits:
        rows = (manifest.frame["split"] == name).to_numpy()
        for each in sorted(set(groups)):
            if not any(rows[row] for row, other in enumerate(groups) if other == each):
                raise ManifestError(
                    f"{each}: no picture in the split {name!r}; leave the column split empty for rows to be dealt, or "
                    "deal all anew (--again)"
                )
    dealt = Dealt(manifest, columns, tuple(groups), tuple(notes))
    return _equal(dealt, recipe.data.train, seed) if equal else dealt


def train_matrix(
    recipe: Recipe,
    dealt: Dealt,
    out: str | os.PathLike[str],
    console: Console,
    *,
    kinds: Sequence[str] = ("alone", "without", "all"),
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    threads: int | None = None,
) -> dict[Training, list[Scores]]:
    """Train what the matrix needs and score it on the test pictures of all groups. What has ended is not done again.

    Args:
        recipe: of all trainings.
        dealt: from :func:`deal`.
        out: folder; one run folder per training and seed, and the manifest as it was dealt.
        console: where lines go.
        kinds: see :func:`mien.evaluate.domains.plan`.
        seeds: of the trainings; several tell luck from difference.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: of scoring.

    Raises:
        InputError: no seed, one twice, or fewer than two groups.
        RunError: ``out`` holds runs of another recipe or of other data.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds {list(seeds)}: expected one or more, all different")
    out = Path(out)
    trainings = plan(dealt.present, kinds)
    out.mkdir(parents=True, exist_ok=True)
    dealt.manifest.save(out / "manifest.csv")
    found = {}
    for number, training in enumerate(trainings, 1):
        data = dealt.of(training.groups)
        count = len(data.split(recipe.data.train))
        say(console, f"training {number} of {len(trainings)}: {training.name}, {count:,} pictures to learn from")
        found[training] = train_seeds(
            recipe,
            data,
            out / training.name.replace("/", "-").replace(" ", "-"),
            console,
            seeds=seeds,
            test=dealt.manifest,
            split=TEST,
            device=device,
            threads=threads,
        )
    return found


def _groups(manifest: Manifest, columns: Sequence[str]) -> list[Group]:
    known = [str(name) for name in manifest.frame.columns]
    values = []
    for column in columns:
        if column not in known:
            raise ManifestError(f"no column {column!r}: {did_you_mean(column, known)}")
        texts = manifest.frame[column].astype("string").fillna("").tolist()
        if empty := texts.count(""):
            raise ManifestError(
                f"{empty:,} of {len(texts):,} rows have no {column}: fill the column, or leave them out"
            )
        values.append(texts)
    return [Group(*each) for each in zip(*values, strict=True)]


def _common(manifest: Manifest, groups: Sequence[Group]) -> Labels:
    """The classes of which every group has enough."""
    targets, place = manifest.targets(), {group: index for index, group in enumerate(sorted(set(groups)))}
    counts = np.zeros((len(place), len(manifest.labels)), np.int64)
    for group, target in zip(groups, targets, strict=True):
        if target >= 0:
            counts[place[group], target] += 1
    enough = np.flatnonzero((counts >= SMALLEST).all(axis=0))
    names = [manifest.labels.names[index] for index in enough]
    if len(names) < 2:
        raise ManifestError(
            f"fewer than two classes with at least {SMALLEST} pictures in each of {', '.join(map(str, place))}: name "
            "the classes (--labels), or leave a domain out"
        )
    return manifest.labels if len(names) == len(manifest.labels) else Labels.of(names)


def _equal(dealt: Dealt, train: str, seed: int) -> Dealt:
    """The same, with equally many training pictures of each class in every group."""
    generator = np.random.default_rng(seed)
    targets, is_train = dealt.manifest.targets(), (dealt.manifest.frame["split"] == train).to_numpy()
    place = {group: index for index, group in enumerate(dealt.present)}
    where = np.array([place[group] for group in dealt.groups])
    kept = ~is_train
    for target in range(len(dealt.manifest.labels)):
        rows = [np.flatnonzero(is_train & (targets == target) & (where == index)) for index in place.values()]
        count = min(map(len, rows))
        for each in rows:
            kept[generator.choice(each, count, replace=False)] = True
    chosen = np.flatnonzero(kept)
    left = f"{int((~kept).sum()):,} training pictures left out, so that every group has as many of each class (--equal)"
    return Dealt(
        dealt.manifest.take(chosen), dealt.columns, tuple(dealt.groups[row] for row in chosen), (*dealt.notes, left)
    )
