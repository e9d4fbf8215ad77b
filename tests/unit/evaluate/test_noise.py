"""Confident learning: numbers by hand, and planted errors."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.noise import confident_learning


def test_by_hand():
    probabilities = np.array(
        [
            [0.90, 0.06, 0.04],  # a
            [0.70, 0.20, 0.10],  # a
            [0.30, 0.60, 0.10],  # a, confidently b
            [0.10, 0.80, 0.10],  # b
            [0.45, 0.44, 0.11],  # b: a is the most probable, but below a's threshold; b is below b's
            [0.85, 0.10, 0.05],  # b, confidently a
            [0.40, 0.50, 0.10],  # b: reaches b's threshold and no other
        ]
    )
    found = confident_learning(probabilities, np.array([0, 0, 0, 1, 1, 1, 1]))
    np.testing.assert_allclose(found.thresholds[:2], [(0.9 + 0.7 + 0.3) / 3, (0.8 + 0.44 + 0.1 + 0.5) / 4])
    assert np.isnan(found.thresholds[2])  # nobody has that label
    assert found.joint.tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert found.suggested.tolist() == [0, 0, 1, 1, -1, 0, 1]
    assert found.suspects.tolist() == [5, 2]  # margins -0.75 and -0.30
    assert found.margins.round(2).tolist() == [0.84, 0.5, -0.3, 0.7, -0.01, -0.75, 0.1]
    # of 3 labels a one in three is wrong, of 4 labels b one in three
    assert found.rate == pytest.approx(1 / 3)


def test_a_label_that_is_the_most_probable_is_never_a_suspect():
    # class b is rarely sure (threshold 0.35): row 0 reaches it, and not a's threshold of 0.7, but a is more probable
    probabilities = np.array([[0.55, 0.45], [0.85, 0.15], [0.65, 0.35], [0.65, 0.35]])
    found = confident_learning(probabilities, np.array([0, 0, 1, 1]))
    assert found.suggested[0] == 1
    assert 0 not in found.suspects


@pytest.mark.parametrize(("classes", "least"), [(2, 0.85), (7, 0.75)])
def test_planted_errors_are_found(classes, least):
    generator = np.random.default_rng(classes)
    truth = generator.integers(0, classes, 3000)
    logits = generator.normal(size=(3000, classes))
    logits[np.arange(3000), truth] += 4.0
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = truth.copy()
    wrong = generator.permutation(3000)[:300]
    labels[wrong] = (truth[wrong] + generator.integers(1, classes, 300)) % classes
    found = confident_learning(probabilities, labels)
    hits = len(set(found.suspects.tolist()) & set(wrong.tolist()))
    assert hits / 300 > least  # recall
    assert hits / len(found.suspects) > 0.85  # precision
    assert found.rate == pytest.approx(0.1, abs=0.03)


def test_labels_outside_the_classes():
    with pytest.raises(InputError, match="labels from 0 to 1"):
        confident_learning(np.array([[0.5, 0.5]]), np.array([2]))
