"""A cleaned manifest: which rows go, which labels change, and that it is written down."""

import csv

import numpy as np
import pytest

from mien.data.audit import audit
from mien.data.fix import fix
from mien.data.sources.toy import toy_faces
from mien.errors import InputError
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest

CLASSES = Labels(("happy", "sad", "angry"))


@pytest.fixture(scope="module")
def drawn():
    return toy_faces(8, labels=CLASSES, size_px=48, subjects=8, seed=5).images


def manifest_of(folder, pictures, label, split) -> Manifest:
    for number, picture in enumerate(pictures):
        write(folder / f"{number}.png", picture)
    names = [f"{number}.png" for number in range(len(pictures))]
    return Manifest.of(root=folder, labels=CLASSES, image=names, label=label, split=split)


def review(path, lines):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["row", "image", "suggested", "decision"])
        writer.writeheader()
        writer.writerows([dict(zip(writer.fieldnames, line, strict=True)) for line in lines])
    return path


def test_held_out_pictures_are_taken_out_of_train(drawn, tmp_path):
    pictures = [drawn[0], drawn[1], drawn[2], drawn[0], drawn[1], drawn[1], drawn[3], drawn[3]]
    labels = ["happy", "sad", "angry", "happy", "sad", "sad", "happy", "sad"]
    data = manifest_of(tmp_path, pictures, labels, ["val", *["train"] * 7])
    fixed = fix(data, audit(data))
    assert fixed.manifest.frame["image"].tolist() == ["0.png", "1.png", "2.png"]
    assert fixed.counts() == {
        "drop: identical with different labels": 2,
        "drop: of train, also in val": 1,
        "drop: repeated within a split": 2,
    }
    assert [change.row for change in fixed.changes] == [3, 4, 5, 6, 7]


def test_bad_pictures_go_first(drawn, tmp_path):
    data = manifest_of(tmp_path, [drawn[0], drawn[1], np.full((48, 48, 3), 90, np.uint8)], ["happy"] * 3, "train")
    (tmp_path / "1.png").write_bytes(b"not a picture")
    fixed = fix(data, audit(data))
    assert fixed.manifest.frame["image"].tolist() == ["0.png"]
    assert {change.why for change in fixed.changes} == {"unreadable or blank"}


def test_conflicts_by_majority(drawn, tmp_path):
    pictures = [drawn[0]] * 3 + [drawn[1]] * 2
    data = manifest_of(tmp_path, pictures, ["sad", "happy", "happy", "sad", "happy"], "train")
    fixed = fix(data, audit(data), conflicts="majority")
    # the first three are happy by two to one, and one of them is enough; the other two are undecided
    assert fixed.manifest.frame[["image", "label"]].to_numpy().tolist() == [["0.png", "happy"]]
    assert [(change.row, change.action, change.why) for change in fixed.changes] == [
        (0, "relabel", "identical with different labels"),
        (1, "drop", "repeated within a split"),
        (2, "drop", "repeated within a split"),
        (3, "drop", "identical with different labels"),
        (4, "drop", "identical with different labels"),
    ]
    with pytest.raises(InputError, match="did you mean 'majority'"):
        fix(data, audit(data), conflicts="majorty")  # type: ignore[arg-type]


def test_what_people_decided(drawn, tmp_path):
    data = manifest_of(tmp_path, list(drawn[:5]), ["happy", "sad", "angry", "happy", "sad"], "train")
    lines = [(0, "0.png", "sad", "relabel"), (1, "1.png", "happy", "Drop"), (2, "2.png", "sad", "keep")]
    lines += [(3, "3.png", "anger", "relabel"), (4, "4.png", "", "")]
    fixed = fix(data, audit(data), reviewed=review(tmp_path / "review.csv", lines))
    assert fixed.manifest.frame[["image", "label"]].to_numpy().tolist() == [
        ["0.png", "sad"], ["2.png", "angry"], ["3.png", "angry"], ["4.png", "sad"],
    ]  # fmt: skip
    assert fixed.counts() == {"relabel: reviewed": 2, "drop: reviewed": 1}


def test_a_review_settles_a_conflict(drawn, tmp_path):
    data = manifest_of(tmp_path, [drawn[0], drawn[0]], ["happy", "sad"], "train")
    path = review(tmp_path / "review.csv", [(1, "1.png", "happy", "relabel")])
    fixed = fix(data, audit(data), reviewed=path)
    assert fixed.manifest.frame["label"].tolist() == ["happy"]


def test_it_is_written_row_by_row_and_no_picture_changes(drawn, tmp_path):
    data = manifest_of(tmp_path, [drawn[0], drawn[0]], ["happy", "happy"], "train")
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    beside = fix(data, audit(data)).save(tmp_path / "clean.csv")
    assert beside.name == "clean.changes.csv"
    assert list(csv.DictReader(beside.read_text().splitlines())) == [
        {
            "row": "1", "image": "1.png", "label": "happy", "split": "train", "action": "drop", "new_label": "",
            "why": "repeated within a split",
        }
    ]  # fmt: skip
    assert len(Manifest.load(tmp_path / "clean.csv")) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.png")} == before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ((0, "other.png", "sad", "drop"), "line 2: row 0 of the manifest is not the picture other.png"),
        ((9, "0.png", "sad", "drop"), "suspects of another manifest"),
        ((0, "0.png", "sad", "rellabel"), "did you mean 'relabel'"),
        ((0, "0.png", "", "relabel"), "write one of happy, sad, angry"),
    ],
)
def test_a_review_that_does_not_fit(drawn, tmp_path, line, message):
    data = manifest_of(tmp_path, [drawn[0]], ["happy"], "train")
    with pytest.raises(InputError, match=message):
        fix(data, audit(data), reviewed=review(tmp_path / "review.csv", [line]))


def test_a_review_that_is_none(drawn, tmp_path):
    data = manifest_of(tmp_path, [drawn[0]], ["happy"], "train")
    (tmp_path / "review.csv").write_text("row,image\n0,0.png\n")
    with pytest.raises(InputError, match="no column 'suggested', 'decision'"):
        fix(data, audit(data), reviewed=tmp_path / "review.csv")
    with pytest.raises(InputError, match="mien data suspects"):
        fix(data, audit(data), reviewed=tmp_path / "nothing.csv")
