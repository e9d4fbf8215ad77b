import json

import numpy as np
import pytest

import mien
from mien.card import Card
from mien.errors import InputError, LabelError
from mien.images import write
from mien.runtime.biases import Biases
from mien.runtime.recognizer import Recognizer

GREY = np.full((8, 8, 3), 128, np.uint8)  # all three classes are alike: a third each


def probabilities(model, **options) -> list[float]:
    return Recognizer(model, detector="whole", **options).probabilities([GREY])[0].tolist()


def test_a_factor_multiplies_the_probability(colours):
    assert probabilities(colours(), biases={"anger": 4.0, "sad": 3.0}) == pytest.approx([4 / 8, 1 / 8, 3 / 8])


def test_so_it_does_at_any_temperature(colours):
    model = colours("warm.onnx", temperature=3.0)
    assert probabilities(model, biases={"happy": 2.0}) == pytest.approx([0.25, 0.5, 0.25])


def test_given_biases_stand_instead_of_those_of_the_card(colours):
    model = colours("biased.onnx", biases=(5.0, 0.0, 0.0))
    assert probabilities(model)[0] > 0.9
    assert probabilities(model, biases={"happy": 2.0}) == pytest.approx([0.25, 0.5, 0.25])
    assert probabilities(model, biases={}) == pytest.approx([1 / 3] * 3)


def test_with_several_models_each_is_biased(colours):
    models = [colours("one.onnx"), colours("two.onnx", classes=("sad", "angry", "happy"))]
    assert probabilities(models, biases={"sad": 2.0}) == pytest.approx([0.25, 0.25, 0.5])


def test_a_file_adds_to_the_logits(colours, tmp_path):
    file = tmp_path / "bias.json"
    file.write_text(json.dumps({"format": "mien.bias 1", "biases": {"sad": 2.0}}))
    model = colours("warm.onnx", temperature=2.0)  # so that it is exp(1) on the probability
    e = np.e
    assert probabilities(model, biases=file) == pytest.approx([1 / (2 + e), 1 / (2 + e), e / (2 + e)])
    write(tmp_path / "grey.png", GREY)
    answers = mien.predict(tmp_path / "grey.png", model, detector="whole", biases=str(file))
    assert answers[0].prediction.label == "sad"
    assert (
        mien.predict(tmp_path / "grey.png", model, detector="whole", biases={"happy": 9})[0].prediction.label == "happy"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"angri": 2.0}, r"'angri': did you mean 'angry'"),
        ({"angry": 0.0}, r"angry=0: expected a factor above 0"),
        ({"angry": float("nan")}, r"expected a factor above 0"),
        ("none.json", r"none.json: no such file; `mien bias"),
    ],
)
def test_mistakes_are_named(colours, given, message):
    with pytest.raises((InputError, LabelError), match=message):
        Recognizer(colours(), detector="whole", biases=given)


def test_another_file_is_refused(tmp_path):
    for content in ("[1]", "{}", '{"format": "mien.bias 2", "biases": {}}', "not json"):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(InputError, match=r"x.json: not a file of `mien bias"):
            Biases.load(tmp_path / "x.json")


@pytest.mark.parametrize("texts", [["angry=4.5,sad=2"], ["angry=4.5", "sad=2"], ["angry = 4.5 , sad=2"]])
def test_the_words_of_a_command_line(texts):
    assert Biases.parse(texts).values == (("angry", 4.5), ("sad", 2.0))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["angry"], "expected NAME=NUMBER"),
        (["angry=much"], "expected NAME=NUMBER"),
        (["angry=1", "angry=2"], "given twice"),
        (["a.json,angry=2"], "not both"),
    ],
)
def test_words_that_make_no_sense(texts, message):
    with pytest.raises(InputError, match=message):
        Biases.parse(texts)


def test_nothing_is_added_for_classes_that_a_model_lacks():
    card = Card(name="two", classes=("calm", "glad"))
    assert Biases.of({"sad": 3.0, "glad": 1.0}).logits(card).tolist() == [0.0, 0.0]
