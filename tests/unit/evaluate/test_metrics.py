"""Metrics, against small cases counted by hand and against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from mien.errors import InputError
from mien.evaluate.metrics import measure
from mien.labels import Labels
from mien.scores import Scores, softmax

ABC = Labels(("a", "b", "c"))


def scores_of(logits, targets, labels=ABC) -> Scores:
    logits = np.asarray(logits, np.float32)
    return Scores(logits, np.asarray(targets, np.int64), labels, np.array([f"{row}.png" for row in range(len(logits))]))


def answers(*indices: int) -> np.ndarray:
    """Logits that answer with these classes."""
    return np.eye(3, dtype=np.float32)[list(indices)]


def test_by_hand():
    # a: 2 of 3 right, one called b. b: 1 of 1. c: never seen, never the answer.
    found = measure(scores_of(answers(0, 0, 1, 1), [0, 0, 0, 1]))
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert found.rows == 4
    assert found.accuracy == pytest.approx(3 / 4)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    np.testing.assert_allclose(found.precision, [1, 1 / 2, np.nan])
    np.testing.assert_allclose(found.recall, [2 / 3, 1, np.nan])
    np.testing.assert_allclose(found.f1, [4 / 5, 2 / 3, np.nan])
    assert found.macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found.weighted_f1 == pytest.approx((3 * 4 / 5 + 2 / 3) / 4)
    assert found.absent == ("c",)
    np.testing.assert_allclose(found.confusion_percent[0], [200 / 3, 100 / 3, 0])
    assert np.isnan(found.confusion_percent[2]).all()


def test_probability_of_the_label():
    # softmax of (log 3, 0, 0) is (3/5, 1/5, 1/5)
    found = measure(scores_of([[np.log(3), 0, 0], [np.log(3), 0, 0]], [0, 1]))
    assert found.nll == pytest.approx(-(np.log(3 / 5) + np.log(1 / 5)) / 2, abs=1e-6)


def test_top2_breaks_ties_like_argmax():
    # in a row of equal logits the first two classes are the top two
    found = measure(scores_of(np.zeros((3, 3)), [0, 1, 2]))
    assert found.top2_accuracy == pytest.approx(2 / 3)
    assert found.accuracy == pytest.approx(1 / 3)


def test_a_class_predicted_but_absent_costs_precision_only():
    found = measure(scores_of(answers(0, 2), [0, 0]))
    assert found.balanced_accuracy == pytest.approx(1 / 2)
    assert found.macro_f1 == pytest.approx(2 / 3)  # of class a alone: precision 1, recall 1/2
    assert found.precision[2] == 0


def test_huge_logits_stay_finite():
    found = measure(scores_of([[1e4, 0, -1e4]], [2]))
    assert found.nll == pytest.approx(2e4)


@pytest.mark.parametrize("absent", [(), (2,), (0, 5)])
def test_like_scikit_learn(absent):
    generator = np.random.default_rng(len(absent))
    labels = Labels.named("fer7")
    present = [index for index in range(7) if index not in absent]
    targets = generator.choice(present, 700, p=np.arange(1, len(present) + 1) / sum(range(1, len(present) + 1)))
    logits = (np.round(generator.normal(size=(700, 7)) * 16) / 8).astype(np.float32)  # many exact ties
    logits[np.arange(700), targets] += 1.5
    found = measure(scores_of(logits, targets, labels))
    answer, probabilities = logits.argmax(1), softmax(logits)
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        targets, answer, labels=range(7), zero_division=np.nan
    )
    np.testing.assert_array_equal(found.confusion, reference.confusion_matrix(targets, answer, labels=range(7)))
    np.testing.assert_array_equal(found.support, support)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1[present], f1[present])
    assert found.accuracy == pytest.approx(reference.accuracy_score(targets, answer))
    assert found.balanced_accuracy == pytest.approx(recall[present].mean())
    assert found.macro_f1 == pytest.approx(reference.f1_score(targets, answer, labels=present, average="macro"))
    assert found.weighted_f1 == pytest.approx(reference.f1_score(targets, answer, labels=present, average="weighted"))
    exact = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(axis=1, keepdims=True)
    assert found.nll == pytest.approx(reference.log_loss(targets, exact, labels=range(7)))
    assert found.top2_accuracy == pytest.approx(
        reference.top_k_accuracy_score(targets, logits + 1e-4 * -np.arange(7), k=2, labels=range(7))
    )
    for index in range(7):
        is_class = targets == index
        if index in absent:
            assert np.isnan([found.roc_auc[index], found.pr_auc[index]]).all()
        else:
            assert found.roc_auc[index] == pytest.approx(reference.roc_auc_score(is_class, probabilities[:, index]))
            assert found.pr_auc[index] == pytest.approx(
                reference.average_precision_score(is_class, probabilities[:, index])
            )
    assert found.absent == tuple(labels.names[index] for index in absent)


def test_as_json_there_is_no_nan():
    plain = measure(scores_of(answers(0, 1), [0, 0])).to_dict()
    text = json.dumps(plain, allow_nan=False)
    assert json.loads(text)["per_class"]["c"]["recall"] is None
    assert plain["absent"] == ["b", "c"]
    assert plain["mean_roc_auc"] is None


def test_rows_without_a_label_do_not_count():
    assert measure(scores_of(answers(0, 1, 2), [0, -1, -1])).rows == 1
    with pytest.raises(InputError, match="no row of the scores has a label"):
        measure(scores_of(answers(0, 1), [-1, -1]))


def test_a_logit_of_nan_is_an_error():
    with pytest.raises(InputError, match="row 2"):
        measure(scores_of([[0, 1, 2], [0, np.nan, 1]], [0, 0]))
