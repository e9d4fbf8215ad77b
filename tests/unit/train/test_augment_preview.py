"""The sheet that shows what a recipe does to its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.data.toy import draw
from mien.errors import ManifestError
from mien.images import grey, read
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.report import sheet as sheets
from mien.train.augment import preview as previews
from mien.train.augment.preview import preview

GREY = {"size_px": 24, "channels": 1, "mean": [0.5], "std": [0.25]}


@pytest.fixture
def data(tmp_path: Path) -> Manifest:
    """Eight toy faces to learn from, of four classes; the last class has one."""
    faces = draw(tmp_path, 12, labels=Labels.named("basic4"), size_px=32)
    rows = np.concatenate([np.flatnonzero(faces.targets() == index)[: 1 if index == 3 else 3] for index in range(4)])
    return faces.take(rows).with_columns(split="train")


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[sheets.Group]:
    """What is put on the sheet."""
    found: list[sheets.Group] = []

    def watch(given: list[sheets.Group], **options: int) -> np.ndarray:
        found.extend(given)
        return sheets.sheet(given, **options)

    monkeypatch.setattr(previews, "sheet", watch)
    return found


def test_one_line_per_face_and_a_section_per_phase(data: Manifest, groups: list[sheets.Group]):
    phases = [{"name": "first", "epochs": 1, "augment": {"level": 0}}, {"name": "then", "epochs": 1}]
    recipe = Recipe.load({"preprocess": GREY, "augment": {"level": 1, "rare_level": 2}, "phases": phases})
    picture = preview(recipe, data, draws=3, tile_px=24)
    assert picture.shape[2] == 3
    assert len(groups) == 8
    sections = [group.section for group in groups if group.section]
    assert sections == ["first: level 0, rare_level 2", "then: level 1, rare_level 2"]
    names = data.labels.names
    assert [group.title.split(":")[0] for group in groups] == [*names, *names]
    assert groups[3].title == f"{names[3]}: 1 pictures, rare"
    assert groups[0].title == f"{names[0]}: 3 pictures"
    assert [tile.caption for tile in groups[0].tiles] == ["original", "draw 1", "draw 2", "draw 3"]


def test_the_original_is_the_picture_and_draws_differ(data: Manifest, groups: list[sheets.Group]):
    recipe = Recipe.load({"preprocess": GREY | {"size_px": 32}, "augment": {"level": 2}})
    first = preview(recipe, data, draws=2, per_class=2, tile_px=24)
    assert len(groups) == 7
    original, one, other = (tile.image for tile in groups[-1].tiles)
    row = int(np.flatnonzero(data.targets() == 3)[0])
    source = grey(read(data.paths()[row]))
    assert np.abs(original.astype(int) - source[:, :, None]).max() <= 1
    assert np.abs(one.astype(int) - other).max() > 20
    np.testing.assert_array_equal(preview(recipe, data, draws=2, per_class=2, tile_px=24), first)
    assert (preview(recipe, data, draws=2, per_class=2, tile_px=24, seed=1) != first).any()


def test_levels_beside_each_other(data: Manifest, groups: list[sheets.Group]):
    preview(Recipe.load({"preprocess": GREY}), data, levels=True, draws=2, tile_px=24)
    captions = [tile.caption for tile in groups[0].tiles]
    assert captions == ["original", "level 1", "level 1", "level 2", "level 2", "level 3", "level 3"]
    assert len(groups) == 4


def test_colour_stays_colour(data: Manifest, groups: list[sheets.Group]):
    preview(Recipe.load({"augment": {"level": 0, "jitter": 0.3, "hue": 0.2}}), data, draws=1, tile_px=24)
    assert groups[0].tiles[1].image.shape == (48, 48, 3)


def test_an_empty_split_says_so(data: Manifest):
    with pytest.raises(ManifestError, match="learn"):
        preview(Recipe.load({"data": {"train": "learn"}}), data)
