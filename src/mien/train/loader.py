"""Batches of decoded faces, gathered one ahead in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

#: Gathered batches that wait for the step.
AHEAD = 2


@dataclass(frozen=True)
class Batch:
    """One training step's data, as it lies in memory.

    Attributes:
        pixels: (N, H, W, C) uint8.
        targets: (N, classes) float32, rows summing to one.
        teacher: what the teachers answer, softened, as targets; None without teachers.
        generator: for all that is drawn for this batch.
        epoch: counted from 1, within its phase.
    """

    pixels: torch.Tensor
    targets: torch.Tensor
    teacher: torch.Tensor | None
    generator: torch.Generator
    epoch: int

    def to(self, device: torch.device) -> Batch:
        """The same on a device; the generator stays on the CPU."""
        teacher = None if self.teacher is None else self.teacher.to(device)
        return replace(self, pixels=self.pixels.to(device), targets=self.targets.to(device), teacher=teacher)


class Loader:
    """Shuffled batches of equal size; what does not fill a batch is left for another epoch's shuffle.

    Order and draws depend on the seed, the epoch and the batch alone, so nothing has to be stored to resume. Several
    processes share each batch out among them: together they see what one process would.

    Args:
        pixels: (N, H, W, C) uint8, may be memory-mapped.
        targets: (N, classes) float32; rows of zeros (no usable label) are left out.
        batch: images per batch, over all processes; at most as many as there are.
        seed: of order and draws.
        device: where the batches go.
        teacher: (N, classes) float32, softened answers of the teachers.
        weights: (N,) how often each row is drawn, with replacement; 0 = never. None = each once.
        rank: number of this process.
        world: number of processes; ``batch`` must be a multiple of it.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        targets: NDArray[np.float32],
        batch: int,
        seed: int,
        device: torch.device,
        *,
        teacher: NDArray[np.float32] | None = None,
        weights: NDArray[np.float64] | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.pixels, self.targets, self.teacher = pixels, targets, teacher
        usable = targets.any(axis=1) if weights is None else targets.any(axis=1) & (weights > 0)
        self.rows = np.flatnonzero(usable)
        self.chances = None if weights is None else weights[self.rows] / weights[self.rows].sum()
        self.batch = min(batch, len(self.rows) // world * world)
        self.seed = seed
        self.device = device
        self.rank, self.world = rank, world

    def __len__(self) -> int:
        return len(self.rows) // self.batch

    def _order(self, epoch: int) -> NDArray[np.intp]:
        generator = np.random.default_rng([self.seed, epoch])
        if self.chances is None:
            return generator.permutation(self.rows)
        return generator.choice(self.rows, len(self.rows), p=self.chances)

    def _batch(self, rows: NDArray[np.intp], epoch: int, step: int, of_phase: int) -> Batch:
        """Gather this process's share of a batch."""
        rows = np.sort(rows[self.rank :: self.world])  # sorted: kind to the disk
        of_rank = [self.rank] if self.rank else []
        draws = np.random.SeedSequence([self.seed, epoch, step, *of_rank]).generate_state(1, np.uint64)[0]
        return Batch(
            torch.from_numpy(self.pixels[rows]),
            torch.from_numpy(self.targets[rows]),
            None if self.teacher is None else torch.from_numpy(self.teacher[rows]),
            torch.Generator().manual_seed(int(draws >> 1)),
            of_phase,
        )

    def epoch(self, number: int, of_phase: int | None = None) -> Iterator[Batch]:
        """The batches of one epoch, counted from 1 over the whole run; ``of_phase`` counts within its phase."""
        order = self._order(number)
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(AHEAD)
        stop = threading.Event()

        def offer(item: Batch | BaseException | None) -> None:
            while not stop.is_set():
                try:
                    return ready.put(item, timeout=0.1)
                except queue.Full:
                    continue

        def gather() -> None:
            try:
                for step in range(len(self)):
                    offer(
                        self._batch(
                            order[step * self.batch : (step + 1) * self.batch], number, step, of_phase or number
                        )
                    )
                    if stop.is_set():
                        return
                offer(None)
            except BaseException as error:  # handed over and raised in the caller's thread
                offer(error)

        thread = threading.Thread(target=gather, name="mien-loader", daemon=True)
        thread.start()
        try:
            while (item := ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item.to(self.device)
        finally:
            stop.set()
            thread.join()
