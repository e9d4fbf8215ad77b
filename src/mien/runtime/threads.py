"""Calls in threads of this process: results in order, few in flight. ``mien.runtime.cluster`` does it elsewhere."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Calls per thread that are made, or wait for those before them, at most: of one map.
AHEAD = 2


class Threads:
    """Threads, while they are entered.

    One map may take its items from another: both share the threads, so that the steps of a work overlap, and yet no
    more calls run at a time than there are cores. It pays where calls leave Python's lock alone, as those of Pillow,
    OpenCV and ONNX Runtime do.

    Args:
        workers: how many; None for one per core.

    Example:
        >>> with Threads(2) as threads:
        ...     squares = threads.map(lambda number: number**2, range(5))
        ...     list(threads.map(lambda square: square + 1, squares))
        [1, 2, 5, 10, 17]
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or os.cpu_count() or 1

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="mien-work")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)  # the reader may have stopped early

    def map(self, call: Callable[[Item], Result], items: Iterable[Item], ahead: int | None = None) -> Iterator[Result]:
        """Call a function with every item; one that is alone needs no thread.

        Args:
            call: is called in several threads at once.
            items: taken as they are needed, by the thread that asks for results.
            ahead: items of which something is in memory, at most; None for two per thread.

        Yields:
            Results in the order of the items.
        """
        items = iter(items)
        first = list(itertools.islice(items, 2))
        if len(first) < 2:
            yield from map(call, first)
            return
        waiting: deque[Future[Result]] = deque()
        for item in itertools.chain(first, items):
            waiting.append(self._pool.submit(call, item))
            # one for one: whoever takes results slowly finds the threads at work all the same
            if waiting[0].done() or len(waiting) >= (ahead or AHEAD * self.workers):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
