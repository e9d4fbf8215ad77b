"""Where a classifier begins when it goes on from another: the chosen weights of a run, or a model file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from mien.errors import RecipeError
from mien.labels import Labels
from mien.parts import GOES_ON, Model
from mien.preprocess import Preprocess
from mien.rundir import RunDir
from mien.runtime.network import Network
from mien.train.nets import exported, weights


@dataclass(frozen=True)
class Start:
    """What another classifier learned.

    Attributes:
        name: of the file, for messages.
        tensors: of the whole classifier, by name.
        labels: its classes; None for the weights of a run that lie alone, without the rest of the run folder.
        is_folded: they come from a model file, which has no batch norms.
        origin: what the card of a net that begins here says of it: name, data, licences and digest as far as known.
    """

    name: str
    tensors: dict[str, Any]
    labels: Labels | None
    is_folded: bool
    origin: dict[str, Any]

    @classmethod
    def of(cls, start: str, preprocess: Preprocess) -> Start:
        """Read ``run:<best.pt>`` or ``model:<name or file>``.

        Raises:
            RecipeError: there is no such file, or of another kind, or it takes pictures that are scaled otherwise.
            ModelError: there is no such model.
        """
        kind, _, name = start.partition(":")
        if kind == "run":
            path = weights.locate(name)
            run, found = RunDir(path.parent), weights.read(path, part="net")
            if not run.data.exists():
                return cls(path.name, found, None, False, {"name": path.name})
            data = run.read_json(run.data)
            return cls(
                path.name, found, Labels(tuple(data["classes"])), False, {"name": path.parent.name, "data": data}
            )
        model = Network(name, threads=1)
        theirs = model.card.preprocess
        if theirs.channels == preprocess.channels and (theirs.mean, theirs.std) != (preprocess.mean, preprocess.std):
            wanted = f"{{mean: {list(theirs.mean)}, std: {list(theirs.std)}}}"
            raise RecipeError("recipe", [f"preprocess: {model.path.name} learned with {wanted}; set the same"])
        card = model.card
        origin = {
            "name": card.name,
            "sha256": hashlib.sha256(model.path.read_bytes()).hexdigest(),
            "data": card.data,
            "licence": card.licence,
            "data_licence": card.data_licence,
        }
        return cls(model.path.name, weights.read(model.path), card.labels, True, origin)

    def fill_backbone(self, net: nn.Module, preprocess: Preprocess) -> None:
        """The backbone as it was.

        Raises:
            RecipeError: it is another net; the message names the first tensor that does not fit.
        """
        blank = torch.zeros(2, preprocess.channels, preprocess.size_px, preprocess.size_px)
        source = self._below("backbone.", net, blank)
        if self.is_folded and (lacking := weights.lacking(net, source)):
            why = (
                "it is of another net than model.backbone, or of one whose layers lose their names in a model file "
                "(transformers, ConvNeXt), and then only its run is a start: run:<best.pt>"
            )
            raise RecipeError("recipe", [f"model.weights: {self.name} has no {lacking[0]}: {why}"])
        weights.fill(net, source, self.name)

    def fill_head(self, net: nn.Module, num_features: int, labels: Labels) -> None:
        """The head as it was, if it has the same layers; of its last one, those classes that are still learned.

        Classes are known by their names, whatever their order was. New ones begin at random.
        """
        source, target = self._below("head.", net, torch.zeros(2, num_features)), net.state_dict()
        last = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)][-1]
        for name in (f"{last}.weight", f"{last}.bias"):
            given = source.get(name)
            if self.labels is None or given is None or given.shape[1:] != target[name].shape[1:]:
                continue
            rows = [self.labels.find(label) for label in labels]
            source[name] = torch.stack(
                [target[name][row] if theirs is None else given[theirs] for row, theirs in enumerate(rows)]
            )
        if weights.fits(net, source):
            weights.fill(net, source, self.name)

    def _below(self, prefix: str, net: nn.Module, example: torch.Tensor) -> dict[str, Any]:
        found = {name.removeprefix(prefix): self.tensors[name] for name in self.tensors if name.startswith(prefix)}
        return exported.unfold(net, found, example) if self.is_folded else found


def origins(model: Model, preprocess: Preprocess) -> list[dict[str, Any]]:
    """What a net begins with, for its card: one entry for each run or model file; see :attr:`Start.origin`."""
    return [Start.of(start, preprocess).origin for start in model.starts if start.startswith(GOES_ON)]
