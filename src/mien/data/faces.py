"""The faces of a manifest, one per row, as a network gets them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.face import Face
from mien.faces import Detector, crop
from mien.faces import detector as find_with
from mien.images import Pixels, read
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.runtime.threads import Threads

#: One row: path of the picture, and its box (4,), nan or None where it has none.
Row: TypeAlias = tuple[str, NDArray[np.float32] | None]


class NoFace(InputError):
    """The detector found no face in a picture."""


def ids_of(manifest: Manifest) -> NDArray[np.str_]:
    """(N,) names of the faces: the image, and the box where there is one, because a picture may have many faces.

    Example:
        >>> ids_of(Manifest.of(image=["a.png", "b.png"], label=["happy", "sad"], box=["0 0 9 9", ""])).tolist()
        ['a.png @ 0 0 9 9', 'b.png']
    """
    images = manifest.frame["image"]
    if "box" not in manifest.frame.columns:
        return np.array(images.tolist(), dtype=str)
    boxes = manifest.frame["box"].fillna("")
    return np.array([f"{image} @ {box}" if box else image for image, box in zip(images, boxes, strict=True)], dtype=str)


def faces_of(
    manifest: Manifest, preprocess: Preprocess, detector: str = "whole", *, threads: int | None = None, ahead: int = 128
) -> Iterator[Pixels | InputError]:
    """Faces in the order of the rows, brought to the network's size; what cannot be used comes as its error.

    Args:
        manifest: the data.
        preprocess: the network's input contract.
        detector: for rows without a box.
        threads: pictures read at the same time; None for one per core.
        ahead: faces held at most.

    Yields:
        (S, S, 3) uint8 RGB, or why there is none: ``NoFace``, or any other ``InputError``.
    """
    with Threads(threads) as work:
        yield from work.map(looker(preprocess, detector), rows_of(manifest), ahead)


def rows_of(manifest: Manifest) -> Iterator[Row]:
    """The rows of a manifest, one after the other."""
    paths, boxes = manifest.paths(), manifest.boxes()
    return zip(paths, itertools.repeat(None) if boxes is None else boxes, strict=False)


def face_in(manifest: Manifest, row: int) -> Pixels:
    """The face of one row in the picture's own pixels, for people to look at: its box, or the whole picture.

    Raises:
        ImageError: the picture cannot be read.
    """
    ((path, box),) = rows_of(manifest.take(np.array([row])))
    image = read(path)
    return crop(image, Face(box), margin=0.0) if box is not None and np.isfinite(box).all() else image


def looker(preprocess: Preprocess, detector: str) -> Callable[[Row], Pixels | InputError]:
    """What gives the face of a row, or why there is none; see :func:`face_of`."""
    finder = finder_of(detector)
    return lambda row: face_of(*row, preprocess, finder)


def finder_of(detector: str) -> Detector | None:
    """What finds the faces of rows without a box; None for ``whole``: the picture is the face."""
    return None if detector == "whole" else find_with(detector)


def face_of(
    path: str, box: NDArray[np.float32] | None, preprocess: Preprocess, finder: Detector | None
) -> Pixels | InputError:
    """The face of one row.

    Args:
        path: of the picture.
        box: (4,) x1 y1 x2 y2 in pixels; None, or nan, for a row without.
        preprocess: the network's input contract.
        finder: for a row without a box; None when the picture is the face.

    Returns:
        (S, S, 3) uint8 RGB, or why there is none.
    """
    try:
        image = read(path)
        if box is not None and np.isfinite(box).all():
            image = crop(image, Face(box), preprocess.margin, preprocess.shift)
        elif finder is not None:
            found = finder.detect(image)
            if not found:
                return NoFace(f"{path}: no face found")
            image = crop(image, found[0], preprocess.margin, preprocess.shift)
    except InputError as error:
        return error
    fitted = preprocess.fit(image)  # here and not in the batch: a waiting photograph may have 100 MB
    return fitted if fitted.shape[2] == 3 else np.repeat(fitted, 3, axis=2)
