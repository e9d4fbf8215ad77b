"""Batches of decoded faces, gathered one ahead in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

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
        generator: for all that is drawn for this batch.
        epoch: counted from 1.
    """

    pixels: torch.Tensor
    targets: torch.Tensor
    generator: torch.Generator
    epoch: int


class Loader:
    """Shuffled batches of equal size; what does not fill a batch is left for another epoch's shuffle.

    Order and draws depend on the seed, the epoch and the batch alone, so nothing has to be stored to resume.

    Args:
        pixels: (N, H, W, C) uint8, may be memory-mapped.
        targets: (N, classes) float32; rows of zeros (no usable label) are left out.
        batch: images per batch; at most as many as there are.
        seed: of order and draws.
        device: where the batches go.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        targets: NDArray[np.float32],
        batch: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.pixels = pixels
        self.targets = targets
        self.rows = np.flatnonzero(targets.any(axis=1))
        self.batch = min(batch, len(self.rows))
        self.seed = seed
        self.device = device

    def __len__(self) -> int:
        return len(self.rows) // self.batch

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch."""
        order = np.random.default_rng([self.seed, number]).permutation(self.rows)
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
                    rows = np.sort(order[step * self.batch : (step + 1) * self.batch])  # sorted: kind to the disk
                    draws = np.random.SeedSequence([self.seed, number, step]).generate_state(1, np.uint64)[0]
                    generator = torch.Generator().manual_seed(int(draws >> 1))
                    pixels, targets = torch.from_numpy(self.pixels[rows]), torch.from_numpy(self.targets[rows])
                    offer(Batch(pixels, targets, generator, number))
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
                yield Batch(item.pixels.to(self.device), item.targets.to(self.device), item.generator, number)
        finally:
            stop.set()
            thread.join()
