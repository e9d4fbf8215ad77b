"""What is in a manifest: counts, sizes, votes, people."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mien.errors import ImageError
from mien.images import read
from mien.manifest import Manifest

#: Pictures opened to tell sizes and colour.
SAMPLE = 500
UNLABELLED, NO_SPLIT = "(no label)", "(no split)"


@dataclass(frozen=True)
class Stats:
    """Numbers about a manifest.

    Attributes:
        rows: pictures in all.
        classes: class -> split -> pictures; classes in the order of the label set, those without pictures left out.
        domains: domain -> class -> pictures; empty when no row names a domain.
        imbalance: pictures of the largest class divided by those of the smallest; None without labels.
        subjects: different people (or videos) named, and rows that name one.
        origins: origin -> pictures.
        sampled: pictures opened for the next three.
        sizes_px: "width x height" -> pictures, the most common ten.
        grey: share of pictures without colour.
        unreadable: pictures of the sample that cannot be read.
        votes: mean number of votes per picture, mean entropy in bits, and the share of pictures on which more than half
            of the votes agree; None without votes.
    """

    rows: int
    classes: dict[str, dict[str, int]]
    domains: dict[str, dict[str, int]]
    imbalance: float | None
    subjects: dict[str, int]
    origins: dict[str, int]
    sampled: int
    sizes_px: dict[str, int]
    grey: float
    unreadable: int
    votes: dict[str, float] | None

    def splits(self) -> list[str]:
        """The splits, train, val and test first."""
        found = {split for counts in self.classes.values() for split in counts}
        usual = [split for split in ("train", "val", "test") if split in found]
        return usual + sorted(found - set(usual))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def stats(manifest: Manifest, *, sample: int = SAMPLE) -> Stats:
    """Count.

    Args:
        manifest: the data.
        sample: how many pictures, spread evenly over the rows, are opened to tell sizes and colour.

    Example:
        >>> faces = Manifest.of(image=["a.png", "b.png", "c.png"], label=["happy", "happy", "sad"])
        >>> stats(faces, sample=0).imbalance
        2.0
    """
    frame = manifest.frame
    order = {name: place for place, name in enumerate([*manifest.labels.names, UNLABELLED])}
    names = [manifest.labels.names[target] if target >= 0 else UNLABELLED for target in manifest.targets()]
    splits = [split or NO_SPLIT for split in frame["split"]]
    sizes = Counter(name for name in names if name != UNLABELLED)
    people = [subject for subject in frame["subject"] if subject]
    has_domain = bool((frame["domain"] != "").any())
    opened, seen, grey, unreadable = _open(manifest, sample)
    return Stats(
        rows=len(manifest),
        classes=_table(names, splits, order),
        domains=_table([domain or "(no domain)" for domain in frame["domain"]], names, {}) if has_domain else {},
        imbalance=max(sizes.values()) / min(sizes.values()) if sizes else None,
        subjects={"people": len(set(people)), "rows": len(people)},
        origins=dict(Counter(frame["origin"])),
        sampled=opened,
        sizes_px=dict(seen.most_common(10)),
        grey=grey,
        unreadable=unreadable,
        votes=_votes(manifest),
    )


def _table(first: list[str], second: list[str], order: dict[str, int]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for one, other in sorted(zip(first, second, strict=True), key=lambda pair: (order.get(pair[0], 0), pair)):
        inner = counts.setdefault(one, {})
        inner[other] = inner.get(other, 0) + 1
    return counts


def _open(manifest: Manifest, sample: int) -> tuple[int, Counter[str], float, int]:
    paths = manifest.paths()
    rows = sorted(set(np.linspace(0, len(paths) - 1, min(sample, len(paths))).astype(int).tolist()))
    sizes: Counter[str] = Counter()
    grey = unreadable = 0
    for row in rows:
        try:
            image = read(paths[row])
        except ImageError:
            unreadable += 1
            continue
        sizes[f"{image.shape[1]} x {image.shape[0]}"] += 1
        grey += bool((image == image[..., :1]).all())
    return len(rows), sizes, grey / max(len(rows) - unreadable, 1), unreadable


def _votes(manifest: Manifest) -> dict[str, float] | None:
    votes = manifest.votes()
    if votes is None:
        return None
    total = votes.sum(axis=1)
    share = votes[total > 0] / total[total > 0, None]
    if not len(share):
        return None
    entropy = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
    return {
        "votes_per_picture": float(total.mean()),
        "entropy_bits": float(entropy.mean()),
        "more_than_half_agree": float((share.max(axis=1) > 0.5).mean()),
    }
