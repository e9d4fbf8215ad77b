"""Two files on the same pictures, compared by hand."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import Labels
from mien.scores import Scores
from mien.train.precision.parity import compare

LABELS = Labels.of("ab")


def scores(logits, targets, **more):
    ids = np.array([f"{row}.png" for row in range(len(logits))])
    return Scores(np.array(logits, np.float32), np.array(targets), LABELS, ids, **more)


def test_by_hand():
    before = scores([[2, 0], [0, 2], [1, 0], [0, 3]], [0, 1, 1, -1], about={"split": "val", "manifest": "m"})
    after = scores([[2, 1], [1, 0], [1, 0], [0, 3]], [0, 1, 1, -1])
    found = compare(before, after)
    assert (found.pictures, found.labelled, found.split, found.manifest) == (4, 3, "val", "m")
    assert found.logit_max == 2  # of 2 and 0
    assert found.logit_rms == pytest.approx(np.sqrt((1 + 1 + 4) / 8))
    assert found.agreement == 0.75
    assert (found.accuracy_before, found.accuracy_after) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert found.loss_points == pytest.approx(100 / 3)
    assert (found.loss_low, found.loss_high) == (0, 100)  # of three rows one lost: none or all may be drawn
    assert "75.00 % of 4 decisions (val)" in str(found)
    assert "+33.33 points lost" in str(found)
    assert found.to_dict()["loss_points"] == 33.333333


def test_the_card_decides_as_it_does_when_predicting():
    biased = {"about": {"biases": [0.0, 1.5]}}
    found = compare(scores([[2, 0], [1, 0]], [0, 1], **biased), scores([[1, 0], [1, 0]], [0, 1], **biased))
    assert found.agreement == 0.5  # 2 stays above 1.5, 1 does not
    assert (found.accuracy_before, found.accuracy_after) == (1.0, 0.5)


def test_whole_persons_are_drawn():
    """Ten rows of one person are one draw: all of the loss or none of it."""
    targets, subjects = [0] * 20, np.repeat(["ann", "bob"], 10)
    before = scores([[1, 0]] * 20, targets, subjects=subjects)
    after = scores([[0, 1]] * 10 + [[1, 0]] * 10, targets, subjects=subjects)
    found = compare(before, after)
    assert (found.loss_points, found.loss_low, found.loss_high) == (50, 0, 100)


def test_other_pictures():
    with pytest.raises(InputError, match="the same pictures"):
        compare(scores([[1, 0], [1, 0]], [0, 0]), scores([[1, 0]], [0]))
