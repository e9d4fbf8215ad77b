"""Sizes, colours, finish, and what is refused."""

import cv2
import numpy as np
import pytest

from mien.enhance.enhancer import METHODS, Enhancer, is_grey
from mien.enhance.finish import Finish
from mien.enhance.quality import psnr
from mien.errors import InputError, ModelError
from mien.images import grey as luminance
from mien.images import read, resize


def noise(*shape):
    return np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(("name", "flag"), [("bicubic", cv2.INTER_CUBIC), ("lanczos", cv2.INTER_LANCZOS4)])
def test_interpolation(name, flag):
    grey, colour = noise(48, 48), noise(20, 30, 3)
    small, large = Enhancer(name, (100, 120))([grey, colour])
    np.testing.assert_array_equal(small, cv2.resize(grey, (120, 100), interpolation=flag))
    assert large.shape == (100, 120, 3)


def test_a_network_by_hand(doubler):
    grey = noise(8, 8)
    (found,) = Enhancer(doubler(), 16)([grey])
    np.testing.assert_array_equal(found, np.repeat(np.repeat(255 - grey, 2, 0), 2, 1))


def test_any_size_and_order_is_kept(doubler):
    several = [noise(8, 8), noise(9, 7), noise(8, 8) // 2, noise(40, 40)]
    found = Enhancer(doubler(), (20, 24))(several)
    assert [picture.shape for picture in found] == [(20, 24)] * 4
    large = np.repeat(np.repeat(255 - several[2], 2, 0), 2, 1)
    np.testing.assert_array_equal(found[2], cv2.resize(large, (24, 20), interpolation=cv2.INTER_CUBIC))
    np.testing.assert_array_equal(found[3], cv2.resize(several[3], (24, 20), interpolation=cv2.INTER_AREA))


def test_many_pictures_go_in_several_runs(doubler, monkeypatch):
    several = [noise(8, 8) + number for number in range(5)]
    whole = Enhancer(doubler(), 16)(several)
    monkeypatch.setattr("mien.enhance.learned.MAX_PIXELS", 130)
    np.testing.assert_array_equal(Enhancer(doubler(), 16)(several), whole)


def test_colours_stay_and_the_network_sees_the_light(doubler):
    red = np.full((8, 8, 3), (150, 100, 100), np.uint8)
    (found,) = Enhancer(doubler(), 16)([red])
    before, after = (cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[4, 4].astype(int) for picture in (red, found))
    assert abs(after[0] - (255 - before[0])) <= 2  # the fake turns light into dark
    np.testing.assert_allclose(after[1:], before[1:], atol=2)


def test_a_colour_picture_without_colours_becomes_grey(doubler):
    grey = noise(8, 8)
    wide = np.repeat(grey[:, :, None], 3, 2)
    assert is_grey(wide)
    assert not is_grey(noise(8, 8, 3))
    (found,) = Enhancer(doubler(), 16)([wide])
    np.testing.assert_array_equal(found, Enhancer(doubler(), 16)([grey])[0])


def test_no_pictures(doubler):
    assert Enhancer(doubler())([]) == []


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("bicubic", "lanczos")])
def test_without_trained_weights_it_refuses(name, monkeypatch, tmp_path):
    monkeypatch.setattr("mien.runtime.models.SHIPPED", tmp_path)
    with pytest.raises(ModelError, match=r"trained weights are missing.*mien train"):
        Enhancer(name)


def test_other_kinds_of_models_are_refused(doubler, colours):
    with pytest.raises(ModelError, match="enhancer is needed"):
        Enhancer(colours())
    with pytest.raises(ModelError, match="without a network: bicubic, lanczos"):
        Enhancer("bicubik")


@pytest.mark.parametrize("size", [0, (5, 0), 9000])
def test_sizes_that_make_no_sense(size):
    with pytest.raises(InputError, match="expected 1 to"):
        Enhancer("bicubic", size)


def test_devices(doubler):
    Enhancer(doubler(), device="cpu")
    with pytest.raises(InputError, match="expected auto, cuda, openvino or cpu"):
        Enhancer(doubler(), device="gpu")


def test_identity_says_all_that_counts(doubler):
    made = [
        Enhancer("bicubic", 20),
        Enhancer("lanczos", 20),
        Enhancer("bicubic", 21),
        Enhancer("bicubic", 20, Finish(contrast=2)),
        Enhancer(doubler(), 20),
    ]
    assert len({each.identity for each in made}) == len(made)
    assert Enhancer("bicubic", 20).identity == made[0].identity


def test_finish_by_hand():
    picture = np.array([[0, 100], [200, 100]], np.uint8)
    np.testing.assert_array_equal(Finish(contrast=0.5)(picture), [[50, 100], [150, 100]])
    np.testing.assert_array_equal(Finish(contrast=2)(picture), [[0, 100], [255, 100]])
    assert Finish()(picture) is picture


def test_sharpening_makes_edges_steeper_and_leaves_flat_places():
    picture = np.full((21, 21), 80, np.uint8)
    picture[:, 11:] = 160
    found = Finish(sharpen=1, radius_px=1)(picture)
    assert found[10, 10] < 80 < 160 < found[10, 11]
    assert (found[10, 0], found[10, 20]) == (80, 160)


def test_shipped_enhancers_beat_bicubic_on_a_portrait(portrait):
    """A photograph that none of them has seen, made small."""
    picture = read(portrait)
    side = min(picture.shape[:2]) // 4 * 4
    original = resize(luminance(picture[:side, :side]), 192, 192)
    small = resize(original, 48, 48)
    plain = psnr(Enhancer("bicubic", 192)([small])[0], original)
    for name in ("subpixel", "srcnn", "enhanced_srcnn"):
        assert psnr(Enhancer(name, 192)([small])[0], original) > plain + 0.3, name
