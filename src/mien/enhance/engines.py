"""Who does the work of an enhancement: threads of this process, or a Ray cluster. Both make the same files."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mien.enhance.enhancer import DEFAULT, Enhancer
from mien.enhance.finish import Finish
from mien.errors import InputError, need
from mien.face import Face
from mien.faces import crop
from mien.images import Pixels, read, write
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


def work(enhancer: Callable[[list[Pixels]], list[Pixels]], margin: float, items: list[Item]) -> list[Result]:
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
        write(item.target, picture)
        results.append(Result(item.row, None, False))
    return results


def threads(plan: Plan, chunks: Chunks, workers: int | None) -> Iterator[list[Result]]:
    """Batches side by side; at most a few wait, so memory stays the same however many there are."""
    count = workers or os.cpu_count() or 1
    do = partial(work, plan.enhancer(threads=1), plan.margin)
    if count == 1:
        yield from map(do, chunks)
        return
    pending: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="mien-enhance") as pool:
        try:
            for chunk in chunks:
                pending.append(pool.submit(do, chunk))
                if len(pending) > count:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:  # the reader stopped early, or a batch failed
                future.cancel()


def ray(plan: Plan, chunks: Chunks, workers: int | None) -> Iterator[list[Result]]:
    """Batches as calls of actors, each with the model loaded once.

    Uses the cluster that ``RAY_ADDRESS`` names, or that was joined before; else one is started on this machine.

    Raises:
        MissingExtra: Ray is not installed.
    """
    cluster: Any = need("ray", "cluster", "--engine ray")
    is_ours = not cluster.is_initialized()
    if is_ours:
        cluster.init(logging_level="ERROR", log_to_driver=False, include_dashboard=False)
    try:
        count = workers or max(int(cluster.cluster_resources().get("CPU", 1)), 1)
        actors = [cluster.remote(num_cpus=1)(_Worker).remote(plan) for _ in range(count)]
        pending: deque[Any] = deque()
        for actor, chunk in zip(itertools.cycle(actors), chunks):
            pending.append(actor.work.remote(chunk))
            if len(pending) > 2 * count:
                yield cluster.get(pending.popleft())
        while pending:
            yield cluster.get(pending.popleft())
    finally:
        if is_ours:
            cluster.shutdown()


class _Worker:
    """One process of a Ray cluster."""

    def __init__(self, plan: Plan) -> None:
        self.enhancer, self.margin = plan.enhancer(threads=1), plan.margin

    def work(self, items: list[Item]) -> list[Result]:
        return work(self.enhancer, self.margin, items)
