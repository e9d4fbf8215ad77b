"""Shares and balances, counted by hand."""

import numpy as np
import pytest

from mien.errors import InputError, LabelError, ManifestError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.synth.mix import mix


def manifest(root, counts, **columns):
    labels = [name for name, count in counts.items() for _ in range(count)]
    images = [f"{name}/{number}.png" for name, count in counts.items() for number in range(count)]
    return Manifest.of(root=root, image=images, label=labels, **columns)


@pytest.fixture
def real(tmp_path):
    """Train: 60 happy, 30 sad, 10 angry, 5 without a label; val: 20 happy."""
    train = manifest(tmp_path / "real", {"happy": 60, "sad": 30, "angry": 10, "": 5}, split="train", subject="p")
    val = manifest(tmp_path / "real/val", {"happy": 20}, split="val")
    return train.merge(val)


@pytest.fixture
def drawn(tmp_path):
    """100 of each of four classes, one of which train does not have."""
    counts = dict.fromkeys(["angry", "happy", "sad", "fear"], 100)
    return manifest(
        tmp_path / "drawn", counts, split="train", domain="synthetic", origin="synthetic", number=[*range(100)] * 4
    )


def added(mixed):
    frame = mixed.manifest.frame
    assert (frame["split"][frame["origin"] == "synthetic"] == "train").all()
    return frame["label"][frame["origin"] == "synthetic"].value_counts().to_dict()


def test_a_share_of_train(real, drawn):
    found = mix(real, drawn, 0.5)
    assert found.added == 100  # beside 100 labelled rows
    assert found.share == 0.5
    assert sum(added(found).values()) == 100
    assert set(added(found)) <= {"angry", "happy", "sad"}
    assert mix(real, drawn, 0.3).added == 43  # 0.3 / 0.7 * 100 = 42.86
    assert {name: before for name, (before, _) in found.classes.items()} == {"angry": 10, "happy": 60, "sad": 30}
    assert found.notes == ("left out: 100 synthetic rows of class fear, which train does not have",)


def test_the_same_share_of_every_class(real, drawn):
    found = mix(real, drawn, 0.5, per_class=True)
    assert added(found) == {"angry": 10, "happy": 60, "sad": 30}
    assert mix(real, drawn, 0.2, per_class=True).classes == {"angry": (10, 2), "happy": (60, 15), "sad": (30, 8)}


def test_rare_classes_are_filled_up(real, drawn):
    assert mix(real, drawn, balance=True).classes == {"angry": (10, 50), "happy": (60, 0), "sad": (30, 30)}
    assert mix(real, drawn, balance=True, cap=40).classes == {"angry": (10, 30), "happy": (60, 0), "sad": (30, 10)}
    assert mix(real, drawn, balance=True, cap=80).classes == {"angry": (10, 70), "happy": (60, 20), "sad": (30, 50)}


def test_the_others_stay_as_they_are(real, drawn):
    before = real.frame.copy()
    found = mix(real, drawn, 0.3).manifest
    assert found.paths()[: len(real)] == real.paths()
    assert found.frame["label"].tolist()[: len(real)] == real.frame["label"].tolist()
    assert len(found.split("val")) == 20
    assert real.frame.equals(before)
    assert drawn.frame["split"].unique().tolist() == ["train"]


def test_a_larger_share_has_all_of_a_smaller_one(real, drawn):
    def names(mixed):
        return set(mixed.manifest.frame["image"][mixed.manifest.frame["origin"] == "synthetic"])

    assert names(mix(real, drawn, 0.2)) < names(mix(real, drawn, 0.5)) < names(mix(real, drawn, 0.7))
    small, large = (mix(real, drawn, share, per_class=True) for share in (0.2, 0.5))
    assert names(small) < names(large)
    assert names(mix(real, drawn, 0.2)) == names(mix(real, drawn, 0.2))
    assert names(mix(real, drawn, 0.2, seed=1)) != names(mix(real, drawn, 0.2))


def test_whole_numbers_stay_whole_in_the_file(real, drawn, tmp_path):
    mix(real, drawn, 0.5, per_class=True).manifest.save(tmp_path / "mixed.csv")
    text = (tmp_path / "mixed.csv").read_text().splitlines()
    column = text[0].split(",").index("number")
    numbers = {line.split(",")[column] for line in text[1:]}
    assert "" in numbers
    assert all(number.isdecimal() for number in numbers - {""})
    again = Manifest.load(tmp_path / "mixed.csv")
    assert again.paths() == mix(real, drawn, 0.5, per_class=True).manifest.paths()


def test_other_spellings_and_no_split(real, tmp_path):
    spelled = manifest(
        tmp_path / "d", {"Anger": 60, "happiness": 5}, origin="synthetic", labels=Labels.of(["Anger", "happiness"])
    )
    with pytest.raises(ManifestError, match=r"sad \(needed 30, there are 0\)"):
        mix(real, spelled, balance=True)
    few = real.where(label=["angry", "happy"])
    assert mix(few, spelled, balance=True).classes == {"angry": (10, 50), "happy": (60, 0)}


def test_too_few_in_all(real, drawn):
    some = drawn.at_most(20)
    with pytest.raises(
        ManifestError, match=r"233 synthetic pictures are needed .* 100 others, there are 60.* at most 0.375"
    ):
        mix(real, some, 0.7)
    assert mix(real, some, 0.375).added == 60  # the way out works


def test_too_few_of_a_class(real, drawn):
    some = drawn.at_most(20)
    with pytest.raises(ManifestError) as error:
        mix(real, some, balance=True)
    text = str(error.value)
    assert "angry (needed 50, there are 20), sad (needed 30, there are 20)" in text
    assert "mien synth sample --class angry=50 --class sad=30" in text
    assert "fill up to at most 30 (cap)" in text
    assert mix(real, some, balance=True, cap=30).classes["angry"] == (10, 20)
    with pytest.raises(ManifestError, match=r"happy \(needed 60, there are 20\).*share of at most 0\.25"):
        mix(real, some, 0.5, per_class=True)
    assert mix(real, some, 0.25, per_class=True).classes["happy"] == (60, 20)


def test_other_splits_are_never_mixed_in(real, drawn):
    splits = np.array(["train"] * 400, object)
    splits[::2] = "test"
    found = mix(real, drawn.with_columns(split=splits), 0.5)
    assert "left out: 200 synthetic rows of split test; val and test measure real faces" in found.notes
    chosen = found.manifest.frame["number"][found.manifest.frame["origin"] == "synthetic"]
    assert (chosen % 2 == 1).all()
    with pytest.raises(ManifestError, match="all 400 synthetic rows are of split 'val'"):
        mix(real, drawn.with_columns(split="val"), 0.5)


def test_photographs_are_not_mixed_in(real, drawn):
    with pytest.raises(ManifestError, match=r"400 of 400 rows to be added have origin 'real', not 'synthetic'"):
        mix(real, drawn.with_columns(origin="real"), 0.5)


def test_what_is_there_is_not_added_again(real, drawn):
    once = mix(real, drawn, 0.5)
    twice = mix(once.manifest, drawn, 0.3)
    assert not twice.manifest.frame["image"].duplicated().any()
    assert "left out: 100 synthetic rows that the manifest has already" in twice.notes
    assert "100 rows of train are synthetic already, and count here like the others that were there" in twice.notes


def test_what_cannot_be_asked(real, drawn):
    for options, expected in (
        ({}, "either share"),
        ({"share": 0.5, "balance": True}, "either share"),
        ({"share": 1.0}, "share 1: expected a number between 0 and 1"),
        ({"balance": True, "per_class": True}, "per_class goes with share"),
        ({"share": 0.5, "cap": 10}, "cap 10"),
    ):
        with pytest.raises(InputError, match=expected):
            mix(real, drawn, **options)
    with pytest.raises(ManifestError, match="no rows with split 'train'"):
        mix(real.split("val"), drawn, 0.5)
    with pytest.raises(LabelError, match="do not overlap"):
        mix(real, manifest(drawn.root, {"awe": 5, "contentment": 5}, origin="synthetic"), 0.5)
