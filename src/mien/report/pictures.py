"""Contact sheets of a manifest: what an audit found, and samples of every class."""

from __future__ import annotations

import numpy as np

from mien.data.audit import KINDS, Audit
from mien.data.faces import face_in
from mien.errors import ImageError
from mien.images import Pixels
from mien.manifest import Manifest
from mien.report.sheet import Colour, Group, Tile, sheet

#: Frames of splits, so that a leak shows at a glance.
SPLIT_COLOURS: dict[str, Colour] = {"train": (70, 120, 190), "val": (230, 150, 40), "test": (200, 60, 60)}
#: Pictures shown of one group.
_MOST = 8


def audit_sheet(manifest: Manifest, result: Audit, *, limit: int = 24, columns: int = 16, tile_px: int = 72) -> Pixels:
    """Draw findings of every kind that has pictures; duplicates lie side by side, frames tell the split.

    Args:
        manifest: the data that was audited.
        result: its audit.
        limit: findings of each kind that are drawn, spread evenly over all.
        columns: pictures per line.
        tile_px: side of each.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: the audit found nothing that has a picture.
    """
    groups = []
    for kind in KINDS:
        found = [finding for finding in result.of(kind) if finding.rows]
        shown = sorted(set(np.linspace(0, len(found) - 1, min(limit, len(found))).astype(int).tolist()))
        for place, number in enumerate(shown):
            finding = found[number]
            few = _spread(finding.rows, result.splits)
            more = f", {len(finding.rows) - len(few)} not shown" if len(few) < len(finding.rows) else ""
            heading = f"{kind}: {len(shown)} of {len(found)}" if place == 0 else ""
            groups.append(Group([_tile(manifest, row) for row in few], finding.why + more, heading))
    return sheet(groups, columns=columns, tile_px=tile_px, title="Frames: train blue, val orange, test red")


def class_sheet(manifest: Manifest, *, per_class: int = 16, tile_px: int = 72, seed: int = 0) -> Pixels:
    """Draw a random sample of each class, one line per class.

    Args:
        manifest: the data.
        per_class: pictures of each.
        tile_px: side of each.
        seed: another seed, other pictures.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    generator = np.random.default_rng(seed)
    targets = manifest.targets()
    groups = []
    for index, name in [*enumerate(manifest.labels.names), (-1, "no label")]:
        rows = np.flatnonzero(targets == index)
        some = np.sort(generator.permutation(rows)[:per_class])
        groups.append(Group([_tile(manifest, int(row)) for row in some], f"{name}: {len(rows)} pictures"))
    return sheet(groups, columns=per_class, tile_px=tile_px)


def _spread(rows: tuple[int, ...], splits: np.ndarray[tuple[int], np.dtype[np.str_]]) -> list[int]:
    """At most :data:`_MOST` rows, with some of every split."""
    if len(rows) <= _MOST:
        return list(rows)
    turns: dict[str, int] = {}
    ranked = []
    for row in rows:
        turn = turns[splits[row]] = turns.get(splits[row], 0) + 1
        ranked.append((turn, row))
    return sorted(row for _, row in sorted(ranked)[:_MOST])


def _tile(manifest: Manifest, row: int) -> Tile:
    entry = manifest.frame.iloc[row]
    try:
        image = face_in(manifest, row)
    except ImageError:
        image = None
    return Tile(image, f"{row} {entry['label']}", SPLIT_COLOURS.get(entry["split"]))
