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


class Threads:
    """Threads, while they are entered.

    One map may take its items from another: both share the threads, so that the steps of a work overlap, and yet no
    more calls run at a time than there are cores. It pays where calls leave Python's lock alone, as those of Pillow,
    OpenCV and ONNX Runtime do.

    Args:
        workers: how many; None for one per core.

    Example:
        >>> with Threads(2) as threads:
        ...     squares = threads.map(lambda number: number**2, range(5), ahead=4)
        ...     list(threads.map(lambda square: square + 1, squares, ahead=3))
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

    def map(self, call: Callable[[Item], Result], items: Iterable[Item], ahead: int) -> Iterator[Result]:
        """Call a function with every item; one that is alone needs no thread.

        Args:
            call: is called in several threads at once.
            items: taken as they are needed, by the thread that asks for results.
            ahead: items that are worked at, or whose results wait until they are asked for. With more than there are
                threads, all of them have work while somebody does something with a result.

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
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
