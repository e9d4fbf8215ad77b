"""One warp and one map of values per image, against hand-made cases, OpenCV and torchvision."""

from __future__ import annotations

import colorsys
import itertools

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.transforms.v2 import functional as vision

from mien.parts import Augment
from mien.preprocess import Preprocess
from mien.train.augment import geometry
from mien.train.augment.geometry import CORNERS, warp
from mien.train.augment.levels import LEVELS, Level, Strength, level_of
from mien.train.augment.light import coarsen, grain, light
from mien.train.augment.pipeline import Augmentation
from mien.train.loader import Batch


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def strength(level: Level, count: int = 1) -> Strength:
    return Strength.of([level], torch.zeros(count, dtype=torch.int64))


@pytest.fixture
def upper_end(monkeypatch: pytest.MonkeyPatch):
    """Every draw at its upper end."""
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.ones(*size))


@pytest.fixture
def colours() -> torch.Tensor:
    """(3, 3, 8, 8) in [0.2, 0.6]: brighter and stronger colours still fit."""
    return torch.empty(3, 3, 8, 8).uniform_(0.2, 0.6, generator=generator())


def test_grain_is_grey_in_range_and_in_its_share_of_the_images():
    grey = torch.full((400, 3, 16, 16), 0.5)
    made = grain(grey, 0.3, generator(1))
    sigma = (made - grey).flatten(1).std(dim=1)
    assert 0.2 < float((sigma > 0).float().mean()) < 0.4
    assert float(sigma.max()) == pytest.approx(0.2, abs=0.02)
    assert float(sigma[sigma > 0].mean()) == pytest.approx(0.1, abs=0.02)  # evenly from 0 to 0.2
    assert torch.equal(made[:, 0], made[:, 2])
    assert torch.equal(grey, torch.full_like(grey, 0.5))  # a batch in memory is not written to
    bright = grain(torch.ones(50, 1, 8, 8), 1.0, generator(2))
    assert float(bright.max()) == 1
    assert torch.equal(grain(grey, 0.0, generator()), grey)


def test_noise_and_lost_resolution_are_asked_for_in_a_recipe():
    assert level_of(Augment(coarse=0.4), 2).coarse == 0.4
    face = Preprocess(size_px=48, channels=1, mean=(0.5,), std=(0.5,))
    plain, noisy = (Augmentation(Augment(level=0, noise=share), face, 1) for share in (0.0, 1.0))
    pixels = torch.full((4, 48, 48, 1), 128, dtype=torch.uint8)
    batches = [Batch(pixels, torch.eye(4), None, generator(), 1) for _ in range(2)]
    assert float(plain(batches[0]).images.std()) == 0
    assert float(noisy(batches[1]).images.std()) > 0


def test_level_zero_has_no_strength():
    assert LEVELS[0] == Level()
    assert not LEVELS[0].moves
    assert not LEVELS[0].lights


def test_a_recipe_sets_half_widths_of_its_own():
    found = level_of(Augment(rotate_deg=5, shift=0, scale=0.5, jitter=0.1, hue=0.05, perspective=0.2), 3)
    own = (found.rotate_deg, found.shift, found.scale, found.perspective, found.brightness, found.contrast)
    assert own == (5, 0, 0.5, 0.2, 0.1, 0.1)
    assert (found.saturation, found.hue) == (0.1, 0.05)
    assert (found.flip, found.shear, found.coarse) == (0.5, 0.1, 0.2)  # as level 3 has them
    assert [level_of(Augment(), number) for number in range(4)] == list(LEVELS)


def test_images_have_their_own_strength():
    found = Strength.of([LEVELS[0], LEVELS[3]], torch.tensor([1, 0, 1]))
    assert found.rotate_deg.tolist() == [20, 0, 20]
    assert found.coarse.tolist() == pytest.approx([0.2, 0, 0.2])


def test_warp_by_a_known_amount(upper_end: None):
    picture = torch.arange(16.0).reshape(1, 1, 4, 4)
    torch.testing.assert_close(warp(picture, 4, strength(Level()), generator()), picture)
    turned = warp(picture, 4, strength(Level(rotate_deg=90)), generator())
    assert any(torch.allclose(turned, torch.rot90(picture, k, (2, 3)), atol=1e-4) for k in (1, 3))
    moved = warp(picture, 4, strength(Level(shift=0.25)), generator())
    torch.testing.assert_close(moved[..., :3, :3], picture[..., 1:, 1:])


def test_mirroring_is_sure_when_it_is_certain():
    picture = torch.arange(16.0).reshape(1, 1, 4, 4)
    torch.testing.assert_close(warp(picture, 4, strength(Level(flip=1.0)), generator()), picture.flip(3))


def test_affine_places_are_those_of_torch():
    maps = torch.cat([torch.randn(5, 2, 3, generator=generator()), torch.tensor([[[0.0, 0, 1]]] * 5)], dim=1)
    expected = functional.affine_grid(maps[:, :2], [5, 1, 7, 7], align_corners=False)
    torch.testing.assert_close(geometry.places(maps, 7, is_affine=True), expected)
    torch.testing.assert_close(geometry.places(maps, 7, is_affine=False), expected)


def test_perspective_is_that_of_opencv(monkeypatch: pytest.MonkeyPatch):
    inwards = torch.rand(3, 4, 2, generator=generator())
    monkeypatch.setattr(torch, "rand", lambda *size, **_: inwards)
    found = geometry._perspective(torch.full((3,), 0.5), generator())
    for one, moved in zip(found.numpy(), inwards.numpy(), strict=True):
        quad = CORNERS.numpy() * (1 - 0.5 * moved)
        np.testing.assert_allclose(one, cv2.getPerspectiveTransform(quad, CORNERS.numpy()), rtol=1e-3, atol=1e-4)


def test_perspective_tilts_the_picture_in_the_one_resampling():
    """The same map through OpenCV, which counts pixels by their centres."""
    side, seed = 64, 5
    smooth = cv2.GaussianBlur(np.random.default_rng(0).random((side, side), np.float32), (0, 0), 4)
    level = strength(Level(rotate_deg=10, perspective=0.3))
    found = warp(torch.from_numpy(smooth)[None, None], side, level, generator(seed))[0, 0].numpy()
    draws = generator(seed)
    maps = geometry._affine(level, draws) @ geometry._perspective(level.perspective, draws)
    pixels = np.array([[2 / side, 0, 1 / side - 1], [0, 2 / side, 1 / side - 1], [0, 0, 1]])
    to_pixels = np.linalg.inv(pixels) @ maps[0].numpy() @ pixels
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    expected = cv2.warpPerspective(smooth, to_pixels, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(found - expected).max() < 0.02 * np.ptp(smooth)
    assert np.abs(found - smooth).max() > 0.2 * np.ptp(smooth)


def test_the_horizon_never_comes_into_the_picture(monkeypatch: pytest.MonkeyPatch):
    extremes = torch.tensor(list(itertools.product((0.0, 1.0), repeat=8))).view(-1, 4, 2)
    monkeypatch.setattr(torch, "rand", lambda *size, **_: extremes)
    maps = geometry._perspective(torch.full((256,), 0.45), generator())
    corners = torch.cat([CORNERS, torch.ones(4, 1)], dim=1)
    assert float((corners @ maps.transpose(1, 2))[..., 2].min()) > 0


def test_grey_light_is_torchvisions(upper_end: None):
    grey = torch.empty(3, 1, 8, 8).uniform_(0.2, 0.6, generator=generator())
    made = light(grey, strength(Level(brightness=0.2, contrast=0.3, saturation=0.9), 3), generator())
    torch.testing.assert_close(made, vision.adjust_brightness(vision.adjust_contrast(grey, 1.3), 1.2))


def test_colour_is_torchvisions(upper_end: None, colours: torch.Tensor):
    made = light(colours, strength(Level(saturation=0.4, brightness=0.2), 3), generator())
    expected = vision.adjust_brightness(vision.adjust_saturation(colours, 1.4), 1.2)
    torch.testing.assert_close(made, expected, rtol=0, atol=0.004)  # weights of luminance with three digits


def test_contrast_is_about_the_same_middle_with_and_without_colour(colours: torch.Tensor):
    plain = light(colours, strength(Level(contrast=0.3), 3), generator())
    with_colour = light(colours, strength(Level(contrast=0.3, saturation=1e-6), 3), generator())
    torch.testing.assert_close(plain, with_colour, rtol=0, atol=1e-4)
    torch.testing.assert_close(plain.mean(dim=(1, 2, 3)), colours.mean(dim=(1, 2, 3)))


def test_hue_turns_colours_and_leaves_greys_and_luminance(upper_end: None, colours: torch.Tensor):
    turn = strength(Level(hue=0.1), 3)
    made = light(colours, turn, generator())
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    torch.testing.assert_close((made * weights).sum(1), (colours * weights).sum(1), rtol=0, atol=1e-4)
    greys = colours[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(light(greys, turn, generator()), greys, rtol=0, atol=1e-4)
    red = torch.tensor([0.6, 0.4, 0.4]).view(1, 3, 1, 1)
    hue = colorsys.rgb_to_hsv(*light(red, strength(Level(hue=0.1)), generator()).flatten().tolist())[0]
    assert min(hue, 1 - hue) == pytest.approx(0.1, abs=0.06)  # turns in YIQ and in HSV are not quite alike


def test_light_stays_in_range_and_differs_between_images(colours: torch.Tensor):
    same = colours[:1].expand(6, -1, -1, -1)
    made = light(same, strength(Level(brightness=1, contrast=1, saturation=1, hue=0.5), 6), generator())
    assert (float(made.min()), float(made.max())) == pytest.approx((0, 1), abs=0.2)
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1
    assert len({image.numpy().tobytes() for image in made}) == 6


def test_coarse_images_are_smoother_and_others_untouched():
    noise = torch.rand(200, 1, 16, 16, generator=generator())
    made = coarsen(noise, strength(Level(coarse=0.3), 200), generator(1))
    touched = (made != noise).flatten(1).any(1)
    assert 0.2 < float(touched.float().mean()) < 0.4
    assert bool((made[touched].std(dim=(1, 2, 3)) < noise[touched].std(dim=(1, 2, 3))).all())
    assert torch.equal(coarsen(noise, strength(Level(), 200), generator()), noise)
