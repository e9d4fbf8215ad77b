"""Decoded faces in a memory-mapped array, so that reading never holds up a training step."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.atomic import write_text, writing
from mien.errors import ImageError, ManifestError
from mien.face import Face
from mien.faces.align import crop
from mien.images import array_row, grey, read
from mien.manifest import Manifest
from mien.preprocess import Preprocess

CHUNK = 512


@dataclass(frozen=True, eq=False)
class Cache:
    """Decoded faces of a manifest.

    Attributes:
        pixels: (N, S, S, C) uint8, memory-mapped; S is the input size, or the pictures' own size when all are
            equally large squares below it (they are then enlarged batch by batch, which costs less to keep).
        rows: (N,) rows of the manifest that could be read.
        problems: why the other rows could not.
    """

    pixels: NDArray[np.uint8]
    rows: NDArray[np.intp]
    problems: tuple[str, ...]


def build(
    manifest: Manifest,
    preprocess: Preprocess,
    path: str | os.PathLike[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Cache:
    """Decode all faces of a manifest once; take them from ``path`` when they are already there.

    Args:
        manifest: rows with a ``box`` are cut out with the margin of ``preprocess``; of others the whole picture counts.
        preprocess: the network's input contract.
        path: ``.npy`` file; a ``.json`` beside it says what is in it.
        progress: called with rows done and rows in all.

    Raises:
        ManifestError: no row could be read.
    """
    path = Path(path)
    about = path.with_suffix(".json")
    side = _own_side(manifest, preprocess)
    key = f"{manifest.digest()} {preprocess.model_dump_json()} {side}"
    if path.exists() and about.exists():
        known = json.loads(about.read_text(encoding="utf-8"))
        if known["key"] == key:
            return Cache(np.load(path, mmap_mode="r"), np.array(known["rows"], np.intp), tuple(known["problems"]))
    rows, problems = _decode(manifest, preprocess, side, path, progress)
    write_text(about, json.dumps({"key": key, "rows": rows, "problems": problems}))
    return Cache(np.load(path, mmap_mode="r"), np.array(rows, np.intp), tuple(problems))


def at_least(manifest: Manifest, preprocess: Preprocess) -> NDArray[np.intp]:
    """Rows whose face, as it is cut out, has at least the side of the input; files that cannot be read are kept.

    Those are told with their reason when they are decoded.
    """
    boxes, keep = manifest.boxes(), np.ones(len(manifest), bool)
    for row, source in enumerate(manifest.paths()):
        if boxes is not None and np.isfinite(boxes[row]).all():
            x1, y1, x2, y2 = boxes[row]
            side = max(x2 - x1, y2 - y1) * (1 + preprocess.margin)
        else:
            side = min(_size(source)) or np.inf
        keep[row] = side >= preprocess.size_px - 0.5
    return np.flatnonzero(keep)


def _own_side(manifest: Manifest, preprocess: Preprocess) -> int | None:
    """Side of the pictures when all are equally large squares that need no shrinking and no cutting; else None."""
    if "box" in manifest.frame.columns:
        return None
    found: set[tuple[int, int]] = set()
    for source in manifest.paths():
        found.add(_size(source))
        if len(found) > 1:
            return None
    height, width = found.pop()
    return height if height == width and 0 < height <= preprocess.size_px else None


def _size(source: str) -> tuple[int, int]:
    path, separator, row = source.rpartition("#")
    try:
        if separator and path.endswith(".npy"):
            shape = array_row(path, row).shape
            return shape[0], shape[1]
        with Image.open(source) as image:  # reads the header only
            return image.height, image.width
    except (ImageError, OSError):
        return 0, 0  # told with its reason when it is decoded


def _decode(
    manifest: Manifest,
    preprocess: Preprocess,
    side: int | None,
    path: Path,
    progress: Callable[[int, int], None],
) -> tuple[list[int], list[str]]:
    paths, boxes = manifest.paths(), manifest.boxes()

    def one(row: int) -> NDArray[np.uint8] | str:
        try:
            image = read(paths[row])
        except ImageError as error:
            return str(error)
        if boxes is not None and np.isfinite(boxes[row]).all():
            image = crop(image, Face(boxes[row]), preprocess.margin, preprocess.shift)
        if side is None:
            return preprocess.fit(image)
        return grey(image)[:, :, None] if preprocess.channels == 1 else image

    rows: list[int] = []
    problems: list[str] = []
    shape = (len(manifest), side or preprocess.size_px, side or preprocess.size_px, preprocess.channels)
    with writing(path) as temporary, ThreadPoolExecutor(os.cpu_count()) as pool:
        pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        for start in range(0, len(paths), CHUNK):
            chunk = range(start, min(start + CHUNK, len(paths)))
            for row, result in zip(chunk, pool.map(one, chunk), strict=True):
                if isinstance(result, str):
                    problems.append(f"row {row + 1}: {result}")
                else:
                    pixels[len(rows)] = result
                    rows.append(row)
            progress(chunk.stop, len(paths))
        pixels.flush()
        if not rows:
            raise ManifestError(f"none of the {len(paths)} pictures can be read; the first: {problems[0]}")
    return rows, problems
