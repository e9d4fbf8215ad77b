"""Where the face is in each picture of a manifest: what a network is to learn from is cut out there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.data.faces import Row, rows_of
from mien.errors import InputError, ManifestError
from mien.faces import DEFAULT, Detector
from mien.faces import detector as find_with
from mien.images import read
from mien.manifest import Manifest
from mien.runtime.threads import Threads

#: Pictures that are looked at ahead of the one that is written down.
AHEAD = 64


@dataclass(frozen=True)
class Located:
    """A manifest whose rows all have a box, and what became of the other rows.

    Attributes:
        manifest: the rows with a face, in their order; ``box`` is new or filled up.
        problems: image -> why it is left out.
        crowded: images with more than one face, of which the largest counts.
    """

    manifest: Manifest
    problems: dict[str, str]
    crowded: tuple[str, ...]


class _Found(NamedTuple):
    box: NDArray[np.float32] | None
    faces: int
    problem: str


def locate(
    manifest: Manifest,
    detector: str = DEFAULT,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Located:
    """Find the largest face of each picture whose row has no box.

    Args:
        manifest: the data.
        detector: a name in ``mien.faces.DETECTORS``, but not ``whole``, which finds nothing.
        threads: pictures looked at at the same time; None for one per core.
        progress: called with pictures done, and in all.

    Raises:
        InputError: no such detector, or one that does not search.
        ManifestError: no picture has a face.
    """
    if detector == "whole":
        raise InputError("detector whole: takes a picture for a face, so there is nothing to look for; try the default")
    finder = find_with(detector)
    boxes, problems, crowded = [], {}, []
    with Threads(threads) as work:
        for row, found in enumerate(work.map(lambda row: _look(row, finder), rows_of(manifest), AHEAD), start=1):
            image = str(manifest.frame["image"].iloc[row - 1])
            boxes.append("" if found.box is None else " ".join(f"{value:.1f}" for value in found.box))
            if found.problem:
                problems[image] = found.problem
            if found.faces > 1:
                crowded.append(image)
            progress(row, len(manifest))
    kept = np.flatnonzero(np.array(boxes, dtype=object) != "")
    if not len(kept):
        raise ManifestError(
            f"none of the {len(manifest)} pictures has a face; the first: {next(iter(problems.values()))}"
        )
    return Located(manifest.with_columns(box=boxes).take(kept), problems, tuple(crowded))


def _look(row: Row, finder: Detector) -> _Found:
    path, box = row
    if box is not None and np.isfinite(box).all():
        return _Found(box, 0, "")
    try:
        faces = finder.detect(read(path))
    except InputError as error:
        return _Found(None, 0, str(error))
    if not faces:
        return _Found(None, 0, f"{path}: no face found")
    return _Found(faces[0].box, len(faces), "")
