"""The processes that work for a sweep, as the sweep sees them. Loads no torch; they do."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from mien.train.allocator import ALLOCATOR

#: What a worker runs.
MODULE = "mien.train.sweep.worker"


class Message(NamedTuple):
    """What a worker said; None: its process has ended."""

    worker: Worker
    content: dict[str, Any] | None


class Worker:
    """One process.

    Args:
        index: its place in the crew, from 0.
        folder: of the sweep; what the process prints goes into ``worker-<index>.log`` there.
        threads: CPU threads it may use.
        inbox: where its messages go.
    """

    def __init__(self, index: int, folder: Path, threads: int, inbox: queue.Queue[Message]) -> None:
        self.index, self.log = index, folder / f"worker-{index}.log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env={**os.environ, **ALLOCATOR, "OMP_NUM_THREADS": str(threads), **_graphics_card(index)},
            )
        self.reader = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self.reader.start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Give a task, or an answer."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: the inbox will say so
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def why_ended(self) -> str:
        """A line on how the process ended, and the last that it printed."""
        code = self.process.wait()
        how = f"was ended by signal {-code} (9: often for want of memory)" if code < 0 else f"ended with code {code}"
        last = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        return f"the training process {how}{''.join(f': {line}' for line in last)}; see {self.log}"

    def close(self) -> None:
        """End the process now; a run that is cut off goes on exactly when it is given again."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.reader.join()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()

    def _listen(self, inbox: queue.Queue[Message]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                inbox.put(Message(self, json.loads(line)))
            except json.JSONDecodeError:
                break  # cut off in the middle of a line
        inbox.put(Message(self, None))


class Crew:
    """Up to so many workers, each started when there is something to do; used as a context.

    Args:
        count: workers at most.
        folder: of the sweep.
        threads: CPU threads, divided among them; None: all that this process may use.
    """

    def __init__(self, count: int, folder: Path, threads: int | None = None) -> None:
        self.count, self.folder = count, folder
        self.threads = max(1, (threads or _cores()) // count)
        self.inbox: queue.Queue[Message] = queue.Queue()
        self.workers: dict[int, Worker] = {}
        self.busy: dict[Worker, int] = {}

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers.values():
            worker.close()

    @property
    def has_room(self) -> bool:
        """True when somebody is free."""
        return len(self.busy) < self.count

    def give(self, number: int, task: Mapping[str, Any]) -> None:
        """Give a trial to a free worker."""
        index = next(index for index in range(self.count) if self.workers.get(index) not in self.busy)
        if index not in self.workers:
            self.workers[index] = Worker(index, self.folder, self.threads, self.inbox)
        self.busy[self.workers[index]] = number
        self.workers[index].send(task)

    def hear(self) -> tuple[Worker, int, dict[str, Any] | None]:
        """Wait for a message about a trial: the worker, the trial, the message (None: the process has ended)."""
        while True:
            worker, content = self.inbox.get()
            if worker in self.busy:
                return worker, self.busy[worker], content
            if content is None and self.workers.get(worker.index) is worker:
                self.dismiss(worker)

    def free(self, worker: Worker) -> None:
        """The trial of this worker has ended."""
        del self.busy[worker]

    def dismiss(self, worker: Worker) -> None:
        """The process of this worker has ended; another takes its place when there is work."""
        self.workers.pop(worker.index).close()
        self.busy.pop(worker, None)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux knows
        return os.cpu_count() or 1


def _graphics_card(index: int) -> dict[str, str]:
    """With several cards named in CUDA_VISIBLE_DEVICES, each worker gets one of them."""
    cards = [card for card in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if card.strip()]
    return {"CUDA_VISIBLE_DEVICES": cards[index % len(cards)]} if cards else {}
