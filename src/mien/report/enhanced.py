"""Before and after: originals beside what became of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from mien.enhance.interpolate import Interpolation
from mien.errors import InputError
from mien.face import Face
from mien.faces import crop
from mien.images import read, write
from mien.manifest import Manifest
from mien.report.sheet import Group, Tile, sheet


def enhancement_sheet(
    originals: Manifest,
    enhanced: Manifest,
    path: str | os.PathLike[str],
    *,
    samples: int = 8,
    margin: float = 0.0,
    seed: int = 0,
) -> Path:
    """Draw some pictures as they were, interpolated, and enhanced.

    Args:
        originals: the manifest that was enhanced.
        enhanced: what came of it, with the column ``original``.
        path: file to write.
        samples: how many pictures; drawn with the seed.
        margin: with which faces that have a box were cut out.
        seed: another seed draws others.

    Raises:
        InputError: nothing was enhanced.
    """
    from mien.enhance.folder import original_ids

    if not len(enhanced):
        raise InputError("no picture was enhanced, so there is nothing to compare")
    rows = {name: row for row, name in enumerate(original_ids(originals))}
    drawn = np.random.default_rng(seed).choice(len(enhanced), min(samples, len(enhanced)), replace=False)
    files, boxes, after = originals.paths(), originals.boxes(), enhanced.paths()
    groups = []
    for place in sorted(drawn.tolist()):
        name = str(enhanced.frame["original"].iloc[place])
        row = rows[name]
        picture, result = read(files[row]), read(after[place])
        if boxes is not None and np.isfinite(boxes[row]).all():
            picture = crop(picture, Face(boxes[row]), margin)
        (plain,) = Interpolation("cubic")([picture], *result.shape[:2])
        tiles = [
            Tile(picture, f"before, {picture.shape[1]} x {picture.shape[0]}"),
            Tile(plain, "bicubic"),
            Tile(result, f"after, {result.shape[1]} x {result.shape[0]}"),
        ]
        groups.append(Group(tiles, os.path.basename(name)))
    write(path, sheet(groups, columns=6, tile_px=224, title="Before and after"))
    return Path(path)
