"""Who does the work of an enhancement: threads of this process, or a Ray cluster. Both make the same files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from mien.atomic import write_bytes
from mien.enhance.enhancer import DEFAULT, Enhancer
from mien.enhance.finish import Finish
from mien.errors import InputError
from mien.face import Face
from mien.faces import crop
from mien.images import Pixels, read, write
from mien.provenance import encode_synthetic, read_facts
from mien.runtime.cluster import Cluster
from mien.runtime.threads import Threads
from mien.table import Table

ENGINES = Table(
    "engine",
    {
        "threads": ("mien.enhance.engines:threads", "threads of this process"),
        "ray": ("mien.enhance.engines:ray", "a Ray cluster, or one that is started on this machine"),
    },
)


class Item(NamedTuple):
    """One picture to do.

    Attributes:
        row: of the manifest.
        source: path, or ``file.npy#row``.
        box: x1 y1 x2 y2 in pixels, or None: the whole picture.
        target: file to write.
    """

    row: int
    source: str
    box: tuple[float, ...] | None
    target: str


class Result(NamedTuple):
    """What became of one picture: why it failed, or None; and whether it was there already."""

    row: int
    reason: str | None
    was_there: bool


@dataclass(frozen=True)
class Plan:
    """What is done to every picture; small, so that it can be sent to other machines.

    Attributes:
        model: an entry of ``mien.enhance.enhancer.METHODS``, or name or path of a model of kind enhancer.
        size_px: side of the result, or (height, width).
        finish: sharpening and contrast.
        margin: a face that has a box is cut out with so much more around it, as a share of the box's longer side.
        device: ``auto``, ``cuda`` or ``cpu``.
    """

    model: str = DEFAULT
    size_px: int | tuple[int, int] = 224
    finish: Finish = field(default_factory=Finish)
    margin: float = 0.0
    device: str = "auto"

    def enhancer(self, threads: int | None = 1) -> Enhancer:
        """What carries it out."""
        return Enhancer(self.model, self.size_px, self.finish, threads=threads, device=self.device)


Chunks: TypeAlias = Iterable[list[Item]]


def work(enhancer: Callable[[list[Pixels]], list[Pixels]], items: list[Item], margin: float) -> list[Result]:
    """Enhance one batch: a picture that is there already is left, one that cannot be read becomes its reason."""
    results, pictures, waiting = [], [], []
    for item in items:
        if os.path.exists(item.target):
            results.append(Result(item.row, None, True))
            continue
        try:
            picture = read(item.source)
            if item.box is not None:
                picture = crop(picture, Face(np.array(item.box, np.float32)), margin)
        except InputError as error:
            results.append(Result(item.row, str(error), False))
            continue
        pictures.append(picture)
        waiting.append(item)
    for item, picture in zip(waiting, enhancer(pictures), strict=True):
        facts = read_facts(item.source) if item.source.lower().endswith(".png") else {}
        if facts.get("synthetic") == "true":  # what a model drew stays marked
            write_bytes(item.target, encode_synthetic(picture, facts))
        else:
            write(item.target, picture)
        results.append(Result(item.row, None, False))
    return results


def threads(plan: Plan, chunks: Chunks, workers: int | None) -> Iterator[list[Result]]:
    """Batches side by side; at most a few wait, so memory stays the same however many there are."""
    do = partial(work, plan.enhancer(threads=1), margin=plan.margin)
    with Threads(workers) as pool:
        yield from pool.map(do, chunks, pool.workers + 1)


def ray(plan: Plan, chunks: Chunks, workers: int | None) -> Iterator[list[Result]]:
    """Batches as calls on a :class:`mien.runtime.cluster.Cluster`, whose workers have the model loaded.

    Raises:
        MissingExtra: Ray is not installed.
    """
    with Cluster(plan.enhancer, workers=workers) as cluster:
        yield from cluster.map(partial(work, margin=plan.margin), chunks)
