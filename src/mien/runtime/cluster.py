"""Calls on the workers of a Ray cluster: results in order, few in flight; a call whose worker dies is made again.

Plain Ray tasks: any worker can do any of them, so the work of a lost machine goes to those that are left. What a worker
loads (a model, a detector) it keeps from one call to the next. Ray is in the extra ``cluster``.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import cv2

from mien.errors import ClusterError, InputError, MienError, need

State = TypeVar("State")
Item = TypeVar("Item")
Result = TypeVar("Result")

#: How often a call is made again when its worker dies.
RETRIES = 3
#: Calls per worker of which something is in memory, at most: made, or waiting until those before them are done.
AHEAD = 4


class Cluster(Generic[State]):
    """A Ray cluster, while it is entered.

    It is the one that this process has joined already, or that ``RAY_ADDRESS`` names; else one is started on this
    machine, and stopped in the end. Its workers work in this process's working folder, so relative paths mean the same.

    Args:
        prepare: called once in each worker; what it gives, every call gets. It is sent there, so it should be small.
        workers: calls at the same time; None for as many as there are cores for.
        threads: cores of a call.

    Raises:
        MissingExtra: when it is entered and Ray is not installed.

    Example:
        ``with Cluster(load) as cluster: results = list(cluster.map(call, items))``
    """

    def __init__(self, prepare: Callable[[], State], *, workers: int | None = None, threads: int = 1) -> None:
        if threads < 1 or (workers is not None and workers < 1):
            raise InputError(f"workers {workers}, threads {threads}: expected at least 1")
        self.workers = workers or 1
        self._wanted, self._threads = workers, threads
        self._job = (uuid.uuid4().hex, os.getcwd(), threads, prepare)
        self._running: list[Any] = []  # of all maps together, as far as is known

    def __enter__(self) -> Self:
        self._ray: Any = need("ray", "cluster", "--engine ray")
        self._has_joined = not self._ray.is_initialized()
        is_started = self._has_joined and not os.environ.get("RAY_ADDRESS")
        self.workers = self._wanted or max(1, (os.cpu_count() or 1) // self._threads)
        if self._has_joined:
            how: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
            way = f"join the cluster at {os.environ.get('RAY_ADDRESS')}"
            if is_started:
                os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would tell its makers
                how |= {"address": "local", "num_cpus": self.workers * self._threads, "include_dashboard": False}
                way = "start a cluster (`ray start --head` starts one that RAY_ADDRESS can name)"
            try:
                self._ray.init(**how)
            except Exception as error:  # Ray's have no common base
                raise ClusterError(f"Ray cannot {way}: {_first_line(error)}") from error
        if self._wanted is None and not is_started:
            self.workers = max(1, int(self._ray.cluster_resources().get("CPU", 1)) // self._threads)
        # of our own cluster nobody else has the cores, so each worker may have its next call ready
        self._most = 2 * self.workers if is_started else self.workers
        self._task = self._ray.remote(num_cpus=self._threads, max_retries=RETRIES)(_call)
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_open = False
        if self._has_joined:
            self._ray.shutdown()

    def map(self, call: Callable[[State, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Call a function with every item, in the workers; one map may take its items from another.

        Args:
            call: a function of a module, given what ``prepare`` made and an item.
            items: taken as they are needed.

        Yields:
            Results in the order of the items.

        Raises:
            MienError: a call raised it.
            ClusterError: workers died over one call again and again.
        """
        waiting: deque[Any] = deque()
        try:
            for item in items:
                while len(self._running) >= self._most:
                    _, self._running = self._ray.wait(self._running, num_returns=1)
                waiting.append(self._task.remote(self._job, call, item))
                self._running.append(waiting[-1])
                while waiting and (waiting[0] not in self._running or len(waiting) >= AHEAD * self.workers):
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            if self._is_open:  # the reader stopped early, or a call failed
                for task in waiting:
                    self._ray.cancel(task)

    def _result(self, task: Any) -> Any:
        try:
            return self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, MienError) else error) from None
        except self._ray.exceptions.RayError as error:
            raise ClusterError(
                f"the workers of {RETRIES + 1} attempts at the same call were lost: {_first_line(error)}"
            ) from None
        finally:
            if task in self._running:
                self._running.remove(task)


def _first_line(error: Exception) -> str:
    """What is worth telling of an error of Ray's, which may have none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


#: Of a worker: what the job at hand has prepared, by the job's name.
_prepared: dict[str, Any] = {}


def _call(job: tuple[str, str, int, Callable[[], Any]], call: Callable[[Any, Any], Any], item: Any) -> Any:
    """What a worker does."""
    name, folder, threads, prepare = job
    if name not in _prepared:
        try:
            os.chdir(folder)
        except OSError:
            raise ClusterError(
                f"{platform.node()} has no folder {folder}: start the command in one that all machines have"
            ) from None
        cv2.setNumThreads(threads)
        _prepared.clear()
        _prepared[name] = prepare()
    return call(_prepared[name], item)
