"""A contact sheet of drawn faces: those that are kept, and those that are left out, by reason."""

from __future__ import annotations

import numpy as np

from mien.errors import ImageError
from mien.images import Pixels, read
from mien.report.sheet import Group, Tile, sheet
from mien.synth.rules import REASONS
from mien.synth.screen import NO_LABEL, Screened

#: Colours of the frames: kept, left out.
KEPT, DROPPED = (46, 125, 80), (178, 58, 52)


def screened_sheet(found: Screened, *, per_group: int = 24, columns: int = 12, seed: int = 0) -> Pixels:
    """Draw some faces of each class that are kept, then some of each reason, and what was measured below each.

    Args:
        found: the result.
        per_group: faces of a class, or of a reason, at most; drawn with the seed.
        columns: faces per line.
        seed: of the drawing.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    generator = np.random.default_rng(seed)
    labels = found.manifest.frame["label"].tolist()
    groups = []
    for label in found.table:
        rows = [row for row, why in enumerate(found.reasons) if not why and (labels[row] or NO_LABEL) == label]
        groups.append(_group(found, rows, label, per_group, generator, is_kept=True))
    for reason in REASONS:
        rows = [row for row, why in enumerate(found.reasons) if reason in why]
        groups.append(_group(found, rows, reason, per_group, generator, is_kept=False))
    drawn = [group for group in groups if group is not None]
    sections: list[Group] = []
    for group in drawn:
        is_first = not sections or sections[-1].tiles[0].frame != group.tiles[0].frame
        section = "" if not is_first else "kept" if group.tiles[0].frame == KEPT else "left out"
        sections.append(Group(group.tiles, group.title, section))
    kept = sum(not why for why in found.reasons)
    title = (
        f"synthetic faces: {kept:,} of {len(found.reasons):,} kept; below each: its label, what it reads as, the "
        "label's probability"
    )
    return sheet(sections, columns=columns, tile_px=80, title=title)


def _group(
    found: Screened, rows: list[int], name: str, most: int, generator: np.random.Generator, *, is_kept: bool
) -> Group | None:
    if not rows:
        return None
    chosen = np.sort(generator.permutation(rows)[:most]).tolist()
    return Group([_tile(found, row, KEPT if is_kept else DROPPED) for row in chosen], f"{name}: {len(rows):,}")


def _tile(found: Screened, row: int, frame: tuple[int, int, int]) -> Tile:
    place = found.manifest.frame.iloc[row]
    try:
        image = read(found.manifest.locate(str(place["image"])))
    except ImageError:
        image = None
    probability = float(place["screen.probability"])
    share = "" if np.isnan(probability) else f" {probability:.2f}"
    return Tile(image, f"{place['label'] or NO_LABEL}\n{place['screen.reads_as']}{share}", frame)
