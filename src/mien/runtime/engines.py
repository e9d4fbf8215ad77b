"""Who reads many pictures: threads of this process, or a Ray cluster. Both give the same answers in the same order.

    with ENGINES.load("ray")(recognizer, workers=8) as read:
        for answer in read(paths): ...

The cluster gets pictures in small groups. Its workers send the faces back, cut out and small; here they are put into
the same batches as ever, and each batch is a second call. So the network is run on the same numbers wherever it runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

from mien.images import Source
from mien.runtime.cluster import Cluster
from mien.runtime.recognizer import Recognizer
from mien.runtime.stream import Answer, Found, batches, classify, find, named, stream
from mien.table import Table

ENGINES = Table(
    "engine",
    {
        "threads": ("mien.runtime.engines:threads", "threads of this process"),
        "ray": ("mien.runtime.engines:ray", "a Ray cluster, or one that is started on this machine"),
    },
)

#: From pictures to answers, in order.
Read: TypeAlias = Callable[[Iterable[Source]], Iterator[Answer]]

#: Pictures of one call: about half a second of work.
CHUNK = 16


@contextmanager
def threads(recognizer: Recognizer, workers: int | None = None) -> Iterator[Read]:
    """Read with threads of this process; ``workers`` of them, or one per core."""
    yield lambda sources: recognizer.settle(stream(recognizer, sources, workers))


@contextmanager
def ray(recognizer: Recognizer, workers: int | None = None) -> Iterator[Read]:
    """Read with a cluster, in ``workers`` calls at the same time, or one per core of the cluster.

    Raises:
        MissingExtra: Ray is not installed.
    """
    cores = recognizer.threads or 1
    with Cluster(_maker(recognizer, cores), workers=workers, threads=cores) as cluster:
        yield lambda sources: recognizer.settle(_read(cluster, recognizer.batch_size, sources))


def _maker(recognizer: Recognizer, cores: int) -> Callable[[], Recognizer]:
    """What makes the same recognizer in a worker."""
    return partial(
        Recognizer,
        [network.path for network in recognizer.networks],
        detector=recognizer.detector_name,
        threads=cores,
        batch_size=recognizer.batch_size,
        flip=recognizer.flip,
        labels=recognizer.labels,
        threshold=recognizer.threshold,
        biases=recognizer.biases,
        prior=recognizer.prior,
        device=recognizer.device,
    )


def _read(cluster: Cluster[Recognizer], batch_size: int, sources: Iterable[Source]) -> Iterator[Answer]:
    pictures = named(sources)
    chunks = iter(lambda: list(itertools.islice(pictures, CHUNK)), [])
    found = itertools.chain.from_iterable(cluster.map(_find_some, chunks))
    yield from itertools.chain.from_iterable(cluster.map(classify, batches(found, batch_size)))


def _find_some(recognizer: Recognizer, pictures: list[tuple[str, Source]]) -> list[Found]:
    return [find(recognizer, name, source) for name, source in pictures]
