"""The input contract, by hand and against torchvision."""

import numpy as np
import pytest
from pydantic import ValidationError

from mien.preprocess import Preprocess


def test_values_by_hand():
    prepare = Preprocess(size_px=8, mean=(0.5, 0.0, 0.25), std=(0.5, 1.0, 0.25))
    batch = prepare([np.full((20, 20, 3), (255, 51, 0), np.uint8)])
    assert (batch.shape, batch.dtype, batch.flags.c_contiguous) == ((1, 3, 8, 8), np.float32, True)
    assert batch[0, :, 3, 3] == pytest.approx([1.0, 0.2, -1.0], abs=1e-6)


def test_one_channel_is_luminance():
    prepare = Preprocess(size_px=8, channels=1, mean=(0,), std=(1,))
    assert prepare.fit(np.full((9, 7, 3), (255, 0, 0), np.uint8)).tolist() == np.full((8, 8, 1), 76).tolist()


def test_no_faces():
    assert Preprocess(size_px=8).__call__([]).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_fitting_twice_is_fitting_once(channels):
    prepare = Preprocess(size_px=16, channels=channels, mean=(0.5,) * channels, std=(0.5,) * channels)
    face = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    once = prepare.fit(face)
    assert once.shape == (16, 16, channels)
    assert np.array_equal(prepare.fit(once), once)
    assert np.array_equal(prepare([once]), prepare([face]))


def test_normalising_is_torchvisions():
    torch = pytest.importorskip("torch")
    from torchvision.transforms.v2 import functional

    prepare = Preprocess(size_px=16, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    tensor = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).float() / 255
    expected = functional.normalize(tensor, list(prepare.mean), list(prepare.std)).numpy()
    assert prepare.normalise(pixels) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size_px": 4},
        {"channels": 2},
        {"channels": 1},
        {"mean": (0.5,)},
        {"std": (0.5, 0.0, 0.5)},
        {"margin": -0.9},
        {"enlarge": "nearest"},
        {"sise_px": 8},
    ],
)
def test_mistakes_are_refused(wrong):
    with pytest.raises(ValidationError):
        Preprocess(**wrong)


def test_it_travels_as_json():
    prepare = Preprocess(size_px=80, margin=0.2, shift=0.05)
    again = Preprocess.model_validate_json(prepare.model_dump_json())
    assert (again, hash(again)) == (prepare, hash(prepare))
