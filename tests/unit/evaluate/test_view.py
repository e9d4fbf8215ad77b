"""Reading scores over other classes, and votes: small cases by hand."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.view import view
from mien.evaluate.votes import majority, measure_votes
from mien.labels import Labels
from mien.scores import Scores, softmax

ABC = Labels(("a", "b", "c"))
FER7, FERPLUS8 = Labels.named("fer7"), Labels.named("ferplus8")


def scores_of(logits, targets, labels=ABC, **more) -> Scores:
    logits = np.asarray(logits, np.float32)
    return Scores(logits, np.asarray(targets, np.int64), labels, np.full(len(logits), "x"), **more)


def test_eight_classes_read_as_seven():
    generator = np.random.default_rng(0)
    scores = scores_of(generator.normal(size=(16, 8)), np.arange(16) % 8, FERPLUS8)
    seen = view(scores, FER7)
    assert seen.scores.labels == FER7
    assert seen.dropped == {"contempt": 2}
    assert seen.not_asked == ("contempt",)
    np.testing.assert_array_equal(seen.scores.targets, np.where(np.arange(16) % 8 == 7, -1, np.arange(16) % 8))
    expected = FERPLUS8.mapping_to(FER7).probabilities(softmax(scores.logits))
    np.testing.assert_allclose(seen.scores.probabilities(), expected, rtol=1e-5)


def test_another_order_is_found_by_name():
    scores = scores_of([[1, 2, 3]], [0])
    seen = view(scores, Labels(("c", "a")))
    assert seen.scores.logits.tolist() == [[3, 1]]
    assert seen.scores.targets.tolist() == [1]


def test_biases_and_temperature_of_the_card_count():
    scores = scores_of([[1.0, 2.0, 3.0]], [0], about={"biases": [3.0, 0.0, 0.0], "temperature": 2.0})
    assert view(scores).scores.logits.tolist() == [[2.0, 1.0, 1.5]]
    assert scores.logits.tolist() == [[1.0, 2.0, 3.0]]


def test_another_prior_stands_instead_of_the_biases():
    about = {"biases": [3.0, 0.0, 0.0], "temperature": 2.0, "prior": [0.5, 0.25, 0.25]}
    scores = scores_of([[1.0, 2.0, 3.0]] * 2, [0, -1], about=about)
    assert view(scores).shares.tolist() == [0.5, 0.25, 0.25]
    seen = view(scores, prior="uniform")
    odds = np.exp([0.5, 1.0, 1.5]) / [0.5, 0.25, 0.25]
    assert seen.scores.probabilities()[0] == pytest.approx(odds / odds.sum(), abs=1e-6)
    assert seen.shares == pytest.approx([1 / 3] * 3)
    assert scores.logits[0].tolist() == [1.0, 2.0, 3.0]


def test_the_prior_of_these_rows_over_fewer_classes():
    about = {"prior": [0.6, 0.2, 0.2]}
    scores = scores_of([[0.0, 0.0, 6.0]] * 30, [-1] * 30, about=about)
    seen = view(scores, Labels(("c", "a")), "auto")
    a, c = seen.shares[1], seen.shares[0]
    assert a + c == pytest.approx(1)
    rows = seen.scores.probabilities()
    # the fixed point: ten rows more in the shares of training, which are 3 : 1 among these two
    assert (rows.sum(axis=0) + 10 * np.array([0.25, 0.75])) / 40 == pytest.approx([c, a], abs=1e-5)
    assert rows[0, 0] / rows[0, 1] == pytest.approx(np.exp(6) * 3 * c / a, rel=1e-4)


def test_a_prior_that_the_scores_cannot_give():
    with pytest.raises(InputError, match="its card does not say"):
        view(scores_of([[1, 2, 3]], [0]), prior="uniform")


def test_by_default_the_classes_of_the_data_that_the_model_knows():
    about = {"classes": ["b", "c", "z"], "unknown_labels": {"z": 4}}
    seen = view(scores_of([[1, 2, 3], [1, 2, 3]], [1, -1], about=about))
    assert seen.scores.labels.names == ("b", "c")
    assert seen.dropped == {"z": 4}
    assert seen.not_asked == ("a",)


def test_a_class_that_the_model_does_not_know():
    with pytest.raises(InputError, match="the model does not know z"):
        view(scores_of([[1, 2, 3]], [0]), Labels(("a", "z")))
    with pytest.raises(InputError, match="fewer than two"):
        view(scores_of([[1, 2, 3]], [0], about={"classes": ["a", "y", "z"]}))


def test_votes_by_hand():
    # shares 3/4 and 1/4; the model says 1/2, 1/2, (almost) 0
    votes = np.array([[3, 1, 0], [0, 0, 0]], np.float32)
    scores = scores_of([[0, 0, -50], [0, 0, 0]], [-1, -1], votes=votes)
    found = measure_votes(scores)
    assert found.rows == 1
    assert found.cross_entropy == pytest.approx(np.log(2))
    assert found.entropy == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert (found.majority_rows, found.majority_accuracy) == (1, 1.0)


def test_majority_needs_a_single_leader_above_the_other_answers():
    votes = np.array([[6, 3, 1], [4, 4, 2], [4, 1, 0], [5, 0, 0], [0, 0, 0]], np.float32)
    assert majority(votes, np.array([0, 0, 5, 4, 0], np.float32)).tolist() == [0, -1, -1, 0, -1]
    assert majority(votes).tolist() == [0, -1, 0, 0, -1]


def test_balanced_majority():
    votes = np.array([[5, 0, 0], [5, 0, 0], [5, 0, 0], [0, 5, 0]], np.float32)
    found = measure_votes(scores_of(np.eye(3)[[0, 0, 2, 0]], [-1] * 4, votes=votes))
    assert found.majority_accuracy == pytest.approx(2 / 4)
    assert found.majority_balanced_accuracy == pytest.approx((2 / 3 + 0) / 2)


def test_a_majority_that_is_not_asked_for_gives_no_other():
    # most of ten people said contempt: over seven classes the picture has no majority, it does not become neutral
    votes = np.zeros((2, 8), np.float32)
    votes[0, [7, 6]] = 6, 4
    votes[1, [7, 6]] = 4, 6
    scores = scores_of(np.zeros((2, 8)), [7, 6], FERPLUS8, votes=votes, other_votes=np.zeros(2, np.float32))
    seen = view(scores, FER7).scores
    assert majority(seen.votes, seen.other_votes).tolist() == [-1, 6]


def test_no_votes():
    assert measure_votes(scores_of([[1, 2, 3]], [0])) is None
    assert measure_votes(scores_of([[1, 2, 3]], [0], votes=np.zeros((1, 3), np.float32))) is None
