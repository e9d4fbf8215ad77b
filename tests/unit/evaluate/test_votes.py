"""Answers against the votes of many people, by hand."""

import numpy as np
import pytest

from mien.evaluate.votes import human_agreement, majority, measure_votes
from mien.labels import Labels
from mien.scores import Scores

ABC = Labels(("a", "b", "c"))


def scores_of(votes, probabilities) -> Scores:
    logits = np.log(np.asarray(probabilities)).astype(np.float32)
    count = len(logits)
    return Scores(logits, np.full(count, -1), ABC, np.full(count, "x"), votes=np.asarray(votes, np.float32))


def test_cross_entropy_and_agreement_by_hand():
    votes = [[8, 2, 0], [0, 5, 5], [0, 0, 0], [0, 0, 1]]
    found = measure_votes(scores_of(votes, [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]))
    assert found is not None
    assert found.rows == 3
    expected = -(0.8 * np.log(0.5) + 0.2 * np.log(0.25)), -(0.5 * np.log(0.2) + 0.5 * np.log(0.6)), -np.log(0.1)
    assert found.cross_entropy == pytest.approx(np.mean(expected), abs=1e-6)
    assert found.entropy == pytest.approx((-(0.8 * np.log(0.8) + 0.2 * np.log(0.2)) + np.log(2)) / 3)
    # rows with two votes or more: the answers are a (8 of 10) and c (5 of 10)
    assert found.tagger_agreement == pytest.approx((0.8 + 0.5) / 2)
    # first row: who says a meets 7 to 2, who says b meets 8 to 1; second: the other class leads by 5 to 4
    assert found.human_agreement == pytest.approx((0.8 + 0.0) / 2)
    assert found.intervals == {}


def test_the_human_line_is_that_of_people_drawn_one_by_one():
    generator = np.random.default_rng(0)
    votes = generator.multinomial(10, [0.5, 0.3, 0.2], 40).astype(float)
    agreed = []
    for row in votes:
        people = np.repeat(np.arange(3), row.astype(int))
        for person in range(10):
            rest = np.bincount(np.delete(people, person), minlength=3)
            leaders = np.flatnonzero(rest == rest.max())
            agreed.append((people[person] in leaders) / len(leaders))
    assert human_agreement(votes).mean() == pytest.approx(np.mean(agreed))


def test_intervals_draw_both_agreements_on_the_same_rows():
    generator = np.random.default_rng(1)
    votes = generator.multinomial(10, [0.5, 0.3, 0.2], 300)
    best = np.eye(3)[votes.argmax(axis=1)] * 0.9 + 0.03
    found = measure_votes(scores_of(votes, best), draws=500)
    assert found is not None
    ahead = found.intervals["ahead"]
    assert ahead.low < found.tagger_agreement - found.human_agreement < ahead.high
    wide = found.intervals["tagger_agreement"], found.intervals["human_agreement"]
    assert ahead.high - ahead.low < sum(one.high - one.low for one in wide)
    assert found.to_dict()["intervals"]["ahead"]["level"] == 0.95


def test_one_vote_each_leaves_no_agreement():
    found = measure_votes(scores_of([[1, 0, 0]], [[0.5, 0.3, 0.2]]), draws=10)
    assert found is not None
    assert np.isnan(found.human_agreement)
    assert found.to_dict()["human_agreement"] is None
    assert measure_votes(scores_of([[0, 0, 0]], [[0.5, 0.3, 0.2]])) is None


def test_majority():
    votes = np.array([[6, 4, 0], [5, 5, 0], [4, 1, 0]], np.float32)
    assert majority(votes, np.array([0, 0, 5], np.float32)).tolist() == [0, -1, -1]
