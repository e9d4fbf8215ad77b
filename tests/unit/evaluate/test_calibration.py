"""Calibration against numbers by hand and scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from mien.errors import InputError
from mien.evaluate.calibration import measure_calibration, reliability
from mien.labels import Labels
from mien.scores import Scores

AB, ABC = Labels(("a", "b")), Labels(("a", "b", "c"))


def scores_of(probabilities, targets, labels=ABC, **more) -> Scores:
    logits = np.log(np.asarray(probabilities)).astype(np.float32)
    return Scores(logits, np.asarray(targets, np.int64), labels, np.full(len(logits), "x"), **more)


@pytest.fixture
def drawn() -> Scores:
    """2,000 rows whose labels were drawn from the probabilities: calibrated."""
    generator = np.random.default_rng(3)
    probabilities = generator.dirichlet((2, 1, 0.7), 2000)
    targets = (generator.random((2000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return scores_of(probabilities, targets)


def test_two_confidences_by_hand():
    # four answers with 0.9, three right; four with 0.6, one right
    scores = scores_of([[0.9, 0.1]] * 4 + [[0.4, 0.6]] * 4, [0, 0, 0, 1, 1, 0, 0, 0], AB)
    found = measure_calibration(scores, bins=2, draws=0)
    assert found.accuracy == 0.5
    assert found.confidence == pytest.approx(0.75)
    assert found.ece == pytest.approx((0.15 + 0.35) / 2, abs=1e-6)
    assert found.classwise_ece == pytest.approx((0.15 + 0.35) / 2, abs=1e-6)  # two classes mirror each other
    assert found.brier == pytest.approx((3 * 0.02 + 1.62 + 0.32 + 3 * 0.72) / 8, abs=1e-6)
    assert found.nll == pytest.approx(-(3 * np.log(0.9) + np.log(0.1) + np.log(0.6) + 3 * np.log(0.4)) / 8, abs=1e-6)
    assert found.reliability.count.tolist() == [4, 4]
    assert found.reliability.accuracy.tolist() == [0.25, 0.75]


def test_the_same_as_scikit_learn(drawn):
    found = measure_calibration(drawn, draws=0)
    probabilities = drawn.probabilities().astype(np.float64)
    assert found.nll == pytest.approx(log_loss(drawn.targets, probabilities / probabilities.sum(1, keepdims=True)))
    assert found.brier == pytest.approx(((probabilities - np.eye(3)[drawn.targets]) ** 2).sum(1).mean(), abs=1e-6)
    is_right = probabilities.argmax(1) == drawn.targets
    accuracy, confidence = calibration_curve(is_right, probabilities.max(1), n_bins=15, strategy="quantile")
    assert found.reliability.accuracy == pytest.approx(accuracy)
    assert found.reliability.confidence == pytest.approx(confidence, abs=1e-6)
    assert found.ece == pytest.approx(found.reliability.error)


def test_a_calibrated_model_shows_no_more_than_the_floor(drawn):
    found = measure_calibration(drawn, draws=500)
    assert found.ece == pytest.approx(found.ece_floor, abs=0.01)
    assert found.intervals["ece"].low < found.ece_floor < found.intervals["ece"].high + 0.01
    sure = Scores(drawn.logits * 3, drawn.targets, drawn.labels, drawn.ids)
    assert measure_calibration(sure, draws=0).ece > 3 * found.ece_floor


def test_intervals_have_the_width_of_repeated_data():
    generator = np.random.default_rng(0)

    def fresh() -> Scores:
        probabilities = generator.dirichlet((2, 1, 0.7), 500)
        return scores_of(probabilities, (generator.random((500, 1)) > probabilities.cumsum(axis=1)).sum(axis=1))

    many = [measure_calibration(fresh(), draws=0).nll for _ in range(200)]
    interval = measure_calibration(fresh(), draws=1000).intervals["nll"]
    assert interval.high - interval.low == pytest.approx(np.diff(np.quantile(many, [0.025, 0.975]))[0], rel=0.25)


def test_equal_confidences_share_a_bin_whatever_the_order():
    probability = np.array([0.5] * 6 + [1.0] * 4)
    came_true = np.array([True, False] * 3 + [True] * 4)
    there, back = reliability(probability, came_true, 5), reliability(probability[::-1], came_true[::-1], 5)
    assert there.count.tolist() == back.count.tolist() == [6, 4]
    assert there.error == back.error == 0


def test_nothing_to_measure():
    with pytest.raises(InputError, match="no row of the scores has a label"):
        measure_calibration(scores_of([[0.5, 0.3, 0.2]], [-1]))
    with pytest.raises(InputError, match="1 bins"):
        measure_calibration(scores_of([[0.5, 0.3, 0.2]], [1]), bins=1)
