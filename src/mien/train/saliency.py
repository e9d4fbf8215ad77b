"""Where in a face the answer comes from: Grad-CAM on the chosen weights of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.errors import RunError
from mien.images import Pixels
from mien.labels import Labels
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build, state
from mien.train.nets.classifier import Classifier
from mien.train.nets.fused import Fused

#: A map with fewer cells a side says little about a face: at 96 px the last layer of most nets has 3.
LEAST_CELLS = 6


class Saliency:
    """Grad-CAM of one run.

    The map of a face and a class is the sum of a layer's channels, each weighed by the mean gradient of the class's
    logit, with what is negative cut off. Its largest value is 1; a map without anything positive stays 0.

    Args:
        run: folder with the chosen weights.

    Raises:
        RunError: no run folder, or no weights in it.

    Source: R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
    ICCV 2017, equations 1 and 2. What differs: not always the last convolution, but the last layer whose map has at
    least 6 x 6 cells, or the finest there is; of a fused net, the sum over its members.
    """

    def __init__(self, run: RunDir) -> None:
        data = run.read_json(run.data)
        recipe = Recipe.load(run.recipe)
        self.labels = Labels(tuple(data["classes"]), data["label_set"])
        self.preprocess = recipe.preprocess
        if not run.best.exists():
            raise RunError(f"{run.path}: {run.best.name} is missing, so there is nothing to look into")
        self.net = cast(Classifier, build.net(recipe, len(self.labels)))
        self.net.load_state_dict(state.load(run.best)["parts"]["net"])
        self.net.eval()
        side, channels = self.preprocess.size_px, self.preprocess.channels
        self.layers = [
            layer for trunk in _trunks(self.net) if (layer := _layer(self.net, trunk, channels, side)) is not None
        ]
        if not self.layers:
            raise RunError(f"{run.path}: no layer of this net has a map, so there is no Grad-CAM")

    def __call__(self, faces: Sequence[Pixels], classes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Where each answer comes from.

        Args:
            faces: (H, W, 3) uint8 RGB, of any size.
            classes: (N,) index of the class to explain, one per face.

        Returns:
            (N, S, S) float32 from 0 to 1, over the face as the network sees it.
        """
        side = self.preprocess.size_px
        maps = np.zeros((len(faces), side, side), np.float32)
        for row, (face, index) in enumerate(zip(faces, classes.tolist(), strict=True)):
            for found in self._cams(torch.from_numpy(self.preprocess([face])), index):
                maps[row] += cv2.resize(found, (side, side), interpolation=cv2.INTER_LINEAR)
        largest = maps.max(axis=(1, 2), keepdims=True)
        return (maps / np.where(largest > 0, largest, 1)).astype(np.float32)

    def _cams(self, image: torch.Tensor, index: int) -> list[NDArray[np.float32]]:
        """One map per trunk, as large as its layer's."""
        seen: list[torch.Tensor] = []

        def keep(layer: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            seen.append(output)
            return output.clone()  # the next layer may change it in place

        hooks = [layer.register_forward_hook(keep) for layer in self.layers]
        try:
            logits = self.net(image.requires_grad_())
        finally:
            for hook in hooks:
                hook.remove()
        gradients = torch.autograd.grad(logits[0, index], seen)
        cams = []
        for activation, gradient in zip(seen, gradients, strict=True):
            weights = gradient[0].mean(dim=(1, 2), keepdim=True)
            cams.append((weights * activation[0]).sum(dim=0).relu().detach().numpy())
        return cams


def _trunks(net: Classifier) -> list[nn.Module]:
    return list(net.backbone.members) if isinstance(net.backbone, Fused) else [net.backbone]


def _layer(net: nn.Module, trunk: nn.Module, channels: int, side: int) -> nn.Module | None:
    """The last layer run with a map of at least ``LEAST_CELLS`` a side, else the last with the finest; None without."""
    found: list[tuple[int, nn.Module]] = []

    def look(layer: nn.Module, given: tuple[object, ...], output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[1] > 1 and min(output.shape[2:]) > 1:
            found.append((min(output.shape[2:]), layer))

    hooks = [layer.register_forward_hook(look) for layer in trunk.modules() if layer is not trunk]
    try:
        with torch.inference_mode():
            net(torch.zeros(2, channels, side, side))
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        return None
    least = min(LEAST_CELLS, max(cells for cells, _ in found))
    return next(layer for cells, layer in reversed(found) if cells >= least)
