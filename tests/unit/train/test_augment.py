from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from mien.errors import RecipeError
from mien.parts import Augment
from mien.preprocess import Preprocess
from mien.train.augment.mix import erase, mix
from mien.train.augment.pipeline import Augmentation
from mien.train.loader import Batch
from mien.train.tables import POLICIES, load_recipe
from mien.train.targets import class_counts

PREPROCESS = Preprocess(size_px=48, channels=1, mean=(0.5,), std=(0.25,))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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


def test_every_level_changes_more_than_the_one_below():
    """Mean change of a pixel against level 0, over 64 images."""

    def change(level: int) -> float:
        plain, varied = (Augmentation(Augment(level=n), PREPROCESS, epochs=1)(batch(64)).images for n in (0, level))
        return float((varied - plain).abs().mean())

    departures = [change(level) for level in range(4)]
    assert departures[0] == 0
    assert all(more > 1.02 * less for less, more in pairwise(departures)), departures


COUNTS = [30, 30, 30, 5]  # an even share is 23.75: the last class is rare


def test_rare_classes_are_varied_more():
    plain = Augmentation(Augment(level=0), PREPROCESS, 1)(batch(64)).images
    varied = Augmentation(Augment(level=0, rare_level=1), PREPROCESS, 1, COUNTS)(batch(64)).images
    change = (varied - plain).abs().mean(dim=(1, 2, 3))
    is_rare = torch.arange(64) % 4 == 3
    assert float(change[~is_rare].max()) < 1e-4  # the same resampling moves them by nothing
    assert float(change[is_rare].min()) > 0.01


def test_rare_images_are_varied_as_far_as_their_level_says():
    def change(**options: object) -> torch.Tensor:
        augmentation = Augmentation(Augment.model_validate(options), PREPROCESS, 1, COUNTS)
        plain = Augmentation(Augment(level=0), PREPROCESS, 1)(batch(400)).images
        return (augmentation(batch(400)).images - plain).abs().mean(dim=(1, 2, 3))

    is_rare = torch.arange(400) % 4 == 3
    both, mild, strong = change(level=1, rare_level=3), change(level=1), change(level=3)
    assert float(both[~is_rare].mean()) == pytest.approx(float(mild.mean()), rel=0.05)
    assert float(both[is_rare].mean()) == pytest.approx(float(strong.mean()), rel=0.05)


def test_a_soft_target_counts_for_its_likeliest_class():
    soft = torch.tensor([[0.3, 0.2, 0.1, 0.4], [0.4, 0.2, 0.1, 0.3]])
    made = Batch(faces(1).expand(2, -1, -1, -1), soft, None, generator(), 1)
    images = Augmentation(Augment(level=0, rare_level=3), PREPROCESS, 1, COUNTS)(made).images
    plain = Augmentation(Augment(level=0), PREPROCESS, 1)(made).images
    changed = (images - plain).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert changed.tolist() == [True, False]


def test_rare_classes_need_counts():
    with pytest.raises(ValueError, match="pictures of each class"):
        Augmentation(Augment(rare_level=3), PREPROCESS, 1)


def test_class_counts():
    targets = np.array([[0.6, 0.4, 0], [0, 1, 0], [0, 0, 0], [0.1, 0.9, 0]], np.float32)
    assert class_counts(targets).tolist() == [1, 2, 0]


def test_images_of_a_batch_are_varied_one_by_one():
    same = Batch(faces(1).expand(6, -1, -1, -1), torch.eye(4)[[0] * 6], None, generator(), 1)
    images, *_ = Augmentation(Augment(level=2), PREPROCESS, epochs=1)(same)
    assert all(not torch.equal(images[0], other) for other in images[1:])


def test_small_start_then_full_size():
    augmentation = Augmentation(Augment(small_px=24, small_share=0.5), PREPROCESS, epochs=4)
    assert [augmentation(batch(epoch=epoch))[0].shape[-1] for epoch in (1, 2, 3, 4)] == [24, 24, 48, 48]


def test_erasing_touches_its_share():
    white = torch.full((400, 1, 16, 16), -1.0)
    touched = (erase(white, 0.25, 1, generator()) != -1).flatten(1).any(1).float().mean()
    assert 0.17 < float(touched) < 0.33


def test_several_holes_cover_as_much_as_one():
    white = torch.full((300, 1, 48, 48), -1.0)
    one, many = (erase(white, 1.0, holes, generator()) != -1 for holes in (1, 6))
    pieces = [cv2.connectedComponents(image[0].numpy().astype(np.uint8))[0] - 1 for image in many[:50]]
    assert max(pieces) > 3
    assert max(cv2.connectedComponents(image[0].numpy().astype(np.uint8))[0] - 1 for image in one) == 1
    # smaller holes are cut less at the border, but overlap
    assert float(many.float().mean()) == pytest.approx(float(one.float().mean()), abs=0.03)


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


def test_policies_draw_per_image_from_the_batch_and_leave_other_draws_alone():
    same = Batch(faces(1).expand(8, -1, -1, -1), torch.eye(8), None, generator(3), 1)
    augmentation = Augmentation(Augment(level=0, policy="trivialaugment"), PREPROCESS, 1)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    images = augmentation(same).images
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len({image.numpy().tobytes() for image in images}) > 4
    torch.manual_seed(2)
    again = augmentation(Batch(same.pixels, same.targets, None, generator(3), 1)).images
    torch.testing.assert_close(again, images, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"level": 2, "rare_level": 2}, "rare_level 2 must be stronger than level 2"),
        ({"erasing_holes": 4}, "erasing_holes does nothing without erasing"),
        ({"mix_share": 0.5}, "mix_share does nothing without mixup or cutmix"),
        ({"small_share": 0.5}, "small_share does nothing without small_px"),
        ({"perspective": 0.6}, "augment.perspective: Input should be less than or equal to 0.45, got 0.6"),
        ({"hue": 0.1}, "augment.hue does nothing with preprocess.channels: 1"),
    ],
)
def test_options_that_make_no_sense_are_mistakes(part: dict[str, float], said: str):
    grey = {"channels": 1, "mean": [0.5], "std": [0.5]}
    with pytest.raises(RecipeError, match=said):
        load_recipe({"augment": part, "preprocess": grey})


def test_what_is_switched_off_may_keep_its_options():
    load_recipe({"augment": {"erasing": 0, "erasing_holes": 4, "mixup": 0, "mix_share": 0.5}})
