"""Pictures of one split that another has too."""

import numpy as np
import pytest

from mien.errors import InputError, ManifestError
from mien.evaluate.leaks import leaked_rows
from mien.manifest import Manifest


@pytest.fixture
def noise(tmp_path) -> Manifest:
    """Rows 1 and 4 show one picture, in test and train; rows 2 and 5 another, in val and train; row 3 is val's own."""
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32), np.uint8)
    np.save(tmp_path / "faces.npy", pictures[[0, 1, 2, 3, 1, 2]])
    return Manifest.of(
        root=tmp_path,
        image=[f"faces.npy#{row}" for row in range(6)],
        label=["happy", "sad"] * 3,
        split=["train", "test", "val", "val", "train", "train"],
    )


def test_rows_count_in_the_whole_manifest(noise):
    assert leaked_rows(noise, "val", "train").tolist() == [2]
    assert leaked_rows(noise, "val", "train", near=False).tolist() == [2]
    assert leaked_rows(noise, "test", "train").tolist() == [1]
    assert leaked_rows(noise, "val", "test").tolist() == []


def test_splits_must_be_there_and_differ(noise):
    for split in (None, "train"):
        with pytest.raises(InputError, match="name another split"):
            leaked_rows(noise, split, "train")
    with pytest.raises(ManifestError, match="no rows with split 'dev'"):
        leaked_rows(noise, "val", "dev")
