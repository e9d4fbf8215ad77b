"""What corruptions do to pictures, by hand where that can be, and to a network that looks at colours."""

import cv2
import numpy as np
import pytest

from mien.errors import InputError, ManifestError, UnknownName
from mien.evaluate.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from mien.evaluate.robustness import robustness
from mien.evaluate.robustness_summary import summary
from mien.images import read, resize, write
from mien.manifest import Manifest


@pytest.fixture(scope="module")
def face(portrait):
    return resize(read(portrait)[20:220, 150:350], 64, 64)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_keeps_its_promises(name, face):
    before = face.copy()
    found = [corrupt(face, name, severity) for severity in SEVERITIES]
    assert np.array_equal(face, before)
    assert all(one.shape == face.shape and one.dtype == np.uint8 for one in found)
    far = [np.abs(one.astype(float) - face).mean() for one in found]
    assert far == sorted(far)
    assert far[0] > 0.5
    assert np.array_equal(corrupt(face, name, 3, row=7, seed=1), corrupt(face, name, 3, row=7, seed=1))
    grey = np.repeat(face[..., :1], 3, axis=2)
    spread = np.ptp(corrupt(grey, name, 5).astype(int), axis=2)
    assert spread.max() <= 1  # a grey face stays grey


def test_by_hand():
    flat = np.full((40, 40, 3), 200, np.uint8)
    assert (corrupt(flat, "darkness", 5) == 20).all()
    for name in ("blur", "low_resolution", "rotation", "jpeg"):
        assert np.abs(corrupt(flat, name, 5).astype(int) - 200).max() <= 2
    noise = corrupt(flat // 2, "noise", 2).astype(float) - 100
    assert noise.mean() == pytest.approx(0, abs=2)
    assert noise.std() == pytest.approx(0.08 * 255, rel=0.05)
    assert not np.array_equal(corrupt(flat, "noise", 2, row=1), corrupt(flat, "noise", 2, row=2))
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[50, 50] = 255
    wide = corrupt(dot, "blur", 3)[:, :, 0].astype(float)  # 3 % of 101 px
    assert wide.max() == pytest.approx(255 / (2 * np.pi * 3.03**2), abs=0.6)
    small = resize(resize(dot, 15, 15), 101, 101)
    assert np.array_equal(corrupt(dot, "low_resolution", 5), small)


def test_rotation_turns_about_the_middle():
    bar = np.zeros((65, 65, 3), np.uint8)
    bar[31:34, :] = 255
    turned = [corrupt(bar, "rotation", 5, row=row) for row in range(12)]
    assert all(one[32, 32].tolist() == [255, 255, 255] for one in turned)
    rising = [int(one[12, 52, 0]) > int(one[52, 52, 0]) for one in turned]
    assert set(rising) == {True, False}  # to the left and to the right
    assert cv2.countNonZero(turned[0][:, :, 0]) > 150


def test_unknown_ones(face):
    with pytest.raises(UnknownName, match="did you mean 'blur'"):
        corrupt(face, "blurr", 1)
    with pytest.raises(InputError, match="severity 6"):
        corrupt(face, "blur", 6)


@pytest.fixture
def reds_and_greens(tmp_path):
    """Forty faces: red is angry, green is happy; one of them is damaged."""
    labels = ["angry", "happy"] * 20
    for row, label in enumerate(labels):
        colour = (200, 30, 30) if label == "angry" else (30, 200, 30)
        write(tmp_path / f"{row}.png", np.full((12, 12, 3), colour, np.uint8))
    (tmp_path / "39.png").write_bytes(b"damaged")
    return Manifest.of(
        root=tmp_path, image=[f"{row}.png" for row in range(40)], label=labels, split=["train"] * 10 + ["val"] * 30
    )


def test_a_model_of_colours(colours, reds_and_greens):
    found = robustness(colours(), reds_and_greens, split="val", draws=100, batch_size=7, threads=1)
    assert found.rows == 29
    assert "1 of 30 pictures" in found.notes[0]
    assert found.clean.accuracy == 1.0
    assert found.corruptions == CORRUPTIONS.names()
    assert len(found.conditions) == 30
    assert all(one.accuracy == 1.0 for name in ("blur", "rotation", "darkness") for one in found.of(name))
    dark = [one.confidence for one in found.of("darkness")]
    assert dark == sorted(dark, reverse=True)
    # red at 0.7 of (200, 30, 30): a class for each channel, its logit 4 * value
    value = np.rint(0.7 * np.array([200, 30, 30])) / 255 * 4
    assert dark[0] == pytest.approx(np.exp(value[0]) / np.exp(value).sum(), abs=1e-4)
    assert "29 faces" in str(next(iter(summary(found).renderables)))
    assert found.to_dict()["support"] == {"angry": 15, "happy": 14, "sad": 0}


def test_noise_hurts_and_intervals_say_how_sure(colours, reds_and_greens):
    """A model that lives on a small difference loses it in noise; the batches make no difference."""
    weights = np.diag([1.0, 1.0, 0.0]).astype(np.float32)
    faint = reds_and_greens.where(split="val").take(np.arange(29))
    for row, path in enumerate(faint.paths()):
        write(path, np.full((12, 12, 3), (120, 119, 0) if row % 2 == 0 else (119, 120, 0), np.uint8))
    one = robustness(colours(weights=weights), faint, corruptions=["blur", "rotation"], batch_size=3, threads=1)
    many = robustness(colours(weights=weights), faint, corruptions=["blur", "rotation"], batch_size=64, threads=1)
    assert one.to_dict() == many.to_dict()
    some = robustness(colours(weights=weights), faint, corruptions=["jpeg"], severities=[5], sample=20, threads=1)
    assert some.rows == 20
    worst = some.conditions[0]
    assert worst.interval is not None
    assert worst.interval.low <= worst.accuracy <= worst.interval.high
    assert worst.drop == pytest.approx(some.clean.accuracy - worst.accuracy)
    assert some.mean_accuracy == pytest.approx(worst.accuracy)


def test_mistakes_show_at_once(colours, reds_and_greens):
    with pytest.raises(UnknownName, match="unknown corruption 'fog'"):
        robustness(colours(), reds_and_greens, corruptions=["fog"])
    with pytest.raises(InputError, match="severities"):
        robustness(colours(), reds_and_greens, severities=[0])
    with pytest.raises(ManifestError, match="no row has a label"):
        robustness(colours(), reds_and_greens.with_columns(label=""), threads=1)
