"""``mien.EmotionImageEnhancer``, by the names that S0 gave it."""

import numpy as np
import pandas
import pytest

import mien
from mien import images
from mien.errors import InputError, ModelError
from mien.manifest import Manifest


def test_a_single_file_in_the_current_folder(monkeypatch, pictures, doubler):
    monkeypatch.chdir(pictures / "happy")
    enhancer = mien.EmotionImageEnhancer(doubler(), device="cpu")
    assert str(enhancer.enhance_image_file("0.png", "large.png")) == "large.png"
    assert images.read("large.png").shape == (224, 224, 3)
    enhancer.enhance_image_file("0.png", "new/folder/large.png", target_size=(20, 30))
    assert images.read("new/folder/large.png").shape == (20, 30, 3)


def test_the_original_is_not_replaced(monkeypatch, pictures):
    monkeypatch.chdir(pictures / "happy")
    with pytest.raises(InputError, match="not replaced"):
        mien.EmotionImageEnhancer("bicubic").enhance_image_file("0.png", "../happy/0.png")


@pytest.mark.parametrize("column", ["image", "path", "filename"])
def test_a_table(pictures, tmp_path, column):
    df = pandas.DataFrame(
        {column: ["happy/0.png", "sad/broken.png"], "label": ["happy", "sad"], "split": ["train", "test"]}
    )
    stats = mien.EmotionImageEnhancer("lanczos").enhance_dataset(df, str(pictures), str(tmp_path / "out"))
    assert (stats["total"], stats["processed"], stats["failed"]) == (2, 1, 1)
    assert list(stats["errors"]) == ["sad/broken.png"]
    (row,) = Manifest.load(stats["manifest"]).paths()
    assert images.read(row).shape == (224, 224, 3)
    assert column in df.columns


def test_a_table_without_files(tmp_path):
    with pytest.raises(InputError, match="no column of files"):
        mien.EmotionImageEnhancer("bicubic").enhance_dataset(pandas.DataFrame({"label": ["sad"]}), tmp_path, "out")


def test_without_weights_it_refuses(monkeypatch, tmp_path):
    monkeypatch.setattr("mien.runtime.models.SHIPPED", tmp_path)
    with pytest.raises(ModelError, match="untrained"):
        mien.EmotionImageEnhancer(model_type="enhanced_srcnn", device="auto")


def test_finish_is_adjustable():
    picture = np.random.default_rng(0).integers(90, 160, (12, 12), dtype=np.uint8)
    plain, strong = (
        mien.EmotionImageEnhancer("bicubic", **settings).enhance_image(picture)
        for settings in ({}, {"sharpen": 1.0, "contrast": 1.5})
    )
    assert strong.std() > plain.std()
