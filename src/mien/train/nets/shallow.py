"""A net of timm with fewer blocks per stage: quicker, and the blocks that stay keep their names and trained weights."""

from __future__ import annotations

from typing import Any

from torch import nn

from mien.errors import RecipeError
from mien.train.nets.libraries import from_timm


def shallow(name: str, in_channels: int, size_px: int, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    """A net of timm's EfficientNet family (MobileNets too) that keeps the first blocks of each stage.

    The blocks of a stage after its first are residual or repeat one shape, so what follows still fits. With
    ``model.weights: run:<best.pt>`` it begins with what the whole net learned, less what the missing blocks did.

    Args:
        name: of the net in timm.
        in_channels: 1 or 3.
        size_px: side of the faces.
        pretrained: take the weights of timm.
        options: ``keep``, blocks that each stage keeps, e.g. ``[1, 2, 2, 3, 1]``; the others go to timm.

    Raises:
        RecipeError: the net has no stages of blocks, or ``keep`` does not fit them.
    """
    rest = {key: value for key, value in options.items() if key != "keep"}
    net = from_timm(name, in_channels, size_px, pretrained, rest)
    blocks = getattr(net, "blocks", None)
    stages = [stage for stage in blocks or () if isinstance(stage, nn.Sequential)]
    if not stages or len(stages) < len(blocks or ()):
        raise RecipeError(
            "recipe", [f"model.backbone: {name} has no stages of blocks; take mobilenetv1_100, efficientnet_lite0 ..."]
        )
    depths = [len(stage) for stage in stages]
    keep = options.get("keep", depths)
    is_list = isinstance(keep, list) and len(keep) == len(depths) and all(type(count) is int for count in keep)
    if not is_list or not all(1 <= count <= depth for count, depth in zip(keep, depths, strict=True)):
        has = f"{name} has stages of {depths} blocks, of which at least one each must stay"
        raise RecipeError("recipe", [f"model.options.keep: {has}; got {keep!r}"])
    for stage, count in zip(stages, keep, strict=True):
        del stage[count:]
    return net
