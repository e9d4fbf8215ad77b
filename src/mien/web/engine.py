"""A model that is loaded and warm, and pictures of requests through it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from mien.face import Face
from mien.images import Pixels
from mien.prediction import Prediction, Reading
from mien.runtime.models import Model
from mien.runtime.recognizer import Recognizer
from mien.runtime.stream import Answer, framings
from mien.web.batching import Batcher
from mien.web.limits import Budget
from mien.web.metrics import Metrics
from mien.web.pictures import decode
from mien.web.problems import Problem
from mien.web.settings import Settings
from mien.web.upload import Upload


class _Found(NamedTuple):
    """A picture after decoding and finding: the picture itself is gone, its faces are as the networks want them."""

    size_px: tuple[int, int]
    faces: list[Face]
    framings: list[list[Pixels]]


class Engine:
    """One model, ready to answer.

    Args:
        model: name or path.
        settings: of the server.
        metrics: are kept up to date.
        pool: threads that decode and look for faces; all models share it.
        budget: pixels of decoded pictures in memory at a time; all models share it, too.

    Attributes:
        name: by which requests ask for it.
        recognizer: detector and networks.

    Raises:
        ModelError: the model cannot be used.
    """

    def __init__(
        self, model: Model, settings: Settings, metrics: Metrics, pool: ThreadPoolExecutor, budget: Budget
    ) -> None:
        self.recognizer = Recognizer(
            model,
            detector=settings.detector,
            threads=settings.threads,
            threshold=settings.threshold,
            device=settings.device,
        )
        self.name = self.recognizer.networks[0].path.stem
        self._metrics, self._pool, self._budget, self._max_pixels = metrics, pool, budget, settings.max_pixels
        faces_per_run = metrics.batch.labels(self.name)
        self._batcher = Batcher(
            self.recognizer.combine, self.recognizer.batch_size, settings.batch_wait_ms / 1000, faces_per_run.observe
        )
        self._warm()

    def _warm(self) -> None:
        """Run everything once: the first run of a network takes several times as long as the others."""
        size = self.recognizer.card.preprocess.size_px
        self.recognizer.detector.detect(np.zeros((480, 640, 3), np.uint8))
        self.recognizer.probabilities([np.zeros((size, size, 3), np.uint8)])

    async def close(self) -> None:
        """Finish what is being run."""
        await self._batcher.close()

    async def read(self, uploads: Sequence[Upload], threshold: float | None = None) -> list[Answer | Problem]:
        """Read pictures.

        Args:
            uploads: one or several.
            threshold: abstain below this confidence; None = as the server was told.

        Returns:
            For each its answer, or why there is none.
        """
        return await asyncio.gather(*(self._read(upload, threshold) for upload in uploads))

    async def _read(self, upload: Upload, threshold: float | None) -> Answer | Problem:
        loop = asyncio.get_running_loop()
        with self._batcher.coming():
            try:
                found = await loop.run_in_executor(self._pool, self._find, upload)
            except Problem as problem:
                self._metrics.pictures.labels(problem.code).inc()
                return problem
        rows = await self._batcher(found.framings) if found.faces else np.empty((0, 0), np.float32)
        self._metrics.pictures.labels("read").inc()
        self._metrics.faces.inc(len(found.faces))
        limit = self.recognizer.threshold if threshold is None else threshold
        readings = tuple(
            Reading(face, Prediction(self.recognizer.labels, row, limit))
            for face, row in zip(found.faces, rows, strict=True)
        )
        return Answer(upload.name, readings, found.size_px)

    def _find(self, upload: Upload) -> _Found:
        with decode(upload.content, upload.declared, self._max_pixels, self._budget.hold) as image:
            upload.content = b""  # the bytes are not needed any more
            faces = self.recognizer.detector.detect(image)
            return _Found((image.shape[1], image.shape[0]), faces, framings(self.recognizer, image, faces))


def make_pool(settings: Settings) -> ThreadPoolExecutor:
    """Threads that decode pictures and look for faces."""
    return ThreadPoolExecutor(settings.workers or os.cpu_count() or 1, thread_name_prefix="mien-find")
