from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from mien.parts import Augment
from mien.preprocess import Preprocess
from mien.train.augment.geometry import warp
from mien.train.augment.levels import LEVELS, Level, Strength
from mien.train.augment.mix import erase, mix
from mien.train.augment.pipeline import Augmentation
from mien.train.loader import Batch
from mien.train.tables import POLICIES

PREPROCESS = Preprocess(size_px=48, channels=1, mean=(0.5,), std=(0.25,))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def strength(level: Level, count: int = 1) -> Strength:
    return Strength.of([level], torch.zeros(count, dtype=torch.int64))


def faces(count: int = 8, side: int = 32) -> torch.Tensor:
    noise = np.random.default_rng(0).integers(0, 256, (count, side, side, 1), np.uint8)
    return torch.from_numpy(np.stack([cv2.GaussianBlur(face, (5, 5), 2)[:, :, None] for face in noise]))


def batch(count: int = 8, seed: int = 0, epoch: int = 1) -> Batch:
    return Batch(faces(count), torch.eye(4)[torch.arange(count) % 4], None, generator(seed), epoch)


@pytest.mark.parametrize("enlarge", ["linear", "cubic"])
def test_level_0_is_what_prediction_does(enlarge: str):
    """No variation: the training tensor is the preprocessing of inference, up to its rounding to 8 bits."""
    preprocess = PREPROCESS.model_copy(update={"enlarge": enlarge})
    images, *_ = Augmentation(Augment(level=0), preprocess, epochs=1)(batch())
    expected = preprocess([np.repeat(face, 3, axis=2) for face in faces().numpy()])
    np.testing.assert_allclose(images.numpy(), expected, atol=1.1 / 255 / 0.25)


def test_same_seed_same_images_and_levels_differ():
    def run(level: int, seed: int) -> torch.Tensor:
        return Augmentation(Augment(level=level), PREPROCESS, epochs=1)(batch(seed=seed))[0]

    torch.testing.assert_close(run(3, 1), run(3, 1), rtol=0, atol=0)
    assert not torch.equal(run(3, 1), run(3, 2))
    departures = [float((run(level, 1) - run(0, 1)).abs().mean()) for level in range(4)]
    assert departures == sorted(departures)
    assert len(set(departures)) == 4


def test_images_of_a_batch_are_varied_one_by_one():
    same = Batch(faces(1).expand(6, -1, -1, -1), torch.eye(4)[[0] * 6], None, generator(), 1)
    images, *_ = Augmentation(Augment(level=2), PREPROCESS, epochs=1)(same)
    assert all(not torch.equal(images[0], other) for other in images[1:])


def test_warp_by_a_known_amount(monkeypatch: pytest.MonkeyPatch):
    picture = torch.arange(16.0).reshape(1, 1, 4, 4)
    torch.testing.assert_close(warp(picture, 4, strength(Level()), generator()), picture)
    torch.testing.assert_close(warp(picture, 4, strength(Level(flip=1.0)), generator()), picture.flip(3))
    quarter = Level(rotate_deg=90)
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.ones(*size))  # every draw at its upper end
    turned = warp(picture, 4, strength(quarter), generator())
    assert any(torch.allclose(turned, torch.rot90(picture, k, (2, 3)), atol=1e-4) for k in (1, 3))


def test_small_start_then_full_size():
    augmentation = Augmentation(Augment(small_px=24, small_share=0.5), PREPROCESS, epochs=4)
    assert [augmentation(batch(epoch=epoch))[0].shape[-1] for epoch in (1, 2, 3, 4)] == [24, 24, 48, 48]


def test_erasing_touches_its_share():
    white = torch.full((400, 1, 16, 16), -1.0)
    touched = (erase(white, 0.25, 1, generator()) != -1).flatten(1).any(1).float().mean()
    assert 0.17 < float(touched) < 0.33


def test_mixup_blends_images_and_targets_alike():
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    mixed, blend = mix(images, Augment(mixup=1.0), generator())
    targets = blend(torch.eye(4))
    torch.testing.assert_close(mixed[:, 0, 0, 0], targets @ torch.arange(4.0))
    torch.testing.assert_close(targets.sum(1), torch.ones(4))


def test_cutmix_targets_are_shares_of_pixels():
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 16, 16)
    mixed, blend = mix(images, Augment(cutmix=1.0), generator(2))
    targets = blend(torch.eye(4))
    shares = torch.stack([(mixed == value).float().mean(dim=(1, 2, 3)) for value in range(4)], dim=1)
    torch.testing.assert_close(targets, shares)
    assert float(targets.max(dim=1).values.min()) < 1


def test_mixing_only_a_share_of_the_batches():
    recipe = Augment(mixup=1.0, mix_share=0.5)
    images = torch.arange(4.0).view(4, 1, 1, 1)
    plain = sum(mix(images, recipe, generator(seed))[1] is None for seed in range(200))
    assert 70 < plain < 130


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "none"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_policy_runs_on_grey_and_colour(policy: str, channels: int):
    preprocess = Preprocess(size_px=32, channels=channels, mean=(0.5,) * channels, std=(0.5,) * channels)
    pixels = faces().expand(-1, -1, -1, channels)
    made, *_ = Augmentation(Augment(policy=policy), preprocess, 1)(Batch(pixels, torch.eye(8), None, generator(), 1))
    assert made.shape == (8, channels, 32, 32)


def test_level_zero_has_no_strength():
    assert LEVELS[0] == Level()
