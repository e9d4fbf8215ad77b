"""Rows of several scores brought together."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.paired import Arm, pair
from mien.labels import Labels
from mien.scores import Scores

ABC = Labels(("a", "b", "c"))


def scores_of(targets, answers, ids=None, labels=ABC, **more) -> Scores:
    logits = 2 * np.eye(len(labels), dtype=np.float32)[np.asarray(answers)]
    ids = [f"{row}.png" for row in range(len(logits))] if ids is None else ids
    return Scores(logits, np.asarray(targets, np.int64), labels, np.array(ids), **more)


def test_rows_are_matched_by_name():
    one = scores_of([0, 1, 2], [0, 1, 1], ["x", "y", "z"])
    two = scores_of([2, 0, 1], [2, 1, 1], ["z", "x", "y"])
    found = pair([Arm("one", (one,)), Arm("two", (two,))])
    assert found.targets.tolist() == [0, 1, 2]
    assert [each.tolist() for each in found.answers] == [[[0, 1, 1]], [[1, 1, 2]]]
    assert found.notes == ()
    right, wrong = -np.log(np.exp(2) / (np.exp(2) + 2)), -np.log(1 / (np.exp(2) + 2))
    assert found.nll[0] == pytest.approx([(2 * right + wrong) / 3])


def test_rows_that_others_lack_do_not_count_and_are_told():
    one, two = scores_of([0, 1, 2], [0, 1, 2]), scores_of([1, 2], [1, 2], ["1.png", "2.png"])
    found = pair([Arm("one", (one,)), Arm("two", (two,))])
    assert len(found) == 2
    assert found.notes == ("1 of the 3 pictures of one are not in all the others; they do not count.",)


def test_rows_without_a_label_do_not_count():
    found = pair([Arm("one", (scores_of([0, -1, 2], [0, 1, 2]),)), Arm("two", (scores_of([0, 1, 2], [0, 1, 2]),))])
    assert found.targets.tolist() == [0, 2]


def test_several_faces_of_one_picture():
    """Faces of one picture have one name: they are told apart by their order."""
    ids = ["x", "x", "y"]
    one, two = scores_of([0, 1, 2], [0, 0, 0], ids), scores_of([0, 1, 2], [1, 2, 0], ids)
    found = pair([Arm("one", (one,)), Arm("two", (two,))])
    assert found.targets.tolist() == [0, 1, 2]
    assert found.answers[1].tolist() == [[1, 2, 0]]


def test_a_column_says_what_belongs_together():
    plain = scores_of([0, 1], [0, 1], ["x.png", "y.png"])
    sharp = scores_of([1, 0], [1, 1], ["1.png", "2.png"], columns={"made_of": np.array(["y.png", "x.png"])})
    found = pair([Arm("plain", (plain,)), Arm("sharp", (sharp,))], match="made_of")
    assert found.targets.tolist() == [0, 1]
    assert found.answers[1].tolist() == [[1, 1]]
    empty = scores_of([1, 0], [1, 1], ["y.png", "2.png"], columns={"made_of": np.array(["", "x.png"])})
    assert pair([Arm("plain", (plain,)), Arm("sharp", (empty,))], match="made_of").answers[1].tolist() == [[1, 1]]
    with pytest.raises(InputError, match="no column 'made_off'"):
        pair([Arm("plain", (plain,)), Arm("sharp", (sharp,))], match="made_off")


def test_classes_that_all_know():
    wide = scores_of([0, 1, 2, 2], [0, 1, 2, 0])
    narrow = scores_of([0, 1, -1, -1], [0, 0, 1, 1], labels=Labels(("b", "a")))
    narrow = Scores(narrow.logits, np.array([1, 0, -1, -1]), narrow.labels, narrow.ids)
    found = pair([Arm("wide", (wide,)), Arm("narrow", (narrow,))])
    assert found.labels.names == ("a", "b")
    assert found.targets.tolist() == [0, 1]
    assert [each.tolist() for each in found.answers] == [[[0, 1]], [[1, 1]]]
    assert "Not all know c" in found.notes[0]
    with pytest.raises(InputError, match="fewer than two classes are known to all"):
        pair([Arm("wide", (wide,)), Arm("other", (scores_of([0], [0], labels=Labels(("y", "z"))),))])


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([("one", [0, 1], None), ("one", [0, 1], None)], "two arms have the same name: one, one"),
        ([("one", [0, 1], ["x", "y"]), ("two", [0, 1], ["v", "w"])], "no labelled picture in common: .* 'x', .* 'v'"),
        ([("one", [-1, -1], None), ("two", [0, 1], None)], "one has no picture with a label"),
        ([("one", [0, 1], None), ("two", [-1, -1], None)], "two has no picture with a label"),
        (
            [("one", [0, 1], ["x", "y"]), ("two", [0, 1], ["y", "z"]), ("three", [0, 1], ["x", "z"])],
            "no labelled picture is in all of one, two, three",
        ),
        (
            [("one", [0, 1], None), ("two", [0, 2], None)],
            "1 of 2 pictures have other labels in two than in one, .* 1.p",
        ),
    ],
)
def test_what_cannot_be_compared(arms, message):
    with pytest.raises(InputError, match=message):
        pair([Arm(name, (scores_of(targets, [0, 1], ids),)) for name, targets, ids in arms], labels=ABC)


def test_persons():
    one = scores_of([0, 1, 2], [0, 1, 1], subjects=np.array(["ann", "", "ann"]))
    two = scores_of([0, 1, 2], [0, 1, 1])
    found = pair([Arm("one", (one,)), Arm("two", (two,))])
    units = found.units(by_subject=True)
    assert units[0] == units[2] != units[1]
    assert found.units(by_subject=False) is None
    with pytest.raises(InputError, match="the data name no subjects"):
        pair([Arm("two", (two,)), Arm("one", (one,))]).units(by_subject=True)
