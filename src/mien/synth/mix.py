"""Drawn faces among photographs, in the train split alone: val and test measure real faces.

Which drawn faces are taken depends on the seed, and a larger share has all those of a smaller one: experiments with
several shares differ in nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, ManifestError
from mien.manifest import Manifest

TRAIN = "train"


@dataclass(frozen=True, eq=False)
class Mixed:
    """What came of mixing.

    Attributes:
        manifest: all rows of the first manifest, and the drawn faces that were taken.
        classes: class -> labelled rows of train that were there, and drawn faces that were added.
        notes: what was left out, and what to mind.
    """

    manifest: Manifest
    classes: dict[str, tuple[int, int]]
    notes: tuple[str, ...]

    @property
    def added(self) -> int:
        """Drawn faces that were added."""
        return sum(added for _, added in self.classes.values())

    @property
    def share(self) -> float:
        """Of the labelled rows of train, the share that was added."""
        return self.added / sum(map(sum, self.classes.values()))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "classes": {
                name: {"before": before, "added": added, "after": before + added}
                for name, (before, added) in self.classes.items()
            },
            "added": self.added,
            "share": round(self.share, 4),
            "notes": list(self.notes),
        }


def mix(
    real: Manifest,
    synthetic: Manifest,
    share: float | None = None,
    *,
    per_class: bool = False,
    balance: bool = False,
    cap: int | None = None,
    seed: int = 0,
) -> Mixed:
    """Add drawn faces to the train split of a manifest.

    Args:
        real: the manifest; its rows stay as they are.
        synthetic: drawn faces. Only rows of train, or without a split, are taken; their labels are brought to the
            classes of ``real``, and classes that its train split does not have are left out: of them a net would learn
            how the generator draws.
        share: of train that drawn faces make up in the end, between 0 and 1. They are taken at random from all.
        per_class: every class gets that share of its own, so the proportions of the classes stay.
        balance: instead of a share: fill classes up to the largest one.
        cap: with ``balance``: fill up to so many rows instead.
        seed: another seed takes others.

    Raises:
        InputError: neither or both of share and balance, or a number out of range.
        ManifestError: there is no train split, a row of ``synthetic`` is not synthetic or all are of other splits, or
            there are too few of them.

    Example:
        >>> faces = Manifest.of(image=["a.png", "b.png", "c.png"], label=["sad", "sad", "happy"], split="train")
        >>> drawn = Manifest.of(image=["x.png", "y.png"], label=["happy", "happy"], origin="synthetic")
        >>> mix(faces, drawn, balance=True).classes
        {'happy': (1, 1), 'sad': (2, 0)}
    """
    _check(share, per_class, balance, cap)
    targets = real.split(TRAIN).targets()
    counts = np.bincount(targets[targets >= 0], minlength=len(real.labels))
    notes: list[str] = []
    pool = _pool(real, synthetic, counts, notes)
    order = np.random.default_rng(seed).permutation(len(pool))
    classes = pool.targets()[order]
    have = np.bincount(classes, minlength=len(counts))
    if share is not None and not per_class:
        total = round(share / (1 - share) * int(counts.sum()))
        _see_enough(total, len(pool), int(counts.sum()))
        chosen = order[:total]
    else:
        wanted = (cap or counts.max()) - counts if share is None else np.rint(share / (1 - share) * counts)
        needed = np.where(counts > 0, np.maximum(wanted, 0), 0).astype(np.int64)
        _see_enough_of_each(real.labels.names, needed, have, counts, is_share=share is not None)
        chosen = np.concatenate([order[classes == index][:count] for index, count in enumerate(needed)])
    taken = pool.take(np.sort(chosen))
    added = np.bincount(taken.targets(), minlength=len(counts))
    rows = zip(real.labels.names, counts.tolist(), added.tolist(), strict=True)
    return Mixed(_merged(real, taken), {name: (before, more) for name, before, more in rows if before}, tuple(notes))


def _check(share: float | None, per_class: bool, balance: bool, cap: int | None) -> None:
    if (share is None) != balance:
        raise InputError("say either share (how much of train is drawn in the end) or balance (fill rare classes up)")
    if share is not None and not 0 < share < 1:
        raise InputError(f"share {share:g}: expected a number between 0 and 1, e.g. 0.3")
    if per_class and share is None:
        raise InputError("per_class goes with share: balance fills each class up to the same number")
    if cap is not None and (not balance or cap < 1):
        raise InputError(f"cap {cap}: expected at least 1, and balance: up to so many rows every class is filled")


def _pool(real: Manifest, synthetic: Manifest, counts: NDArray[np.int64], notes: list[str]) -> Manifest:
    """The drawn faces that may be taken, over the classes of ``real``; says what is left out."""
    others = sorted(set(synthetic.frame["origin"]) - {"synthetic"})
    if others:
        raise ManifestError(
            f"{int((synthetic.frame['origin'] != 'synthetic').sum())} of {len(synthetic)} rows to be added have origin "
            f"{', '.join(map(repr, others))}, not 'synthetic'; `mien data merge` puts photographs together, and "
            "`mien data scan --origin synthetic` marks drawn faces that do not say what they are"
        )
    is_free = synthetic.frame["split"].isin([TRAIN, ""]).to_numpy()
    held = synthetic.frame["split"][~is_free].value_counts()
    if not is_free.any():
        raise ManifestError(
            f"all {len(synthetic)} synthetic rows are of split {', '.join(map(repr, held.index))}: only rows of train, "
            "or without a split, are mixed in, because val and test measure real faces; draw others for train"
        )
    for split, count in held.items():
        notes.append(f"left out: {count} synthetic rows of split {split}; val and test measure real faces")
    known = set(map(os.path.abspath, real.paths()))
    is_new = np.array([os.path.abspath(path) not in known for path in synthetic.paths()])
    if int((is_free & ~is_new).sum()):
        notes.append(f"left out: {int((is_free & ~is_new).sum())} synthetic rows that the manifest has already")
    mapped = synthetic.with_labels(real.labels)
    targets = mapped.targets()
    has_class = np.append(counts > 0, False)[targets]  # a row without a label has -1
    gone = synthetic.frame["label"][is_free & is_new & ~has_class]
    for name, count in gone.value_counts().items():
        what = f"of class {name}, which train does not have" if name else "without a label"
        notes.append(f"left out: {count} synthetic rows {what}")
    drawn = int((real.split(TRAIN).frame["origin"] == "synthetic").sum())
    if drawn:
        notes.append(f"{drawn} rows of train are synthetic already, and count here like the others that were there")
    return mapped.take(np.flatnonzero(is_free & is_new & has_class)).with_columns(split=TRAIN)


def _see_enough(total: int, have: int, real: int) -> None:
    if total > have:
        most = int(have / (have + real) * 1000) / 1000  # rounded down
        raise ManifestError(
            f"{total:,} synthetic pictures are needed beside {real:,} others, there are {have:,}: draw more with "
            f"`mien synth sample`, or take a share of at most {most:g}"
        )


def _see_enough_of_each(
    names: Sequence[str],
    needed: NDArray[np.int64],
    have: NDArray[np.int64],
    real: NDArray[np.int64],
    *,
    is_share: bool,
) -> None:
    short = np.flatnonzero(needed > have).tolist()
    if not short:
        return
    present = real > 0
    if is_share:
        most = int((have / np.maximum(have + real, 1))[present].min() * 1000) / 1000
        way = f"or take a share of at most {most:g}"
    else:
        way = f"or fill up to at most {int((have + real)[present].min()):,} (cap)"
    lines = [f"{names[index]} (needed {needed[index]:,}, there are {have[index]:,})" for index in short]
    more = " ".join(f"--class {names[index].replace(' ', '_')}={needed[index]}" for index in short)
    raise ManifestError(
        f"too few synthetic pictures of {', '.join(lines)}: draw more with `mien synth sample {more}`, {way}"
    )


def _merged(real: Manifest, taken: Manifest) -> Manifest:
    """Both; whole numbers that only the drawn faces have stay whole beside the empty places of the others."""
    whole = [
        str(name)
        for name in taken.frame.columns
        if name not in real.frame.columns and taken.frame[name].dtype.kind in "iu"
    ]
    return real.merge(taken.with_columns(**{name: taken.frame[name].astype("Int64") for name in whole}))
