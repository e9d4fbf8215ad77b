"""Answers and readings."""

import json

import numpy as np
import pytest

from mien.face import Face
from mien.labels import Labels
from mien.prediction import Prediction, Reading

LABELS = Labels(("angry", "happy", "contempt"))


def answer(*probabilities, threshold=0.0):
    return Prediction(LABELS, np.array(probabilities, np.float32), threshold)


def test_the_likeliest_class():
    found = answer(0.25, 0.5, 0.25)
    assert (found.label, found.confidence) == ("happy", 0.5)
    assert found.top(2) == [("happy", 0.5), ("angry", 0.25)], "of equals the first class comes first"
    assert len(found.top(9)) == 3


@pytest.mark.parametrize(("threshold", "abstains"), [(0.0, False), (0.5, False), (0.51, True), (1.0, True)])
def test_abstention(threshold, abstains):
    found = answer(0.25, 0.5, 0.25, threshold=threshold)
    assert found.is_abstained is abstains
    assert found.label == "happy"


def test_over_fewer_classes():
    found = answer(0.2, 0.3, 0.5, threshold=0.55).to_labels(Labels(("happy", "anger")))
    assert found.probabilities == pytest.approx([0.6, 0.4])
    assert (found.label, found.is_abstained) == ("happy", False)


def test_a_reading_is_ready_for_json():
    reading = Reading(Face(np.array([1, 2, 3, 4], np.float32), 0.5), answer(0, 1, 0), source="a.png", time_s=0.5)
    assert json.loads(json.dumps(reading.to_dict())) == {
        "source": "a.png",
        "time_s": 0.5,
        "face": {"box": [1, 2, 3, 4], "score": 0.5, "landmarks": None},
        "expression": {
            "label": "happy",
            "confidence": 1.0,
            "abstained": False,
            "probabilities": {"angry": 0, "happy": 1, "contempt": 0},
        },
    }
