"""A contact sheet of what a recipe does to its training pictures, to look at before training."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien.data import cache
from mien.images import Pixels
from mien.labels import Labels
from mien.manifest import Manifest
from mien.parts import Augment
from mien.preprocess import Preprocess
from mien.recipe import Recipe
from mien.report.sheet import Group, Tile, sheet
from mien.train.augment.levels import LEVELS
from mien.train.augment.pipeline import Augmentation
from mien.train.loader import Batch
from mien.train.targets import class_counts, soft_targets

#: Title of a section, and caption and augmentation of each of its columns.
Section = tuple[str, list[tuple[str, Augmentation]]]


def preview(
    recipe: Recipe,
    manifest: Manifest,
    *,
    levels: bool = False,
    per_class: int = 1,
    draws: int = 8,
    tile_px: int = 72,
    seed: int = 0,
) -> Pixels:
    """Draw faces of the training split, one per line: as they are, and as the net will see them.

    Args:
        recipe: what to show; each phase is a section. Pictures are mixed with others of the sheet.
        manifest: the data.
        levels: show the levels 1 to 3 beside each other, and nothing else of the recipe's augmentation.
        per_class: faces of each class.
        draws: of each face, and with ``levels`` of each level.
        tile_px: side of each picture.
        seed: another seed, other faces and draws.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ManifestError: the split is empty, or no picture can be read.
        InputError: too many pictures for one sheet.
    """
    if recipe.data.labels is not None:
        wanted = recipe.data.labels
        manifest = manifest.with_labels(Labels.named(wanted) if isinstance(wanted, str) else Labels.of(wanted))
    learn = manifest.split(recipe.data.train)
    if recipe.data.per_class is not None:
        learn = learn.at_most(recipe.data.per_class, recipe.runtime.seed)
    counts = class_counts(soft_targets(learn, recipe.data))
    some = learn.at_most(per_class, seed)
    some = some.take(np.argsort(some.targets(), kind="stable"))
    with tempfile.TemporaryDirectory() as folder:
        found = cache.build(some, recipe.preprocess, Path(folder) / "faces.npy")
        pixels, some = np.array(found.pixels), some.take(found.rows)
        del found  # its memory map, before the folder goes
    targets = soft_targets(some, recipe.data)
    usable = targets.any(axis=1)  # with votes, not every picture is
    pixels, targets = pixels[usable], targets[usable]
    plain = Augmentation(Augment(level=0), recipe.preprocess, 1)
    groups = []
    for title, columns in _levels(recipe, draws) if levels else _phases(recipe, counts, draws):
        columns = [("original", plain), *columns]
        rare = columns[-1][1].rare.tolist() or [0] * len(counts)
        drawn = [
            _faces(augmentation, pixels, targets, recipe.preprocess, [seed, number])
            for number, (_, augmentation) in enumerate(columns)
        ]
        for row, target in enumerate(targets.argmax(axis=1)):
            tiles = [Tile(faces[row], caption) for faces, (caption, _) in zip(drawn, columns, strict=True)]
            about = f"{some.labels.names[target]}: {counts[target]} pictures" + ", rare" * rare[target]
            groups.append(Group(tiles, about, "" if row else title))
    return sheet(groups, columns=max(len(group.tiles) for group in groups), tile_px=tile_px)


def _phases(recipe: Recipe, counts: NDArray[np.int64], draws: int) -> list[Section]:
    """What the recipe does, phase by phase."""
    names = [f"{phase.name}: " for phase in recipe.phases] or [""]
    sections: list[Section] = []
    for name, stage in zip(names, recipe.stages(), strict=True):
        augmentation = Augmentation(stage.augment, stage.preprocess, 1, counts)
        told = {"level": stage.augment.level, **stage.augment.model_dump(exclude_defaults=True)}
        title = name + ", ".join(f"{key} {value}" for key, value in told.items())
        sections.append((title, [(f"draw {number + 1}", augmentation) for number in range(draws)]))
    return sections


def _levels(recipe: Recipe, draws: int) -> list[Section]:
    """The levels that change something, beside each other."""
    columns = [
        (f"level {level}", Augmentation(Augment(level=level), recipe.preprocess, 1))
        for level in range(1, len(LEVELS))
        for _ in range(draws)
    ]
    return [("The levels of augmentation", columns)]


def _faces(
    augmentation: Augmentation,
    pixels: NDArray[np.uint8],
    targets: NDArray[np.float32],
    preprocess: Preprocess,
    seed: list[int],
) -> list[Pixels]:
    """What the net will see, as pictures again: (size, size, 3) uint8 each."""
    drawn = int(np.random.SeedSequence(seed).generate_state(1)[0])
    generator = torch.Generator().manual_seed(drawn)
    # the second epoch of one: past a start on small pictures
    batch = Batch(torch.from_numpy(pixels), torch.from_numpy(targets), None, generator, epoch=2)
    seen = augmentation(batch).images.permute(0, 2, 3, 1).numpy()
    values = seen * np.array(preprocess.std, np.float32) + np.array(preprocess.mean, np.float32)
    faces = np.broadcast_to((values * 255).round().clip(0, 255).astype(np.uint8), (*values.shape[:3], 3))
    return list(faces)
