"""The functions at the top of the package."""

import math
import os

import numpy as np
import pytest

import mien
from mien.errors import LabelError

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
SURE = math.exp(4) / (math.exp(4) + 2)


def plain(colour):
    return np.full((10, 10, 3), colour, np.uint8)


def test_predict_one_and_a_list(colours):
    model = colours()
    (reading,) = mien.predict(plain(GREEN), model, detector="whole", threads=1)
    assert reading.prediction.label == "happy"
    answers = mien.predict([plain(BLUE), plain(RED)], model=str(model), detector="whole", threads=1)
    assert [answer[0].prediction.label for answer in answers] == ["sad", "angry"]


def test_predict_with_several_models(colours):
    models = [colours("a.onnx"), colours("b.onnx", classes=("happy", "angry", "sad"))]
    (reading,) = mien.predict(plain(RED), models, detector="whole", threads=1)
    assert reading.prediction.probabilities[:2] == pytest.approx([(SURE + (1 - SURE) / 2) / 2] * 2, abs=1e-6)


def test_a_model_written_again_is_read_again(colours):
    def ask():
        return mien.predict(plain(RED), model, detector="whole", threads=1)[0].prediction.label

    model = colours()
    assert ask() == "angry"
    before = model.stat().st_mtime_ns
    colours(classes=("sad", "happy", "angry"))
    os.utime(model, ns=(before + 10**9, before + 10**9))
    assert ask() == "sad"


def test_load_model_and_predict_image(colours):
    model, class_names = mien.load_model(colours())
    assert class_names == ["angry", "happy", "sad"]
    emotion, confidence, probabilities = mien.predict_image(model, plain(GREEN), class_names)
    assert emotion == "happy"
    assert confidence == pytest.approx(100 * SURE, abs=1e-4)
    assert probabilities == pytest.approx([(1 - SURE) / 2, SURE, (1 - SURE) / 2], abs=1e-6)
    assert mien.predict_image(model, plain(GREEN))[0] == "happy"


def test_predict_image_in_another_order_of_classes(colours):
    model, _ = mien.load_model(colours())
    emotion, _, probabilities = mien.predict_image(model, plain(GREEN), ["happiness", "sad", "angry"])
    assert emotion == "happiness"
    assert probabilities.argmax() == 0
    emotion, confidence, _ = mien.predict_image(model, plain(GREEN), ["sad", "angry"])
    assert confidence == pytest.approx(50, abs=1e-4)
    with pytest.raises(LabelError, match="awe"):
        mien.predict_image(model, plain(GREEN), ["happy", "awe"])


def test_unknown_names_of_the_package():
    with pytest.raises(AttributeError, match="predictt"):
        mien.predictt  # noqa: B018
    assert set(mien.__all__) <= set(dir(mien))
