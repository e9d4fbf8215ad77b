from __future__ import annotations

import numpy as np
import pytest
import torch

from mien.errors import RecipeError
from mien.labels import Labels
from mien.parts import Sampling
from mien.train.loader import Loader
from mien.train.sampling import row_weights
from mien.train.tables import SAMPLERS

LABELS = Labels(("many", "some", "few", "none"))
#: 16 pictures of the first class, 4 of the second, 1 of the third, none of the last, one without a label.
TARGETS = np.concatenate([np.eye(4, dtype=np.float32)[[0] * 16 + [1] * 4 + [2]], np.zeros((1, 4), np.float32)])


def per_class(**options: object) -> list[float]:
    """Share of the draws that each class gets."""
    weights = row_weights(TARGETS, LABELS, Sampling(**options))
    assert weights is not None
    assert weights[-1] == 0
    totals = [weights[:16].sum(), weights[16:20].sum(), weights[20]]
    return [float(total / weights.sum()) for total in totals]


def test_without_a_wish_every_picture_comes_once():
    assert row_weights(TARGETS, LABELS, Sampling()) is None


def test_shares_of_the_classes():
    assert per_class(name="inverse_frequency") == pytest.approx([1 / 3] * 3)
    assert per_class(name="square_root") == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    effective = np.array([(1 - 0.9**16) / 0.1, (1 - 0.9**4) / 0.1, 1.0])
    drawn = np.array([16, 4, 1]) / effective
    assert per_class(name="effective_number", beta=0.9) == pytest.approx(drawn / drawn.sum())


def test_boosts_multiply():
    assert per_class(boosts={"few": 4}) == pytest.approx([16 / 24, 4 / 24, 4 / 24])
    assert per_class(name="inverse_frequency", boosts={"few": 2}) == pytest.approx([1 / 4, 1 / 4, 1 / 2])


def test_only_some_classes():
    assert per_class(classes="weak") == pytest.approx([0, 4 / 5, 1 / 5])  # an even share would be 21 / 4
    assert per_class(name="inverse_frequency", classes=("many", "few")) == pytest.approx([1 / 2, 0, 1 / 2])


def test_votes_count_for_the_likeliest_class():
    soft = np.array([[0.6, 0.4], [0.7, 0.3], [0.9, 0.1], [0.2, 0.8]], np.float32)
    weights = row_weights(soft, Labels(("a", "b")), Sampling(name="inverse_frequency"))
    assert weights == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boosts": {"fewer": 2}}, r"sampling.boosts: 'fewer' is not a class; classes: many, some, few, none"),
        ({"classes": ("all of them",)}, r"sampling.classes: 'all of them' is not a class"),
        ({"classes": ("none",)}, r"no picture of .*none.* is left"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(RecipeError, match=message):
        row_weights(TARGETS, LABELS, Sampling(**options))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_loader_draws_as_it_is_told(name: str):
    pixels = np.arange(22, dtype=np.uint8).reshape(-1, 1, 1, 1)
    weights = row_weights(TARGETS, LABELS, Sampling(name=name, boosts={"some": 1.5}))
    loader = Loader(pixels, TARGETS, 7, 0, torch.device("cpu"), weights=weights)
    drawn = np.concatenate([batch.pixels.flatten().numpy() for epoch in range(1, 301) for batch in loader.epoch(epoch)])
    found = np.bincount(drawn, minlength=22) / len(drawn)
    assert len(loader) == 3
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.012)


def test_processes_share_a_batch_out():
    pixels = np.arange(22, dtype=np.uint8).reshape(-1, 1, 1, 1)
    parts = [Loader(pixels, TARGETS, 6, 0, torch.device("cpu"), rank=rank, world=2) for rank in range(2)]
    whole = Loader(pixels, TARGETS, 6, 0, torch.device("cpu"))
    for one, other, both in zip(*(loader.epoch(3) for loader in (*parts, whole)), strict=True):
        shared = torch.cat([one.pixels, other.pixels]).flatten().sort().values
        assert torch.equal(shared, both.pixels.flatten().sort().values)
        assert one.generator.initial_seed() == both.generator.initial_seed() != other.generator.initial_seed()
