"""Splits: shares by hand, groups that stay whole, answers that do not depend on the order of rows."""

import numpy as np
import pytest

from mien.data.split import split, split_by
from mien.errors import ManifestError
from mien.manifest import Manifest


def faces(counts, **columns):
    labels = [name for name, count in counts.items() for _ in range(count)]
    return Manifest.of(image=[f"d/{row}.png" for row in range(len(labels))], label=labels, **columns)


def counts(manifest):
    table = manifest.frame.groupby(["label", "split"]).size()
    return {key: int(value) for key, value in table.items()}


def test_each_class_is_dealt_in_the_same_shares():
    dealt = split(faces({"happy": 100, "sad": 40, "fear": 10}))
    assert counts(dealt) == {
        ("happy", "train"): 80, ("happy", "val"): 10, ("happy", "test"): 10,
        ("sad", "train"): 32, ("sad", "val"): 4, ("sad", "test"): 4,
        ("fear", "train"): 8, ("fear", "val"): 1, ("fear", "test"): 1,
    }  # fmt: skip


def test_the_order_of_rows_does_not_matter_and_the_seed_does():
    data = faces({"happy": 60, "sad": 30})
    first = dict(zip(data.frame["image"], split(data).frame["split"], strict=True))
    shuffled = data.take(np.random.default_rng(3).permutation(90))
    assert dict(zip(shuffled.frame["image"], split(shuffled).frame["split"], strict=True)) == first
    assert list(split(data, seed=1).frame["split"]) != list(split(data).frame["split"])


def test_the_place_of_the_folder_does_not_matter():
    here, there = (
        faces({"happy": 30, "sad": 30}),
        faces(
            {"happy": 30, "sad": 30},
        ),
    )
    there = Manifest(there.frame, there.root / "somewhere" / "else")
    assert list(split(here).frame["split"]) == list(split(there).frame["split"])


def test_no_group_crosses_and_the_shares_stay_close():
    rng = np.random.default_rng(0)
    who = rng.integers(0, 60, 600)
    data = faces({"happy": 400, "sad": 200}, subject=[f"p{number}" for number in who])
    dealt = split(data, group=["subject"]).frame
    assert dealt.groupby("subject")["split"].nunique().max() == 1
    shares = dealt["split"].value_counts(normalize=True)
    assert abs(shares["train"] - 0.8) < 0.03
    for label in ("happy", "sad"):
        part = dealt[dealt["label"] == label]["split"].value_counts(normalize=True)
        assert abs(part["val"] - 0.1) < 0.04


def test_groups_of_two_columns_join():
    data = Manifest.of(
        image=[f"{row}.png" for row in range(6)], label=["happy", "sad"] * 3,
        subject=["a", "a", "b", "c", "c", ""], video=["", "v", "v", "", "w", ""],
    )  # fmt: skip
    dealt = split(data, {"train": 0.5, "val": 0.5}, group=["subject", "video"]).frame["split"].tolist()
    assert dealt[0] == dealt[1] == dealt[2]  # a, and b through the video
    assert dealt[3] == dealt[4]


def test_val_is_taken_out_of_train_and_test_is_left_alone():
    data = faces({"happy": 60, "sad": 60}, split=(["train"] * 50 + ["test"] * 10) * 2)
    dealt = split(data, {"train": 0.8, "val": 0.2}, of="train")
    assert counts(dealt) == {
        ("happy", "train"): 40, ("happy", "val"): 10, ("happy", "test"): 10,
        ("sad", "train"): 40, ("sad", "val"): 10, ("sad", "test"): 10,
    }  # fmt: skip
    assert (dealt.frame["split"][data.frame["split"] == "test"] == "test").all()
    with pytest.raises(ManifestError, match="held back"):
        split(data, {"val": 1.0}, of="test")


def test_given_splits_are_kept_and_groups_follow_them():
    data = Manifest.of(
        image=list("abcdef"), label=["happy", "sad"] * 3, split=["test", "", "", "", "", ""],
        subject=["x", "x", "y", "y", "z", "z"],
    )  # fmt: skip
    dealt = split(data, {"train": 0.5, "test": 0.5}, group=["subject"]).frame["split"].tolist()
    assert dealt[:2] == ["test", "test"]
    assert dealt[2] == dealt[3]


def test_nothing_to_deal_says_the_way_out():
    data = faces({"happy": 2, "sad": 2}, split="train")
    with pytest.raises(ManifestError, match=r"--of train"):
        split(data)
    assert set(split(data, {"train": 0.5, "val": 0.5}, of="*").frame["split"]) == {"train", "val"}
    with pytest.raises(ManifestError, match="expected positive"):
        split(data, {"train": -1}, of="*")
    with pytest.raises(ManifestError, match="did you mean 'subject'"):
        split(data, of="*", group=["subjct"])
    with pytest.raises(ManifestError, match="groups nothing"):
        split(data, of="*", group=["subject"])


def test_whole_domains_go_to_splits():
    data = faces({"happy": 2, "sad": 2}, domain=["web", "press", "web", "toy"], split=["", "", "", "train"])
    assert split_by(data, "domain", {"press": "test", "web": "val"}).frame["split"].tolist() == [
        "val",
        "test",
        "val",
        "train",
    ]
    with pytest.raises(ManifestError, match="'pres'"):
        split_by(data, "domain", {"pres": "test"})
