"""``mien calibrate``, from scores and from a model, to a card that prediction obeys."""

import json

import numpy as np
import pytest

from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.scores import Scores

LABELS = Labels(("angry", "happy", "sad"))


@pytest.fixture
def unsure(tmp_path):
    """Scores twice as sure as they are right: the temperature is 2."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 4, (1500, 3)).astype(np.float32)
    chances = Scores(logits / 2, np.zeros(1500, int), LABELS, np.full(1500, "x")).probabilities()
    targets = (generator.random((1500, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    splits = np.repeat(["val", "test"], 750)
    Scores(logits, targets, LABELS, np.full(1500, "x"), splits=splits, model="toy").save(tmp_path / "scores.npz")
    return tmp_path / "scores.npz"


def test_numbers_pictures_and_card(mien, unsure, colours, tmp_path):
    model = colours()
    done = mien(
        "calibrate",
        unsure,
        "--split",
        "val",
        "--accuracy",
        0.8,
        "--card",
        model,
        "--out",
        "c.json",
        "--pictures",
        "p",
        "--bootstrap",
        100,
    )
    assert done.code == 0
    assert "750 pictures, 3 classes" in done.out
    assert "abstain below a confidence of" in done.out
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"reliability.png", "risk_coverage.png"}
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["card"]["temperature"] == pytest.approx(2, abs=0.3)
    assert found["methods"]["temperature"]["ece"]["after"] < found["methods"]["temperature"]["ece"]["before"]
    grey = np.full((20, 20, 3), 100, np.uint8)
    write(tmp_path / "grey.png", grey)
    answer = mien("predict", "grey.png", "--model", model, "--detector", "whole", "--json")
    expression = json.loads(answer.out)["pictures"][0]["faces"][0]["expression"]
    assert expression["confidence"] == pytest.approx(1 / 3, abs=1e-3)
    assert expression["abstained"] is True


def test_json_of_other_methods(mien, unsure):
    done = mien("calibrate", unsure, "--method", "vector", "--bootstrap", 0, "--json")
    assert json.loads(done.out)["card"] is None
    assert "a card has one temperature" in mien("calibrate", unsure, "--method", "vector", "--bootstrap", 0).out
    assert "biases angry" in mien("calibrate", unsure, "--method", "bias", "--bootstrap", 0).out


def test_from_a_model(mien, colours, tmp_path):
    generator = np.random.default_rng(1)
    labels = [LABELS.names[index] for index in generator.integers(0, 3, 60)]
    for row, label in enumerate(labels):
        colour = generator.integers(0, 120, 3)
        colour[LABELS.index(label)] += 60
        write(tmp_path / f"{row}.png", np.zeros((8, 8, 3), np.uint8) + colour.astype(np.uint8))
    Manifest.of(root=tmp_path, image=[f"{row}.png" for row in range(60)], label=labels, split=["val"] * 60).save(
        tmp_path / "faces.csv"
    )
    done = mien("calibrate", colours(), "faces.csv", "--split", "val", "--labels", "angry,happy,sad", "--bootstrap", 0)
    assert done.code == 0
    assert "60 pictures" in done.out


def test_mistakes(mien, unsure):
    assert "no rows of split 'vall': did you mean 'val'" in mien("calibrate", unsure, "--split", "vall").err
    assert "expected a share between 0 and 1" in mien("calibrate", unsure, "--accuracy", 95).err
    assert "name a manifest too" in mien("calibrate", "default").err
    assert "a manifest cannot change them" in mien("calibrate", unsure, "faces.csv").err
    done = mien("calibrate", unsure, "--method", "platt")
    assert done.code == 2
    assert "unknown method of calibration 'platt'" in done.err
    assert "No threshold reaches 99.9%" in mien("calibrate", unsure, "--accuracy", 0.999, "--bootstrap", 0).out
