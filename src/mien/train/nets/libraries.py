"""Any backbone of timm or torchvision."""

from __future__ import annotations

from typing import Any

import timm
import torch
import torchvision
from torch import nn

from mien.errors import RecipeError
from mien.table import did_you_mean
from mien.train.nets.weights import adapt_channels


def from_timm(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    """A timm model without its classifier; ``pretrained`` takes the weights from timm's cache or hub."""
    known = timm.list_models()
    if name.split(".")[0] not in known:
        raise RecipeError("recipe", [f"model.backbone: timm has no {name!r}: {did_you_mean(name, known)}"])
    try:
        net = timm.create_model(name, pretrained=pretrained, in_chans=in_channels, num_classes=0, **options)
    except TypeError as error:
        raise RecipeError("recipe", [f"model.options: {name} does not take them ({error})"]) from None
    except (RuntimeError, OSError) as error:
        if not pretrained:
            raise
        raise _no_weights(name, error) from error
    net.num_features = _width(net, name, in_channels, size_px)  # type: ignore[assignment]  # torch: an int may be kept in a module
    return net


def from_torchvision(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    """A torchvision classification model with its last linear layer (SqueezeNet: convolution) taken off."""
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise RecipeError("recipe", [f"model.backbone: torchvision has no {name!r}: {did_you_mean(name, known)}"])
    try:
        net = torchvision.models.get_model(name, weights="DEFAULT" if pretrained else None, **options)
    except TypeError as error:
        raise RecipeError("recipe", [f"model.options: {name} does not take them ({error})"]) from None
    except OSError as error:
        raise _no_weights(name, error) from error
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


def _no_weights(name: str, error: Exception) -> RecipeError:
    return RecipeError(
        "recipe",
        [
            f"model.weights: the pretrained weights of {name} are not on this machine and could not be fetched "
            f"({str(error).splitlines()[0]}); put the file here and give its path, or use weights: none"
        ],
    )
