"""What a picture looks like in a few numbers, and which pictures of a set are alike.

Two steps. A *fingerprint* (the 63 lowest frequencies of a thumbnail, evened out) finds candidates by plain matrix
products: every picture against every other, in blocks. Candidates are then *compared* by what is left of their
thumbnails when the coarse light and dark is taken away, allowing for a small shift: all frontal faces share the coarse
pattern, only copies of one photograph share the fine one.

This module does not know splits or labels.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import ImageError
from mien.images import Pixels, grey, read, resize
from mien.manifest import Manifest

#: Side of the thumbnails, and how many frequencies per axis a fingerprint keeps.
SIDE_PX, FREQUENCIES = 32, 8
#: Fingerprints that agree less (cosine) are not compared. On FER2013, 0.70 finds 4 % more pairs than 0.75 and takes
#: twice as long.
CANDIDATE = 0.70
#: Thumbnails that agree at least this much (correlation of fine detail) show one photograph. Chosen by looking at
#: sheets of pairs of FER2013: at 0.70 to 0.75 some show two people, above 0.75 a few of the least similar ones do;
#: mirroring makes symmetric faces look alike, so it needs more.
ALIKE, ALIKE_MIRRORED = 0.75, 0.80
#: Largest shift between two copies, in pixels of the thumbnail, that is allowed for.
SHIFT_PX = 2
#: Rows decoded, fingerprints multiplied and pairs compared at a time.
CHUNK, BLOCK, PAIRS = 512, 512, 512


@dataclass(frozen=True, eq=False)
class Prints:
    """What is kept of N pictures.

    Attributes:
        digests: (N,) hash of the decoded pixels and the size; empty for a picture that cannot be read.
        thumbnails: (N, 32, 32) uint8, luminance.
        contrast: (N,) float32, grey levels between the darkest and the brightest hundredth of the pixels.
        sizes_px: (N, 2) height and width.
        is_grey: (N,) the three channels are equal.
        problems: row -> why it cannot be read.
    """

    digests: list[bytes]
    thumbnails: Pixels
    contrast: NDArray[np.float32]
    sizes_px: NDArray[np.int64]
    is_grey: NDArray[np.bool_]
    problems: dict[int, str]


class Pair(NamedTuple):
    """Two rows that show one photograph."""

    first: int
    second: int
    similarity: float
    is_mirrored: bool


class Look(NamedTuple):
    """What is kept of one picture; see :class:`Prints`."""

    digest: bytes
    thumbnail: Pixels
    contrast: float
    height: int
    width: int
    is_grey: bool


def take_prints(
    manifest: Manifest,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Prints:
    """Decode every picture once (of rows with a ``box`` only what is inside it).

    Args:
        manifest: the data.
        threads: that decode; all cores when None.
        progress: called with rows done and in all.
    """
    paths, boxes = manifest.paths(), manifest.boxes()
    count = len(paths)
    prints = Prints(
        [b""] * count,
        np.zeros((count, SIDE_PX, SIDE_PX), np.uint8),
        np.zeros(count, np.float32),
        np.zeros((count, 2), np.int64),
        np.zeros(count, bool),
        {},
    )

    def one(row: int) -> Look | str:
        try:
            image = read(paths[row])
        except ImageError as error:
            return str(error)
        if boxes is not None and np.isfinite(boxes[row]).all():
            image = inside(image, boxes[row])
            if not image.size:
                return f"{paths[row]}: the box {boxes[row].tolist()} lies outside of the picture"
        return look_at(image)

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for start in range(0, count, CHUNK):
            chunk = range(start, min(start + CHUNK, count))
            for row, look in zip(chunk, pool.map(one, chunk), strict=True):
                if isinstance(look, str):
                    prints.problems[row] = look
                else:
                    prints.digests[row], prints.thumbnails[row], prints.contrast[row] = look[:3]
                    prints.sizes_px[row], prints.is_grey[row] = (look.height, look.width), look.is_grey
            progress(chunk.stop, count)
    return prints


def inside(image: Pixels, box: NDArray[np.float32]) -> Pixels:
    """The pixels inside a box ``x1 y1 x2 y2``; none when it lies outside of the picture."""
    x1, y1, x2, y2 = (max(round(value), 0) for value in box.tolist())
    return np.ascontiguousarray(image[y1:y2, x1:x2])


def look_at(image: Pixels) -> Look:
    """What is kept of one picture, (H, W, 3) uint8 RGB."""
    height, width = image.shape[:2]
    digest = hashlib.blake2b(image.data, digest_size=16, person=f"{height}x{width}".encode()[:16]).digest()
    is_grey = bool((image[..., 0] == image[..., 1]).all() and (image[..., 1] == image[..., 2]).all())
    luminance = np.ascontiguousarray(image[..., 0]) if is_grey else grey(image)
    share = np.cumsum(np.bincount(luminance.ravel(), minlength=256)) / luminance.size
    contrast = float(np.searchsorted(share, 0.99) - np.searchsorted(share, 0.01, side="right"))
    return Look(digest, resize(luminance, SIDE_PX, SIDE_PX), max(contrast, 0.0), height, width, is_grey)


def fingerprints(thumbnails: Pixels) -> NDArray[np.float32]:
    """(N, 64) float32 of length one: cosine transform of the thumbnails, without the mean.

    The amplitude of natural pictures falls with 1 / frequency (D. Field, "Relations between the statistics of natural
    images and the response properties of cortical cells", JOSA A 4(12), 1987), so each coefficient is multiplied by its
    frequency: otherwise the two lowest ones, which all portraits share, would decide alone.
    """
    place = np.pi * (2 * np.arange(SIDE_PX) + 1) / (2 * SIDE_PX)
    basis = np.cos(np.arange(FREQUENCIES)[:, None] * place).astype(np.float32)
    basis[0] /= np.sqrt(2)  # as long as the others
    weight = np.hypot(*np.indices((FREQUENCIES, FREQUENCIES))).astype(np.float32)
    found = np.empty((len(thumbnails), FREQUENCIES * FREQUENCIES), np.float32)
    for start in range(0, len(thumbnails), CHUNK):
        spectrum = basis @ thumbnails[start : start + CHUNK].astype(np.float32) @ basis.T * weight
        flat = spectrum.reshape(len(spectrum), -1)
        found[start : start + CHUNK] = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return found


def alike(
    thumbnails: Pixels,
    rows: Sequence[int] | NDArray[np.intp],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Pair]:
    """Pairs of rows that show one photograph, mirrored or not.

    Time grows with the square of the number of rows, memory with the number.

    Args:
        thumbnails: (N, 32, 32) uint8 of :class:`Prints`.
        rows: which of them to compare.
        progress: called with rows done and in all.

    Returns:
        Pairs with ``first < second``, sorted.
    """
    rows = np.asarray(rows, np.intp)
    plain = fingerprints(thumbnails[rows])
    odd = np.tile((np.arange(FREQUENCIES) % 2).astype(bool), FREQUENCIES)
    mirrored = np.where(odd, -plain, plain)  # mirroring turns the sign of the odd horizontal frequencies
    fine = detail(thumbnails)
    brightness = thumbnails.sum(axis=(1, 2), dtype=np.int64)
    found: list[Pair] = []
    for start in range(0, len(rows), BLOCK):
        block = plain[start : start + BLOCK]
        for is_mirrored, others in ((False, plain), (True, mirrored)):
            above = np.flatnonzero((block @ others[start:].T).ravel() > CANDIDATE)
            first, second = np.divmod(above, len(rows) - start)
            later = first < second
            pairs = np.stack([rows[start + first[later]], rows[start + second[later]]], axis=1)
            swap = brightness[pairs[:, 0]] > brightness[pairs[:, 1]]  # so that the order of the rows decides nothing
            pairs[swap] = pairs[swap, ::-1]
            threshold = ALIKE_MIRRORED if is_mirrored else ALIKE
            for piece in range(0, len(pairs), PAIRS):
                few = pairs[piece : piece + PAIRS]
                similarity = correlation(fine[few[:, 0]], fine[few[:, 1]], is_mirrored)
                found += [
                    Pair(int(few[index].min()), int(few[index].max()), float(similarity[index]), is_mirrored)
                    for index in np.flatnonzero(similarity >= threshold)
                ]
        progress(min(start + BLOCK, len(rows)), len(rows))
    best: dict[tuple[int, int], Pair] = {}
    for pair in found:  # a symmetric picture can be found both ways
        key = pair.first, pair.second
        if key not in best or pair.similarity > best[key].similarity:
            best[key] = pair
    return sorted(best.values())


def compare(first: Pixels, second: Pixels, *, is_mirrored: bool = False) -> NDArray[np.float32]:
    """(N,) correlation of the fine detail of thumbnails (N, 32, 32), at the best of the small shifts."""
    return correlation(detail(first), detail(second), is_mirrored)


def correlation(
    first: NDArray[np.float16], second: NDArray[np.float16], is_mirrored: bool = False
) -> NDArray[np.float32]:
    """(N,) how far the fine detail of two sets of thumbnails agrees, row by row, at the best of the small shifts."""
    inner = first[:, SHIFT_PX:-SHIFT_PX, SHIFT_PX:-SHIFT_PX].astype(np.float32)
    inner /= np.maximum(np.linalg.norm(inner, axis=(1, 2), keepdims=True), 1e-6)
    other = (second[:, :, ::-1] if is_mirrored else second).astype(np.float32)
    squares = other**2
    kept = SIDE_PX - 2 * SHIFT_PX
    best = np.full(len(first), -1, np.float32)
    for y in range(2 * SHIFT_PX + 1):
        for x in range(2 * SHIFT_PX + 1):
            window = np.s_[:, y : y + kept, x : x + kept]
            length = np.sqrt(squares[window].sum(axis=(1, 2)))
            best = np.maximum(best, np.einsum("nyx,nyx->n", inner, other[window]) / np.maximum(length, 1e-6))
    return best


def detail(thumbnails: Pixels) -> NDArray[np.float16]:
    """Thumbnails less their blurred selves (standard deviation 2 pixels); half precision, for there may be many."""
    fine = np.empty(thumbnails.shape, np.float16)
    for row, thumbnail in enumerate(thumbnails):
        values = thumbnail.astype(np.float32)
        fine[row] = values - cv2.GaussianBlur(values, (0, 0), 2)
    return fine
