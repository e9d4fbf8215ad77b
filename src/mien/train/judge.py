"""A trained recognizer that looks on while an enhancer learns: a face should be read the same before and after."""

from __future__ import annotations

import os

import torch
from torch import nn
from torch.nn import functional

from mien.errors import RecipeError
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build, state


class Judge(nn.Module):
    """The recognizer of a run, which does not learn any more.

    Args:
        folder: of the run.

    Raises:
        RecipeError: the run is no recognizer's, or has no weights yet.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        run = RunDir(folder)
        classes = run.read_json(run.data)["classes"]
        recipe = Recipe.load(run.recipe)
        if recipe.task != "classify" or not run.best.exists():
            raise RecipeError("recipe", [f"enhance.judge: {folder} is not the finished run of a recognizer"])
        self.net = build.net(recipe, len(classes))
        self.net.load_state_dict(state.load(run.best)["parts"]["net"])
        self.net.requires_grad_(False).eval()
        self.preprocess = recipe.preprocess

    def train(self, mode: bool = True) -> Judge:
        """Stay as it is."""
        return super().train(False)

    def forward(self, enhanced: torch.Tensor, originals: torch.Tensor) -> torch.Tensor:
        """How far the answers lie apart: the mean Kullback-Leibler divergence, a scalar.

        Args:
            enhanced: (N, 1, H, W) from 0 to 1.
            originals: the same faces, the same shape.
        """
        with torch.no_grad():
            before = functional.log_softmax(self.net(self._prepared(originals)), dim=1)
        after = functional.log_softmax(self.net(self._prepared(enhanced)), dim=1)
        return functional.kl_div(after, before, reduction="batchmean", log_target=True)

    def _prepared(self, images: torch.Tensor) -> torch.Tensor:
        side = self.preprocess.size_px
        fitted = functional.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)
        mean, std = (images.new_tensor(values)[:, None, None] for values in (self.preprocess.mean, self.preprocess.std))
        return (fitted.expand(-1, self.preprocess.channels, -1, -1) - mean) / std
