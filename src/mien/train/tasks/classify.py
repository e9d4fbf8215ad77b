"""Learn to name the perceived expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from mien.evaluate.metrics import measure
from mien.labels import Labels
from mien.preprocess import Preprocess
from mien.scores import Scores
from mien.train.augment.pipeline import Augmentation
from mien.train.average import settle_norms
from mien.train.loader import Batch
from mien.train.tasks import Update


class Classify:
    """One network, one update per step.

    Args:
        net: images to logits.
        loss: logits, soft targets and the teachers' answers (or None), all (N, C), to a scalar.
        augmentation: pixels to a training batch.
        preprocess: the network's input contract.
        labels: the classes.
        pixels: validation faces (N, H, W, C) uint8.
        targets: their class indices (N,).
        fabric: the processes that share the work.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        augmentation: Augmentation,
        preprocess: Preprocess,
        labels: Labels,
        pixels: NDArray[np.uint8],
        targets: NDArray[np.int64],
        fabric: Fabric,
    ) -> None:
        self.net = net
        self.loss = loss
        self.augmentation = augmentation
        self.preprocess = preprocess
        self.labels = labels
        self.pixels = pixels
        self.targets = targets
        self.fabric = fabric

    def parts(self) -> Mapping[str, nn.Module]:
        """The net."""
        return {"net": self.net}

    def updates(self, parts: Mapping[str, nn.Module], batch: Batch) -> Iterator[Update]:
        """Loss and (on hard classes of the mixed targets) accuracy of one batch."""
        images, targets, teacher = self.augmentation(batch)
        logits = parts["net"](images.contiguous(memory_format=torch.channels_last))
        hits = (logits.detach().argmax(dim=1) == targets.argmax(dim=1)).float().mean()
        yield Update("net", self.loss(logits, targets, teacher), {"accuracy": hits})

    def settle(self, parts: Mapping[str, nn.Module], batches: Iterable[Batch]) -> None:
        """Measure the statistics of batch norms on training batches."""
        views = (self.augmentation(batch).images for batch in batches)
        settle_norms(parts["net"], (images.contiguous(memory_format=torch.channels_last) for images in views))

    def logits(self, net: nn.Module, batch: int = 256) -> NDArray[np.float32]:
        """(N, C) logits of the validation faces, prepared exactly as in prediction; shared out over the processes."""
        device = next(net.parameters()).device
        rank, world = self.fabric.global_rank, self.fabric.world_size
        rows = np.arange(-(-len(self.pixels) // world)) * world + rank
        mine = self.pixels[np.minimum(rows, len(self.pixels) - 1)]  # equally many each; those too many are cut below
        found = []
        net.eval()
        with torch.inference_mode():
            for start in range(0, len(mine), batch):
                faces = [np.broadcast_to(face, (*face.shape[:2], 3)) for face in mine[start : start + batch]]
                images = torch.from_numpy(self.preprocess(faces)).to(device)
                found.append(net(images.contiguous(memory_format=torch.channels_last)).float())
        logits = torch.cat(found)
        if world > 1:
            logits = cast(torch.Tensor, self.fabric.all_gather(logits)).transpose(0, 1).flatten(0, 1)
        whole: NDArray[np.float32] = logits[: len(self.pixels)].cpu().numpy()
        return whole

    def validate(self, parts: Mapping[str, nn.Module]) -> dict[str, Any]:
        """Loss, accuracy, balanced accuracy, macro-F1 and recall per class."""
        ids = np.arange(len(self.targets)).astype(str)
        found = measure(Scores(self.logits(parts["net"]), self.targets, self.labels, ids))
        recall = {name: float(value) for name, value in zip(self.labels, found.recall, strict=True)}
        return {
            "loss": found.nll,
            "accuracy": found.accuracy,
            "balanced_accuracy": found.balanced_accuracy,
            "macro_f1": found.macro_f1,
            "recall": {name: value for name, value in recall.items() if name not in found.absent},
        }
