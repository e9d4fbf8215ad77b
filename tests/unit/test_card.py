"""What a model file says of itself."""

import json

import pytest
from pydantic import ValidationError

from mien.card import KEY, Card
from mien.errors import ModelError
from mien.labels import Labels
from mien.preprocess import Preprocess


def test_there_and_back():
    card = Card(
        name="small",
        classes=("happy", "sad"),
        preprocess=Preprocess(size_px=80, margin=0.3),
        biases=(0.5, -0.5),
        temperature=1.3,
        recipe={"model": {"backbone": "plain48"}},
        metrics={"val": {"accuracy": 0.5}},
    )
    assert Card.from_metadata({KEY: card.to_json(), "other": "x"}, "small.onnx") == card
    assert card.labels == Labels(("happy", "sad"))


def test_files_from_before_the_licence_of_the_data_was_asked_for():
    old = json.loads(Card(name="x", licence="MIT").to_json())
    del old["data_licence"]
    card = Card.from_metadata({KEY: json.dumps(old)}, "old.onnx")
    assert (card.licence, card.data_licence) == ("MIT", "unknown")


def test_every_card_says_what_it_is_not_for():
    card = Card(name="x")
    assert "perceived" in card.intended_use
    assert "Article 5(1)(f)" in card.forbidden_use


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "without a mien card"),
        ({KEY: ""}, "cannot be read"),
        ({KEY: '{"classes": []}'}, "name: Field required"),
        ({KEY: '{"name": "x", "format": 2}'}, "format"),
        ({KEY: '{"name": "x", "temperature": 0}'}, "temperature"),
        ({KEY: '{"name": "x", "classes": ["a", "b"], "biases": [1]}'}, "1 biases for 2 classes"),
        ({KEY: '{"name": "x", "classes": ["a", "b"], "prior": [1]}'}, "1 prior for 2 classes"),
        ({KEY: '{"name": "x", "classes": ["a", "b"], "prior": [0.5, 0.4]}'}, "add up to 0.9, not to 1"),
        ({KEY: '{"name": "x", "classes": ["a", "b"], "prior": [1.5, -0.5]}'}, "prior.0"),
    ],
)
def test_a_card_that_cannot_be_read(metadata, message):
    with pytest.raises(ModelError, match=rf"m\.onnx.*{message}"):
        Card.from_metadata(metadata, "m.onnx")


def test_a_card_cannot_be_changed():
    with pytest.raises(ValidationError):
        Card(name="x").name = "y"
