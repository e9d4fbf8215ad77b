"""From a recipe to objects. The only module that knows both."""

from __future__ import annotations

import inspect
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from mien.errors import RecipeError
from mien.labels import Labels
from mien.parts import Member, Model
from mien.preprocess import Preprocess
from mien.recipe import Recipe
from mien.train.augment.ada import Ada
from mien.train.losses.objective import Objective
from mien.train.nets import weights
from mien.train.nets.classifier import Classifier
from mien.train.nets.discriminator import Discriminator
from mien.train.nets.start import Start
from mien.train.nets.stylegan2 import Generator
from mien.train.tables import BACKBONES, ENHANCERS, HEADS, LOSSES
from mien.train.tasks.gan import Critic


def backbone(recipe: Model | Member, preprocess: Preprocess) -> nn.Module:
    """The backbone with its weights.

    Raises:
        RecipeError: an unknown name, options or weights that do not fit; of a fused net, all members' mistakes.
    """
    if isinstance(recipe, Model) and recipe.members:
        net = BACKBONES.load(recipe.backbone)(_members(recipe.members, preprocess), recipe.options)
    else:
        library, colon, name = recipe.backbone.partition(":")
        make = BACKBONES.load(f"{library}:<name>" if colon else library)
        is_pretrained = recipe.weights == "pretrained"
        net = make(name or library, preprocess.channels, preprocess.size_px, is_pretrained, recipe.options)
    if recipe.goes_on:
        Start.of(recipe.weights, preprocess).fill_backbone(net, preprocess)
    elif recipe.weights not in ("none", "pretrained"):
        weights.load(net, weights.locate(recipe.weights))
    return cast(nn.Module, net)


def _members(recipes: tuple[Member, ...], preprocess: Preprocess) -> list[nn.Module]:
    found, mistakes = [], []
    for number, recipe in enumerate(recipes):
        try:
            found.append(backbone(recipe, preprocess))
        except RecipeError as error:
            place = f"model.members.{number}."
            mistakes += [
                place + line.removeprefix("model.") if line.startswith("model.") else line for line in error.mistakes
            ]
    if mistakes:
        raise RecipeError("recipe", mistakes)
    return found


def classifier(recipe: Recipe, labels: Labels) -> Classifier:
    """Backbone and head of a classifier, with the weights it begins with.

    Raises:
        RecipeError: names, options or weights that do not fit.
        ModelError: there is no model of the name that the weights are to come from.
    """
    goes_on = recipe.model.goes_on
    net = _classifier(recipe.model.without_weights() if goes_on else recipe.model, recipe.preprocess, len(labels))
    if goes_on:
        start = Start.of(recipe.model.weights, recipe.preprocess)
        start.fill_backbone(net.backbone, recipe.preprocess)
        start.fill_head(net.head, cast(int, net.backbone.num_features), labels)
    return net


def _classifier(model: Model, preprocess: Preprocess, classes: int) -> Classifier:
    trunk = backbone(model, preprocess)
    return Classifier(trunk, HEADS.load(model.head.name)(model.head, cast(int, trunk.num_features), classes))


def net(recipe: Recipe, classes: int) -> nn.Module:
    """What a run exports, without the weights it starts from: for a checkpoint that holds them all."""
    if recipe.task == "gan":
        return generator(recipe, classes if recipe.gan.conditional else 0)
    if recipe.task == "super_resolve":
        return enhancer(recipe.model_copy(update={"enhance": recipe.enhance.model_copy(update={"weights": "none"})}))
    return _classifier(recipe.model.without_weights(), recipe.preprocess, classes)


def enhancer(recipe: Recipe) -> nn.Module:
    """The net of an enhancer, with its weights.

    Raises:
        RecipeError: an option that the net has not, or weights that do not fit.
    """
    make = ENHANCERS.load(recipe.enhance.net)
    known = [name for name in inspect.signature(make).parameters if name != "scale"]
    if unknown := [name for name in recipe.enhance.options if name not in known]:
        has = f"has {', '.join(known)}" if known else "has none"
        raise RecipeError("recipe", [f"enhance.options: {recipe.enhance.net} {has}, got {', '.join(unknown)}"])
    net = cast(nn.Module, make(recipe.enhance.scale, **recipe.enhance.options))
    if recipe.enhance.weights != "none":
        weights.load(net, weights.locate(recipe.enhance.weights), part="net")
    return net


def generator(recipe: Recipe, classes: int) -> Generator:
    """The net that draws; ``classes`` is 0 when it draws faces of any."""
    part, face = recipe.gan, recipe.preprocess
    return Generator(
        face.size_px,
        face.channels,
        classes,
        latents=part.latents,
        styles=part.styles,
        depth=part.depth,
        capacity=part.capacity,
        widest=part.widest,
    )


def critic(recipe: Recipe, classes: int) -> Critic:
    """The net that it learns against."""
    part, face = recipe.gan, recipe.preprocess
    net = Discriminator(face.size_px, face.channels, classes, capacity=part.capacity, widest=part.widest)
    return Critic(net, Ada(part.ada, part.ada_images))


def loss(recipe: Recipe, counts: NDArray[np.floating[Any]]) -> Objective:
    """The loss, with everything around it.

    Args:
        recipe: says which.
        counts: (C,) how many training pictures each class has; soft targets count in parts.
    """
    known = counts.astype(np.float64)
    return Objective(LOSSES.load(recipe.loss.name)(recipe.loss, known), recipe.loss, recipe.distill, known)
