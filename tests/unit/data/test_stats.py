"""Counts of a manifest, checked by hand."""

import numpy as np
import pytest

from mien.data.stats import stats
from mien.data.toy import draw
from mien.errors import InputError
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest


def test_counts_sizes_people_and_votes(tmp_path):
    colour = np.zeros((8, 6, 3), np.uint8)
    colour[..., 0] = 200
    write(tmp_path / "0.png", np.zeros((8, 6), np.uint8))
    write(tmp_path / "1.png", colour)
    data = Manifest.of(
        root=tmp_path,
        image=["0.png", "1.png", "gone.png", "0.png"],
        label=["happy", "happy", "sad", ""],
        split=["train", "val", "train", ""],
        domain=["web", "web", "press", "press"],
        subject=["a", "a", "b", ""],
        **{"votes.happy": [10, 5, 0, 0], "votes.sad": [0, 5, 10, 0]},
    )
    found = stats(data)
    assert found.classes == {"happy": {"train": 1, "val": 1}, "sad": {"train": 1}, "(no label)": {"(no split)": 1}}
    assert found.splits() == ["train", "val", "(no split)"]
    assert found.domains == {"press": {"(no label)": 1, "sad": 1}, "web": {"happy": 2}}
    assert found.imbalance == 2.0
    assert found.subjects == {"people": 2, "rows": 3}
    assert (found.sampled, found.unreadable, found.sizes_px) == (4, 1, {"6 x 8": 3})
    assert found.grey == pytest.approx(2 / 3)
    # entropy of (1, 0), (1/2, 1/2) and (0, 1): 0, 1 and 0 bits; the fourth has no votes
    assert found.votes == pytest.approx(
        {"votes_per_picture": 7.5, "entropy_bits": 1 / 3, "more_than_half_agree": 2 / 3}
    )


def test_toy_faces_as_array_and_as_folders(tmp_path):
    array = draw(tmp_path / "a", 6, labels=Labels.named("basic4"), size_px=32, subjects=3)
    folders = draw(tmp_path / "b", 6, labels=Labels.named("basic4"), size_px=32, subjects=3, as_folders=True)
    assert array.labels.id == "basic4"
    assert stats(array).sizes_px == {"32 x 32": 6}
    assert array.frame["label"].tolist() == folders.frame["label"].tolist()
    assert set(folders.frame["origin"]) == {"synthetic"}
    folders.check_files()
    with pytest.raises(InputError, match="is a file"):
        draw(tmp_path / "a" / "faces.csv", 6)
