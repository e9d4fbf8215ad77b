"""The work of an evaluation, spread over a cluster: faces are read in one kind of call, classified in another.

The batches are put together where the evaluation runs, so they are those of a single machine, and so are the logits.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.data.faces import Row, looker, rows_of
from mien.errors import InputError
from mien.images import Pixels
from mien.manifest import Manifest
from mien.runtime.cluster import Cluster
from mien.runtime.network import Answers, Network

#: Faces, (H, W, 3) uint8 RGB of any size, to logits (N, C) float32, alone or with the weights of a fused net's members.
Classify: TypeAlias = Callable[[Sequence[Pixels]], NDArray[np.float32] | Answers]

#: Pictures of one call.
CHUNK = 64


class Station:
    """What the work is done with, here or in a worker.

    Args:
        network: open already.
        detector: for rows without a box.
        flip: average each face with its mirror image.
        batch_size: faces per run of the network.
    """

    def __init__(self, network: Network, detector: str, flip: bool, batch_size: int) -> None:
        self.network, self.detector, self.flip, self.batch_size = network, detector, flip, batch_size
        self._look = looker(network.card.preprocess, detector)

    @classmethod
    def build(cls, path: Path, threads: int, device: str, detector: str, flip: bool, batch_size: int) -> Station:
        """One with a network of its own."""
        return cls(Network(path, threads, device), detector, flip, batch_size)

    def faces(self, rows: Sequence[Row]) -> list[Pixels | InputError]:
        """Faces at the network's size, or why there is none."""
        return [self._look(row) for row in rows]

    def answers(self, faces: Sequence[Pixels]) -> Answers:
        """The network's raw answers."""
        return self.network.answers(faces, self.flip, self.batch_size)

    def clocked(self, faces: Sequence[Pixels]) -> tuple[NDArray[np.float32] | Answers, float]:
        """The same, and the seconds that they took."""
        return clocked(self.answers, faces)


def spread(station: Station, threads: int | None, workers: int | None) -> Cluster[Station]:
    """A cluster whose workers have such stations, each with so many threads for its network, by default one."""
    network, cores = station.network, threads or 1
    build = partial(
        Station.build, network.path, cores, network.device, station.detector, station.flip, station.batch_size
    )
    return Cluster(build, workers=workers, threads=cores)


def spread_faces(cluster: Cluster[Station], manifest: Manifest) -> Iterator[Pixels | InputError]:
    """The faces of a manifest in the order of its rows, as :func:`mien.data.faces.faces_of` gives them."""
    rows = rows_of(manifest)
    chunks: Iterator[list[Row]] = iter(lambda: list(itertools.islice(rows, CHUNK)), [])
    return itertools.chain.from_iterable(cluster.map(Station.faces, chunks))


def clocked(classify: Classify, faces: Sequence[Pixels]) -> tuple[NDArray[np.float32] | Answers, float]:
    """The answers for one batch, and the seconds that they took."""
    began = time.perf_counter()
    answers = classify(faces)
    return answers, time.perf_counter() - began
