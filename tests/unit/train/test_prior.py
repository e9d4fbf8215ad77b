"""Shares of the classes in what a network is taught, by hand."""

from __future__ import annotations

import pytest

from mien.card import Card
from mien.errors import InputError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.train.prior import taught, taught_by

LABELS = Labels(("calm", "glad"))


def faces(count: int = 8, **more) -> Manifest:
    """Six of eight are calm, and two more rows choose."""
    labels = ["calm"] * (count - 2) + ["glad"] * 2 + ["glad"] * 2
    splits = ["train"] * count + ["val"] * 2
    return Manifest.of(image=[f"{row}.png" for row in range(count + 2)], label=labels, split=splits, **more)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({}, 6 / 8),
        ({"loss": {"smoothing": 0.2}}, 0.8 * 6 / 8 + 0.1),
        ({"sampling": {"name": "inverse_frequency"}}, 1 / 2),
        ({"sampling": {"boosts": {"glad": 3.0}}}, 6 / (6 + 3 * 2)),
        ({"loss": {"class_weights": "inverse_frequency"}}, 1 / 2),
        ({"loss": {"name": "balanced_softmax"}}, 1 / 2),
        ({"loss": {"name": "logit_adjusted", "tau": 2.0}}, (1 / 6) / (1 / 6 + 1 / 2)),
        ({"data": {"per_class": 3}}, 3 / 5),
        ({"phases": [{"name": "a", "epochs": 1}, {"name": "b", "epochs": 1, "loss": {"smoothing": 1e-9}}]}, 6 / 8),
    ],
)
def test_by_hand(recipe, expected):
    calm, glad = taught(Recipe.model_validate(recipe), faces().with_labels(LABELS))
    assert calm == pytest.approx(expected, abs=1e-6)
    assert calm + glad == pytest.approx(1, abs=1e-6)


def test_votes_count_in_parts():
    votes = {"votes.calm": [3] * 8 + [0, 0], "votes.glad": [1] * 8 + [4, 4]}
    recipe = Recipe.model_validate({"data": {"targets": "votes", "min_votes": 1}})
    assert taught(recipe, faces(**votes).with_labels(LABELS)) == pytest.approx((0.75, 0.25))


def test_of_a_model_by_the_recipe_in_its_card_or_else_by_the_labels():
    smooth = Recipe.model_validate({"loss": {"smoothing": 0.5}}).model_dump(mode="json")
    card = Card(name="x", classes=("glad", "calm"))
    assert taught_by(faces(), card) == pytest.approx((0.25, 0.75))
    assert taught_by(faces(), card.model_copy(update={"recipe": smooth})) == pytest.approx((0.375, 0.625))
    with pytest.raises(InputError):
        taught_by(Manifest.of(image=["a.png"], label=["calm"]).with_columns(label=[""]), card)
