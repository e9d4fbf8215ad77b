"""What is measured of each picture before it is kept or left out: read once, in threads, the network in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.data.hashes import SIDE_PX, Look, inside, look_at
from mien.data.picking import sharpness
from mien.errors import ImageError, InputError
from mien.face import Face
from mien.faces import Detector, crop
from mien.images import Pixels, read, resize
from mien.manifest import Manifest
from mien.runtime.network import Network
from mien.runtime.threads import Threads

#: Pictures of a set that are read to learn how large they are.
PROBES = 32


@dataclass(frozen=True, eq=False)
class Survey:
    """Numbers of N pictures.

    Attributes:
        problems: row -> why it cannot be read.
        digests: (N,) hash of the pixels; empty for what cannot be read.
        thumbnails: (N, 32, 32) uint8, luminance.
        faces: (N,) how many faces the detector finds; -1 where it did not look.
        sharpness: (N,) float64; nan for what cannot be read.
        probability: (N,) float32 of the row's own label; nan where it has none that the model knows.
        reads_as: (N,) the most probable class among those of the data; empty for what cannot be read.
    """

    problems: dict[int, str]
    digests: list[bytes]
    thumbnails: Pixels
    faces: NDArray[np.int64]
    sharpness: NDArray[np.float64]
    probability: NDArray[np.float32]
    reads_as: list[str]

    def __len__(self) -> int:
        return len(self.digests)


def survey(
    manifest: Manifest,
    network: Network,
    detector: Detector | None,
    side_px: int,
    *,
    batch_size: int = 64,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Survey:
    """Look at every picture once.

    Args:
        manifest: a row's face is its ``box``, or the whole picture.
        network: reads the faces; its answers are taken over the classes of the data.
        detector: counts the faces; None for no look. It enlarges small pictures and gives them a border by itself.
        side_px: pictures whose longer side is longer are shrunk to it before their sharpness is measured, so that sets
            of different sizes can be compared.
        batch_size: faces per run of the network.
        threads: pictures read at the same time; None for one per core.
        progress: called with rows done and in all.
    """
    count, card = len(manifest), network.card
    paths, boxes, targets = manifest.paths(), manifest.boxes(), manifest.targets()
    mapping = card.labels.mapping_to(manifest.labels)
    is_known: NDArray[np.bool_] = np.asarray(mapping.matrix.any(axis=0))
    found = Survey(
        {},
        [b""] * count,
        np.zeros((count, SIDE_PX, SIDE_PX), np.uint8),
        np.full(count, -1),
        np.full(count, np.nan),
        np.full(count, np.nan, np.float32),
        [""] * count,
    )

    def one(row: int) -> tuple[Look, float, int, Pixels] | str:
        try:
            image = region = read(paths[row])
            if boxes is not None and np.isfinite(boxes[row]).all():
                region = inside(image, boxes[row])
                if not region.size:
                    raise ImageError(f"{paths[row]}: the box {boxes[row].tolist()} lies outside of the picture")
                image = crop(image, Face(boxes[row]), card.preprocess.margin, card.preprocess.shift)
            faces = -1 if detector is None else len(detector.detect(region))
            face = card.preprocess.fit(image)
        except InputError as error:
            return str(error)
        face = face if face.shape[2] == 3 else np.repeat(face, 3, axis=2)
        return look_at(region), sharpness(_shrunk(region, side_px)), faces, face

    def classify(rows: list[int], faces: list[Pixels]) -> None:
        probabilities = mapping.probabilities(network.probabilities(faces, card.flip, batch_size))
        best = probabilities.argmax(axis=1)
        for place, row in enumerate(rows):
            found.reads_as[row] = manifest.labels.names[int(best[place])]
            if targets[row] >= 0 and is_known[targets[row]]:
                found.probability[row] = probabilities[place, targets[row]]

    rows: list[int] = []
    batch: list[Pixels] = []
    with Threads(threads) as work:
        for row, result in enumerate(work.map(one, range(count), 2 * batch_size)):
            if isinstance(result, str):
                found.problems[row] = result
            else:
                look, found.sharpness[row], found.faces[row], face = result
                found.digests[row], found.thumbnails[row] = look.digest, look.thumbnail
                rows.append(row)
                batch.append(face)
            if len(batch) == batch_size or (batch and row + 1 == count):
                classify(rows, batch)
                rows, batch = [], []
            if (row + 1) % batch_size == 0 or row + 1 == count:
                progress(row + 1, count)
    return found


def common_side(*manifests: Manifest) -> int:
    """The median longer side, in pixels, of the set with the smaller pictures; of some pictures of each set."""
    sides = []
    for manifest in manifests:
        paths, boxes, own = manifest.paths(), manifest.boxes(), []
        for row in np.unique(np.linspace(0, len(manifest) - 1, PROBES).round().astype(int)):
            try:
                image = read(paths[row])
            except ImageError:
                continue  # told with its reason when its turn comes
            if boxes is not None and np.isfinite(boxes[row]).all():
                image = inside(image, boxes[row])
            own.append(max(image.shape[:2]))
        sides += [float(np.median(own))] if own else []
    return max(int(min(sides, default=0.0)), 1)


def _shrunk(image: Pixels, side_px: int) -> Pixels:
    scale = side_px / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(round(length * scale), 1) for length in image.shape[:2])
    return resize(image, height, width)
