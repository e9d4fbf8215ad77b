"""Checked by hand: 10 rows of a, 5 of b, none of c, and 5 without a label."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from mien.bias.objectives import OBJECTIVES, SHARES, Objective
from mien.errors import InputError, UnknownName

COUNTS = np.array([[[8, 1, 1], [2, 3, 0], [0, 0, 0], [1, 4, 0]]])


@pytest.mark.parametrize(
    ("name", "shares", "expected"),
    [
        ("accuracy", None, 11 / 15),
        ("macro_recall", None, (0.8 + 0.6) / 2),
        ("worst_recall", None, 0.6),
        ("weighted_recall", [1.0, 3.0, 7.0], (0.8 + 3 * 0.6) / 4),
        # F1 of a: 2 * 8 / (10 + 10); of b: 2 * 3 / (5 + 4); unlabelled rows do not count
        ("macro_f1", None, (0.8 + 6 / 9) / 2),
        ("weighted_f1", None, (10 * 0.8 + 5 * 6 / 9) / 15),
        # answered 11, 8 and 1 of 20
        ("distribution", [0.5, 0.5, 0.0], 1 - (0.05 + 0.1 + 0.05) / 2),
    ],
)
def test_by_hand(name, shares, expected):
    objective = Objective(name, None if shares is None else np.array(shares))
    np.testing.assert_allclose(objective.measure(COUNTS), [expected])


def test_as_scikit_learn_says():
    draw = np.random.default_rng(0)
    truth, answers = draw.integers(0, 4, 300), draw.integers(0, 4, 300)
    counts = np.zeros((1, 5, 4), int)
    np.add.at(counts[0], (truth, answers), 1)
    for name, expected in {
        "accuracy": accuracy_score(truth, answers),
        "macro_recall": recall_score(truth, answers, average="macro"),
        "macro_f1": f1_score(truth, answers, average="macro"),
        "weighted_f1": f1_score(truth, answers, average="weighted"),
    }.items():
        assert Objective(name).measure(counts)[0] == pytest.approx(expected)


def test_losing_too_much_accuracy_is_worse_than_nothing():
    zero = np.array([[90, 10], [4, 6], [0, 0]])  # 96 right of 110
    allowed = np.array([[89, 11], [3, 7], [0, 0]])  # as many, recall of b higher
    lost = np.array([[80, 20], [0, 10], [0, 0]])  # 6 fewer right, recall still higher
    found = Objective("macro_recall", max_accuracy_loss=0.01).values(np.stack([zero, allowed, lost]), zero)
    np.testing.assert_allclose(found, [0.75, (0.89 + 0.7) / 2, -(6 / 110 - 0.01)])


def test_settings_that_do_not_fit_are_named():
    with pytest.raises(InputError, match="distribution needs target"):
        Objective("distribution")
    with pytest.raises(InputError, match="takes neither"):
        Objective("accuracy", np.array([0.5, 0.5]))
    with pytest.raises(InputError, match="share from 0 to 1"):
        Objective("accuracy", max_accuracy_loss=5.0)
    with pytest.raises(UnknownName, match="macro_recall"):
        Objective("macro_recal")


def test_which_need_labels():
    shares = np.array([0.5, 0.5])
    unlabelled = [name for name in OBJECTIVES if not Objective(name, shares if name in SHARES else None).needs_labels]
    assert unlabelled == ["distribution"]
    assert Objective("distribution", shares, max_accuracy_loss=0.01).needs_labels
