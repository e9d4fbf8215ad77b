"""Fits against scipy, planted temperatures, and cards."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from mien.bias.calibrate import METHODS, calibrate, fit
from mien.errors import InputError, ModelError, UnknownName
from mien.labels import Labels
from mien.runtime.network import Network
from mien.runtime.recognizer import Recognizer
from mien.scores import Scores

LABELS = Labels(("angry", "happy", "sad"))


def planted(count=3000, scale=1.0, bias=(0.0, 0.0, 0.0), seed=0, **more) -> Scores:
    """Rows whose labels are drawn from softmax(scale * logits + bias)."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (count, 3)).astype(np.float32)
    chances = np.exp(log_softmax(logits * np.asarray(scale) + np.asarray(bias), axis=1))
    targets = (generator.random((count, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    ids = np.array([f"{row}.png" for row in range(count)])
    return Scores(logits, targets, LABELS, ids, model="toy", **more)


@pytest.mark.parametrize("method", METHODS)
def test_the_minimum_that_scipy_finds(method):
    scores = planted(600, 0.6, (0.4, -0.3, 0.0))
    spread = METHODS.load(method)(3)

    def loss(free):
        numbers = spread @ free
        scaled = log_softmax(scores.logits * numbers[:3] + numbers[3:], axis=1)
        return -scaled[np.arange(600), scores.targets].sum()

    start = np.linalg.lstsq(spread, np.r_[1, 1, 1, 0, 0, 0], rcond=None)[0]
    found = fit(scores.logits, scores.targets, method)
    mine = -log_softmax(found(scores.logits), axis=1)[np.arange(600), scores.targets].sum()
    assert mine == pytest.approx(minimize(loss, start, method="BFGS").fun, abs=1e-3)


def test_a_planted_temperature_is_found():
    found = calibrate(planted(scale=0.5), draws=200)
    assert found.temperature == pytest.approx(2.0, abs=0.1)
    assert found.before.confidence > found.before.accuracy + 0.05
    assert found.after.ece < found.after.ece_floor + 0.01
    change = found.changes["temperature"]["nll"]
    assert change.after < change.before
    assert change.low < change.high < 0


def test_planted_biases_are_found():
    found = calibrate(planted(20_000, 0.5, (0.6, 0.0, -0.6)), method="bias", draws=0)
    logits = np.array(list(found.biases.values()))
    assert (logits - logits.mean()) / found.temperature == pytest.approx([0.6, 0.0, -0.6], abs=0.1)
    assert found.changes["bias"]["nll"].after < found.changes["temperature"]["nll"].after


def test_what_is_calibrated_already_stays():
    found = calibrate(planted(), draws=200)
    assert found.temperature == pytest.approx(1.0, abs=0.06)
    assert found.changes["temperature"]["nll"].high > -1e-3


def test_the_card_of_the_scores_counts():
    about = {"temperature": 2.0, "biases": [1.0, 0.0, -1.0]}
    found = calibrate(planted(scale=0.5, bias=(0.5, 0, -0.5), about=about), draws=0)
    assert (found.old_temperature, found.temperature) == (2.0, pytest.approx(2.0, abs=0.1))
    assert found.before.ece < found.before.ece_floor + 0.01


def test_perfect_answers_and_classes_without_a_row_stay_finite():
    logits = np.array([[3, 0, 0], [0, 3, 0]] * 20, np.float32)
    for method in METHODS:
        found = fit(logits, np.array([0, 1] * 20), method)
        assert np.isfinite(np.r_[found.scale, found.bias]).all()


def test_labels_that_contradict_the_model():
    scores = planted(300, -1.0)
    with pytest.raises(InputError, match="do labels and model belong together"):
        fit(scores.logits, scores.targets)


def test_a_threshold_holds_on_other_rows():
    found = calibrate(planted(4000, 0.6), accuracy=0.8, draws=0)
    assert found.threshold is not None
    assert found.checked is not None
    assert found.checked[1] > 0.79
    assert 0 < found.threshold.coverage < 1
    fresh = planted(4000, 0.6, seed=9)
    seen = np.exp(log_softmax(fresh.logits / found.temperature, axis=1))
    answered = seen.max(1) >= found.threshold.value
    assert (seen.argmax(1) == fresh.targets)[answered].mean() >= 0.8
    assert answered.mean() == pytest.approx(found.threshold.coverage, abs=0.03)


def test_logits_that_are_no_numbers():
    scores = planted(50)
    scores.logits[7, 1] = np.nan
    with pytest.raises(InputError, match=r"7\.png: its logits"):
        calibrate(scores)


def test_rows_that_trained_the_model_are_refused():
    about = {"manifest": "x", "split": "train", "made_from": {"digest": "x", "train": "train"}}
    with pytest.raises(InputError, match="trained on the split 'train'"):
        calibrate(planted(100, about=about))
    with pytest.raises(UnknownName, match="did you mean 'temperature'"):
        calibrate(planted(100), method="temperatur")


def test_the_card_is_written_and_obeyed(colours, tmp_path):
    path = colours()
    found = calibrate(planted(scale=0.5), accuracy=0.7, draws=0)
    assert found.threshold is not None
    card = found.write_card(path)
    assert (card.temperature, card.threshold) == (pytest.approx(found.temperature), found.threshold.value)
    assert card.metrics["calibration"]["after"]["ece"] == pytest.approx(found.after.ece, abs=1e-6)
    grey = np.full((8, 8, 3), 128, np.uint8)
    red = np.zeros((8, 8, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    unsure, sure = Recognizer(path, detector="whole").classify([grey, red])
    assert unsure.is_abstained
    # logits 4, 0, 0 over the temperature
    logit = np.exp(4 / found.temperature)
    assert sure.confidence == pytest.approx(logit / (logit + 2), rel=1e-5)
    found.save(tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["card"]["temperature"] == pytest.approx(found.temperature)
    with pytest.raises(ModelError, match="has the threshold"):
        calibrate(planted(scale=0.5), draws=0).write_card(path)


def test_cards_that_do_not_fit(colours):
    with pytest.raises(ModelError, match="a scale for every class"):
        calibrate(planted(), method="vector", draws=0).write_card(colours())
    with pytest.raises(ModelError, match="other biases"):
        calibrate(planted(), draws=0).write_card(colours(biases=(1.0, 0.0, 0.0)))
    two = calibrate(planted(), labels=Labels(("angry", "happy")), draws=0)
    with pytest.raises(ModelError, match="for all of its classes"):
        two.write_card(colours())


def test_biases_go_into_the_card_in_its_own_scale(colours):
    path = colours()
    found = calibrate(planted(scale=0.5, bias=(0.6, 0, -0.6)), method="bias", draws=0)
    found.write_card(path)
    card = Network(path).card
    logits = np.array([1.0, 2.0, 3.0])
    written = (logits + np.array(card.biases)) / card.temperature
    assert written == pytest.approx(logits * found.scale + found.bias, abs=1e-5)
