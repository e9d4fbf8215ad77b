"""One run of the network for the faces of all requests that are there at the moment.

A request waits only when it is known that others are on their way: pictures that are being decoded announce themselves
with ``coming()``. A client that is alone is answered at once, and while the network runs, others gather by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.images import Pixels

#: Per network of the model, the faces as it wants them.
Framings = Sequence[Sequence[Pixels]]


@dataclass
class _Waiting:
    framings: Framings
    answer: asyncio.Future[NDArray[np.float32]]


class Batcher:
    """Gathers faces for a moment, runs the network once, and gives each request its rows.

    Args:
        run: gives (N, C) probabilities for the faces of all networks, such as ``Recognizer.combine``.
        most: faces after which to wait no longer.
        wait_s: how long the first request waits for others that are coming; 0 runs each by itself, at once.
        seen: is told the number of faces of each run.
    """

    def __init__(
        self,
        run: Callable[[Framings], NDArray[np.float32]],
        most: int,
        wait_s: float,
        seen: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._run, self._most, self._wait_s, self._seen = run, most, wait_s, seen
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._coming = 0
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1 if wait_s else None, thread_name_prefix="mien-net")

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Announce a picture whose faces may soon follow."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    async def __call__(self, framings: Framings) -> NDArray[np.float32]:
        """Answer for the faces of one picture: (N, C) float32."""
        loop = asyncio.get_running_loop()
        if not self._wait_s:
            self._seen(len(framings[0]))
            return await loop.run_in_executor(self._thread, self._run, framings)
        if self._task is None:
            self._task = loop.create_task(self._serve(), name="mien-batcher")
        waiting = _Waiting(framings, loop.create_future())
        self._queue.put_nowait(waiting)
        return await waiting.answer

    async def close(self) -> None:
        """Answer those that wait, and stop."""
        if self._task is not None:
            self._queue.put_nowait(None)
            await self._task
            self._task = None
        self._thread.shutdown()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        is_open = True
        while is_open:
            batch: list[_Waiting] = []
            is_open = await self._gather(batch, loop)
            if not batch:
                continue
            joined = [
                [face for one in batch for face in one.framings[index]] for index in range(len(batch[0].framings))
            ]
            self._seen(len(joined[0]))
            try:
                rows = await loop.run_in_executor(self._thread, self._run, joined)
            except Exception as error:  # belongs to those who wait: each request fails by itself, and serving goes on
                for one in batch:
                    if not one.answer.done():
                        one.answer.set_exception(error)
                continue
            start = 0
            for one in batch:
                stop = start + len(one.framings[0])
                if not one.answer.done():  # its client may have gone
                    one.answer.set_result(rows[start:stop])
                start = stop

    async def _gather(self, batch: list[_Waiting], loop: asyncio.AbstractEventLoop) -> bool:
        """Fill a batch; False when there will be no more."""
        first = await self._queue.get()
        if first is None:
            return False
        batch.append(first)
        count, deadline = len(first.framings[0]), loop.time() + self._wait_s
        while count < self._most:
            if self._queue.empty():
                if not self._coming:
                    break
                try:
                    async with asyncio.timeout_at(deadline):
                        one = await self._queue.get()
                except TimeoutError:
                    break
            else:
                one = self._queue.get_nowait()
            if one is None:
                return False
            batch.append(one)
            count += len(one.framings[0])
        return True
