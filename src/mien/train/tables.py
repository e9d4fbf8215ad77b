"""All names a recipe may use, kind by kind. Reading this module loads no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from mien.recipe import Recipe
from mien.table import Table

TASKS = Table(
    "task",
    {
        "classify": ("mien.train.lessons.classify:Classification", "learn to name the perceived expression"),
        "super_resolve": ("mien.train.lessons.super_resolve:Restoration", "learn to make small faces large and clear"),
        "gan": ("mien.train.lessons.gan:Drawing", "learn to draw faces of every class (StyleGAN2, S1)"),
    },
)
ENHANCERS = Table(
    "enhancer",
    {
        "srcnn": ("mien.train.nets.srcnn:Srcnn", "four convolutions at the large size (S0)"),
        "enhanced_srcnn": ("mien.train.nets.srcnn:EnhancedSrcnn", "with residual blocks and channel attention (S0)"),
        "subpixel": ("mien.train.nets.subpixel:Subpixel", "residual blocks at the small size, then pixel shuffle"),
    },
)
BACKBONES = Table(
    "backbone",
    {
        "plain48": ("mien.train.nets.plain48:plain48", "three conv blocks for 48x48 faces (S3)"),
        "xception": ("mien.train.nets.xception:xception", "separable convolutions with short cuts (S1)"),
        "fused": ("mien.train.nets.fused:fused", "several nets, weighed against each other for every picture (S2)"),
        "timm:<name>": ("mien.train.nets.libraries:from_timm", "any net of timm, e.g. timm:efficientnet_lite0"),
        "shallow:<name>": ("mien.train.nets.shallow:shallow", "a net of timm with fewer blocks per stage"),
        "torchvision:<name>": ("mien.train.nets.libraries:from_torchvision", "any classification net of torchvision"),
    },
)
HEADS = Table(
    "head",
    {
        "linear": ("mien.train.heads:linear", "dropout, one linear layer"),
        "mlp": ("mien.train.heads:mlp", "hidden layers with batch norm, ReLU and dropout"),
        "attention": ("mien.train.heads:attention", "channel attention, then hidden layers (S4)"),
    },
)
LOSSES = Table(
    "loss",
    {
        "cross_entropy": ("mien.train.losses.cross_entropy:CrossEntropy", "the usual one"),
        "focal": ("mien.train.losses.focal:Focal", "what is answered well already counts less"),
        "combined": ("mien.train.losses.combined:Combined", "part focal, part cross-entropy"),
        "logit_adjusted": ("mien.train.losses.logit_adjusted:LogitAdjusted", "knows how frequent each class is"),
        "balanced_softmax": ("mien.train.losses.balanced_softmax:BalancedSoftmax", "logit_adjusted with a tau of 1"),
    },
)
OPTIMIZERS = Table(
    "optimizer",
    {
        "adam": ("mien.train.optim:adam", "Adam; weight decay as an L2 term"),
        "adamw": ("mien.train.optim:adamw", "Adam with decoupled weight decay"),
        "sgd": ("mien.train.optim:sgd", "SGD with Nesterov momentum"),
    },
)
SCHEDULES = Table(
    "schedule",
    {
        "constant": ("mien.train.schedules:constant", "the same rate throughout"),
        "cosine": ("mien.train.schedules:cosine", "optional linear warm-up, then half a cosine down to the floor"),
        "restarts": ("mien.train.schedules:restarts", "half cosines one after the other, each longer (SGDR)"),
        "exponential": ("mien.train.schedules:exponential", "the same share less with every step, down to the floor"),
        "onecycle": ("mien.train.schedules:onecycle", "from rate/25 up by a cosine, then down to the floor"),
        "plateau": ("mien.train.schedules:constant", "cut when the metric on val stops growing"),
    },
)
SAMPLERS = Table(
    "sampler",
    {
        "shuffle": ("mien.train.sampling:shuffle", "every picture once an epoch"),
        "inverse_frequency": ("mien.train.sampling:inverse_frequency", "every class as often as the others"),
        "square_root": ("mien.train.sampling:square_root", "half way: a class as often as the root of its count"),
        "effective_number": ("mien.train.sampling:effective_number", "by the effective number of its pictures"),
    },
)
POLICIES = Table(
    "policy",
    {
        "none": ("mien.train.augment.policy:none", "no policy"),
        "autoaugment": ("mien.train.augment.policy:autoaugment", "AutoAugment, ImageNet policy"),
        "randaugment": ("mien.train.augment.policy:randaugment", "RandAugment"),
        "trivialaugment": ("mien.train.augment.policy:trivialaugment", "TrivialAugment, wide"),
    },
)

#: Kind as named in :mod:`mien.recipe` -> table.
TABLES: dict[str, Table] = {
    table.kind: table
    for table in (TASKS, BACKBONES, HEADS, ENHANCERS, LOSSES, SAMPLERS, OPTIMIZERS, SCHEDULES, POLICIES)
}


def load_recipe(source: str | PathLike[str] | Mapping[str, Any] | Recipe, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and check every name in it, without loading torch."""
    return Recipe.load(source, overrides, TABLES)
