"""Many pictures: read, searched and classified side by side in threads; faces share runs of the network; in order."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mien.errors import InputError
from mien.face import Face
from mien.faces import crops
from mien.images import Pixels, Source, read
from mien.prediction import Prediction, Reading
from mien.preprocess import Preprocess
from mien.runtime.threads import Threads

if TYPE_CHECKING:
    from mien.runtime.recognizer import Recognizer

#: Faces of one run on one core. A face of a larger run takes as long, and the last runs, at whose end cores are without
#: work, take longer (benchmarks/results/pipeline.md).
RUN = 8


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of one picture, or of one frame of a video.

    Attributes:
        source: its path, or ``picture 3`` when it was not a file.
        readings: one per face, the largest first.
        size_px: (width, height), None when it could not be read.
        error: why it could not be read, or None.
        frame: its number in a video, from 0.
        time_s: its time in a video, in seconds.
    """

    source: str
    readings: tuple[Reading, ...] = ()
    size_px: tuple[int, int] | None = None
    error: str | None = None
    frame: int | None = None
    time_s: float | None = None

    @property
    def reason(self) -> str | None:
        """Why there is no reading, or None when there is one."""
        return self.error or (None if self.readings else "no face found")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        whose = ("source", "frame", "time_s")
        faces = [{key: value for key, value in item.to_dict().items() if key not in whose} for item in self.readings]
        size = None if self.size_px is None else list(self.size_px)
        when: dict[str, Any] = {} if self.frame is None else {"frame": self.frame}
        if self.time_s is not None:
            when["time_s"] = round(self.time_s, 6)
        return {"source": self.source, **when, "size_px": size, "reason": self.reason, "faces": faces}


@dataclass(frozen=True, eq=False)
class Found:
    """One picture after reading and finding: its faces as each model wants them, already at the model's size.

    At that size because whole photographs that wait for a batch would fill the memory.
    """

    source: str
    size_px: tuple[int, int] | None
    faces: list[Face]
    framings: list[list[Pixels]]
    error: str | None


def stream(recognizer: Recognizer, sources: Iterable[Source], workers: int | None = None) -> Iterator[Answer]:
    """Read pictures.

    Threads read a picture and find its faces, or run the network for the faces of several; each on one core, so that
    all cores are busy and none has two things to do. A few pictures per thread are in memory at a time.

    Args:
        recognizer: detector and networks.
        sources: paths, encoded bytes, PIL images or arrays.
        workers: threads; None for one per core.

    Yields:
        One answer per source, in order.
    """
    size = min(RUN, recognizer.batch_size) if recognizer.is_on_cpu else recognizer.batch_size
    with Threads(workers) as threads:
        # more by a run's worth than keeps them busy, for the time in which somebody looks at a run's answers
        found = threads.map(lambda one: find(recognizer, *one), named(sources), 2 * threads.workers + size)
        runs = batches(found, size)
        first = list(itertools.islice(runs, 2))
        if len(first) == 1:  # nothing else is to be done: it gets all cores
            yield from classify(recognizer, first[0])
        elif first:
            single = recognizer.single_threaded()
            chained = itertools.chain(first, runs)
            answers = threads.map(lambda run: classify(single, run), chained, threads.workers + 1)
            yield from itertools.chain.from_iterable(answers)


def named(sources: Iterable[Source]) -> Iterator[tuple[str, Source]]:
    """Each source with what its answer calls it: its path, or its number from 1."""
    for number, source in enumerate(sources, start=1):
        yield os.fspath(source) if isinstance(source, (str, os.PathLike)) else f"picture {number}", source


def batches(found: Iterable[Found], size: int) -> Iterator[list[Found]]:
    """Pictures whose faces share a run of the network: until there are ``size`` faces, or many pictures without."""
    waiting: list[Found] = []
    count = 0
    for picture in found:
        waiting.append(picture)
        count += len(picture.faces)
        # pictures without faces must not pile up either
        if count >= size or len(waiting) >= 4 * size:
            yield waiting
            waiting, count = [], 0
    if waiting:
        yield waiting


def find(recognizer: Recognizer, name: str, source: Source) -> Found:
    """Read one picture and find its faces."""
    try:
        image = read(source)
        faces = recognizer.detector.detect(image)
        framed = framings(recognizer, image, faces)
    except InputError as error:
        return Found(name, None, [], [], str(error))
    return Found(name, (image.shape[1], image.shape[0]), faces, framed, None)


def framings(recognizer: Recognizer, image: Pixels, faces: list[Face]) -> list[list[Pixels]]:
    """Cut out the faces of a picture as each of the recognizer's networks wants them, for ``Recognizer.combine``."""
    wanted = [network.card.preprocess for network in recognizer.networks]
    is_whole = recognizer.detector_name == "whole"  # the picture is the face: as in training, no margin, no square
    fitted = {prepare: _fit(image, faces, prepare, is_whole) for prepare in dict.fromkeys(wanted)}
    return [fitted[prepare] for prepare in wanted]


def _fit(image: Pixels, faces: list[Face], prepare: Preprocess, is_whole: bool) -> list[Pixels]:
    cut = [image] * len(faces) if is_whole else crops(image, faces, prepare.margin, prepare.shift)
    return [prepare.fit(face) for face in cut]


def classify(recognizer: Recognizer, found: list[Found]) -> list[Answer]:
    """One run of the network for the faces of several pictures."""
    framings = [
        [face for picture in found if picture.framings for face in picture.framings[number]]
        for number in range(len(recognizer.networks))
    ]
    rows = iter(recognizer.combine(framings))
    answers = []
    for picture in found:
        readings = tuple(
            Reading(face, Prediction(recognizer.labels, next(rows), recognizer.threshold), picture.source)
            for face in picture.faces
        )
        answers.append(Answer(picture.source, readings, picture.size_px, picture.error))
    return answers
