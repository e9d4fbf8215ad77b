"""The data as a table."""

import math

import numpy as np
import pandas as pd
import pytest

from mien.errors import ManifestError
from mien.labels import Labels
from mien.manifest import COLUMNS, Manifest


@pytest.fixture
def faces():
    return Manifest.of(
        root="data",
        image=["a.png", "b.png", "/else/c.png", "d.png"],
        label=["Happiness", "sad", "", "sad"],
        split=["train", "train", "val", "val"],
        domain=["web", "press", "web", "press"],
    )


def test_columns_and_known_labels(faces):
    assert tuple(faces.frame.columns) == COLUMNS
    assert faces.frame["origin"].tolist() == ["real"] * 4
    assert faces.labels == Labels.named("fer7"), "two of the seven still speak that language"
    assert faces.targets().tolist() == [3, 4, -1, 4]
    assert faces.paths() == ["data/a.png", "data/b.png", "/else/c.png", "data/d.png"]


def test_where_split_and_take_return_new_ones(faces):
    assert faces.where(domain="web", split=["train", "val"]).frame["image"].tolist() == ["a.png", "/else/c.png"]
    assert len(faces.split("val")) == 2
    assert faces.take(np.array([3, 0])).targets().tolist() == [4, 3]
    assert len(faces) == 4
    with pytest.raises(ManifestError, match=r"found .*train.*val"):
        faces.split("test")
    with pytest.raises(ManifestError, match="did you mean 'domain'"):
        faces.where(domains="web")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_there_and_back(faces, tmp_path, suffix):
    votes = faces.with_columns(
        **{"votes.happy": [9, 0, 1, 2], "votes.sad": [1, 10, 0, 8], "votes_unknown": [0, 0, 9, 0]}
    )
    moved = Manifest(votes.frame, tmp_path / "data", votes.labels)
    moved.save(tmp_path / f"faces.{suffix}")
    again = Manifest.load(tmp_path / f"faces.{suffix}", faces.labels)
    assert again.frame["image"].tolist() == ["data/a.png", "data/b.png", "/else/c.png", "data/d.png"]
    assert again.paths() == moved.paths()
    assert again.targets().tolist() == [3, 4, -1, 4]
    assert again.votes()[:, [3, 4]].tolist() == [[9, 1], [0, 10], [1, 0], [2, 8]]
    assert again.votes().sum() == 31
    assert again.other_votes().tolist() == [0, 0, 9, 0]


def test_names_that_look_like_numbers_or_nothing_stay_text(tmp_path):
    (tmp_path / "m.csv").write_text("image,label,subject\n001.png,NA,007\n002.png,null,08\n")
    found = Manifest.load(tmp_path / "m.csv")
    assert found.frame["subject"].tolist() == ["007", "08"]
    assert found.frame["label"].tolist() == ["NA", "null"]


def test_votes_over_other_classes(faces):
    voted = Manifest.of(
        image=["a", "b"],
        labels=Labels(("happy", "sad")),
        **{"votes.joy": [3, 0], "votes.fear": [1, 7], "votes_odd": [2, 8]},
    )
    assert voted.votes().tolist() == [[3, 0], [0, 0]]
    assert voted.other_votes().tolist() == [2, 8], "fear is outside, and so is the answer that is no class"
    assert faces.votes() is None
    assert faces.other_votes() is None


def test_boxes():
    found = Manifest.of(image=["a", "b"], box=["1 2 3.5 4", ""]).boxes()
    assert found[0].tolist() == [1, 2, 3.5, 4]
    assert np.isnan(found[1]).all()
    assert Manifest.of(image=["a"]).boxes() is None
    for wrong in ("1 2 3", "a b c d", "1,2,3,4"):
        with pytest.raises(ManifestError, match=f"row 2: box '{wrong}'"):
            Manifest.of(image=["a", "b"], box=["0 0 1 1", wrong]).boxes()


def test_merge(faces):
    more = Manifest.of(root="data", image=["e.png"], label=["contempt"])
    assert faces.merge(more).labels == Labels.of([*faces.labels, "contempt"])
    assert Manifest.of(image=["a"], label=["odd"]).labels == Labels(("odd", "other"))
    same = faces.merge(faces)
    assert (len(same), str(same.root)) == (8, "data")
    other = faces.merge(Manifest.of(root="/elsewhere", image=["e.png"], label=["sad"]))
    assert other.paths()[-1] == "/elsewhere/e.png"
    assert other.paths()[2] == "/else/c.png"
    assert other.paths()[0].endswith("/data/a.png")
    assert other.targets().tolist() == [3, 4, -1, 4, 4]


def test_over_other_labels(faces):
    two = faces.with_labels(Labels(("joy", "anger")))
    assert two.targets().tolist() == [0, -1, -1, -1]
    assert len(two) == 4


def test_the_digest_is_of_the_data_and_not_of_the_place(faces):
    moved = Manifest(faces.frame, faces.root / "else", faces.labels)
    assert moved.digest() == faces.digest()
    assert faces.with_columns(split=["train"] * 4).digest() != faces.digest()
    assert faces.take(np.array([1, 0, 2, 3])).digest() != faces.digest()


def test_a_missing_file_is_named_with_its_row(tmp_path):
    (tmp_path / "a.png").touch()
    np.save(tmp_path / "faces.npy", np.zeros((1, 2, 2), np.uint8))
    good = Manifest.of(root=tmp_path, image=["a.png", "faces.npy#0"])
    good.check_files()
    with pytest.raises(ManifestError, match=r"row 2: .*b\.png is missing \(2 of 3 rows"):
        Manifest.of(root=tmp_path, image=["a.png", "b.png", "none.npy#3"]).check_files()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"images": ["a"]}, "no column 'image': did you mean 'images'"),
        ({"image": ["a", ""]}, "row 2: the column 'image' is empty"),
        ({"image": ["a", None]}, "row 2: the column 'image' is empty"),
    ],
)
def test_tables_that_are_no_manifests(columns, message):
    with pytest.raises(ManifestError, match=message):
        Manifest(pd.DataFrame(columns))


def test_labels_outside_the_given_classes():
    with pytest.raises(ManifestError, match=r"happy, odd \(first in row 2\)"):
        Manifest.of(image=["a", "b", "c"], label=["sad", "happy", "odd"], labels=Labels(("sad", "fear")))


def test_files_that_are_no_manifests(tmp_path):
    with pytest.raises(ManifestError, match="mien data scan"):
        Manifest.load(tmp_path / "none.csv")
    for name, content in {
        "empty.csv": b"",
        "other.csv": b"x,y\n1,2\n",
        "m.parquet": b"text",
        "bin.csv": b"\xff\xfe\x00",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ManifestError, match=name):
            Manifest.load(tmp_path / name)
    with pytest.raises(ManifestError, match=r"\.csv or \.parquet"):
        Manifest.of(image=["a"]).save(tmp_path / "m.xlsx")
    assert not list(tmp_path.glob("*.xlsx"))


def test_missing_cells_are_empty():
    found = Manifest(pd.DataFrame({"image": ["a", "b"], "label": ["happy", math.nan], "domain": [None, "web"]}))
    assert found.frame["label"].tolist() == ["happy", ""]
    assert found.frame["domain"].tolist() == ["", "web"]


def test_at_most_so_many_of_each_class_in_the_order_they_had():
    many = Manifest.of(
        image=[f"{row}.png" for row in range(9)], label=["happy", "sad", "happy"] * 2 + ["happy", "", ""]
    )
    drawn = many.at_most(3, seed=1)
    assert sorted(drawn.frame["label"]) == ["happy"] * 3 + ["sad"] * 2
    assert drawn.frame["image"].tolist() == sorted(drawn.frame["image"])
    assert drawn.digest() == many.at_most(3, seed=1).digest()
    assert len({many.at_most(3, seed=seed).digest() for seed in range(8)}) > 1
