"""From a recipe to objects. The only module that knows both."""

from __future__ import annotations

from typing import cast

from torch import nn

from mien.parts import Model
from mien.preprocess import Preprocess
from mien.recipe import Recipe
from mien.train.nets import weights
from mien.train.nets.classifier import Classifier
from mien.train.tables import BACKBONES, HEADS, LOSSES


def backbone(recipe: Model, preprocess: Preprocess) -> nn.Module:
    """The backbone with its weights.

    Raises:
        RecipeError: an unknown name, options or weights that do not fit.
    """
    library, colon, name = recipe.backbone.partition(":")
    make = BACKBONES.load(f"{library}:<name>" if colon else library)
    is_pretrained = recipe.weights == "pretrained"
    net = make(name or library, preprocess.channels, preprocess.size_px, is_pretrained, recipe.options)
    if recipe.weights not in ("none", "pretrained"):
        weights.load(net, weights.locate(recipe.weights))
    return cast(nn.Module, net)


def classifier(recipe: Recipe, classes: int) -> Classifier:
    """Backbone and head of a classifier."""
    start = recipe.model.weights.removeprefix("run:") if recipe.model.weights.startswith("run:") else None
    model = recipe.model if start is None else recipe.model.model_copy(update={"weights": "none"})
    trunk = backbone(model, recipe.preprocess)
    head = HEADS.load(model.head.name)(model.head, cast(int, trunk.num_features), classes)
    net = Classifier(trunk, head)
    if start is not None:
        weights.load(net, weights.locate(start), part="net")
    return net


def loss(recipe: Recipe) -> nn.Module:
    """The loss."""
    return cast(nn.Module, LOSSES.load(recipe.loss.name)(recipe.loss))
