"""Any backbone of timm or torchvision."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from mien.errors import RecipeError
from mien.table import did_you_mean
from mien.train.nets.weights import adapt_channels

#: What the libraries raise when weights cannot be had: no network, a broken download, a wrong hash, none published.
UNREACHABLE = (OSError, HTTPException, RuntimeError)


def from_timm(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    """A timm model without its classifier; ``pretrained`` takes the weights from timm's cache or hub.

    Raises:
        RecipeError: no such net, options or size that it does not take, or no weights here nor within reach.
    """
    known = timm.list_models()
    if name.split(".")[0] not in known:
        raise RecipeError("recipe", [f"model.backbone: timm has no {name!r}: {did_you_mean(name, known)}"])
    try:
        net = timm.create_model(name, pretrained=pretrained, in_chans=in_channels, num_classes=0, **options)
    except TypeError as error:
        raise RecipeError("recipe", [f"model.options: {name} does not take them ({error})"]) from None
    except UNREACHABLE as error:
        if not pretrained:
            raise
        raise _no_weights(name, error, _timm_source(name)) from error
    net.num_features = _width(net, name, in_channels, size_px)  # type: ignore[assignment]  # torch: an int may be kept in a module
    return net


def from_torchvision(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    """A torchvision classification model with its last linear layer (SqueezeNet: convolution) taken off.

    Of VGG and AlexNet that keeps the first two layers of their classifier, 4,096 features wide, which is what transfer
    learning on them (S0) starts from. ``pretrained`` takes the weights from torch's cache or from their address.

    Raises:
        RecipeError: no such net, options or size that it does not take, or no weights here nor within reach.
    """
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise RecipeError("recipe", [f"model.backbone: torchvision has no {name!r}: {did_you_mean(name, known)}"])
    try:
        net = torchvision.models.get_model(name, weights="DEFAULT" if pretrained else None, **options)
    except TypeError as error:
        raise RecipeError("recipe", [f"model.options: {name} does not take them ({error})"]) from None
    except UNREACHABLE as error:
        if not pretrained:
            raise
        raise _no_weights(name, error, _torchvision_source(name)) from error
    for side in ("aux1", "aux2", "AuxLogits"):  # side outputs of GoogLeNet and Inception
        if getattr(net, side, None) is not None:
            setattr(net, side, None)
            net.aux_logits = False
    layers = list(net.named_modules())
    path = next(path for kind in (nn.Linear, nn.Conv2d) for path, layer in reversed(layers) if isinstance(layer, kind))
    parent, _, attribute = path.rpartition(".")
    setattr(net.get_submodule(parent), attribute, nn.Identity())
    adapt_channels(net, in_channels)
    net.num_features = _width(net, name, in_channels, size_px)
    return net


def _width(net: nn.Module, name: str, in_channels: int, size_px: int) -> int:
    """Features that a net gives; by trying, because some change the width that they tell of."""
    net.eval()
    try:
        with torch.no_grad():
            return int(net(torch.zeros(1, in_channels, size_px, size_px)).shape[1])
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            "recipe", [f"preprocess.size_px: {name} does not take pictures of {size_px} px ({reason})"]
        ) from None


def _torchvision_source(name: str) -> str:
    """How to get the weights of a torchvision net by hand."""
    url = torchvision.models.get_model_weights(name).DEFAULT.url
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    return f"fetch {url} elsewhere, then put {url.rpartition('/')[2]} into {cache} or give its path as model.weights"


def _timm_source(name: str) -> str:
    """How to get the weights of a timm net by hand."""
    known = timm.get_pretrained_cfg(name)
    if known is not None and known.hf_hub_id:
        page = f"https://huggingface.co/{known.hf_hub_id}"
        return f"fetch model.safetensors from {page} elsewhere, then give its path as model.weights"
    if known is not None and known.url:
        return f"fetch {known.url} elsewhere, then give its path as model.weights"
    return "timm publishes none for it; name another net, or give a file as model.weights"


def _no_weights(name: str, error: Exception, source: str) -> RecipeError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return RecipeError(
        "recipe",
        [
            f"model.weights: the pretrained weights of {name} are not on this machine and could not be fetched "
            f"({reason}): {source}; or use weights: none"
        ],
    )
