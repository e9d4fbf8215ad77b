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
    with torch.no_grad():  # some nets' pre-logits layers change the width that num_features gives
        net.eval()
        net.num_features = net(torch.zeros(1, in_channels, size_px, size_px)).shape[1]
    return net


def from_torchvision(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    """A torchvision classification model with its last linear layer taken off."""
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise RecipeError("recipe", [f"model.backbone: torchvision has no {name!r}: {did_you_mean(name, known)}"])
    try:
        net = torchvision.models.get_model(name, weights="DEFAULT" if pretrained else None, **options)
    except TypeError as error:
        raise RecipeError("recipe", [f"model.options: {name} does not take them ({error})"]) from None
    except OSError as error:
        raise _no_weights(name, error) from error
    path, last = [(path, layer) for path, layer in net.named_modules() if isinstance(layer, nn.Linear)][-1]
    parent, _, attribute = path.rpartition(".")
    setattr(net.get_submodule(parent), attribute, nn.Identity())
    adapt_channels(net, in_channels)
    net.num_features = last.in_features
    return net


def _no_weights(name: str, error: Exception) -> RecipeError:
    return RecipeError(
        "recipe",
        [
            f"model.weights: the pretrained weights of {name} are not on this machine and could not be fetched "
            f"({str(error).splitlines()[0]}); put the file here and give its path, or use weights: none"
        ],
    )
