"""Intervals, against the normal approximation, drawing rows one by one, and cases without doubt."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.interval import intervals
from mien.evaluate.metrics import measure
from mien.labels import Labels
from mien.scores import Scores

ABC = Labels(("a", "b", "c"))


def scores_of(targets, answers, **more) -> Scores:
    logits = np.eye(3, dtype=np.float32)[np.asarray(answers)]
    return Scores(logits, np.asarray(targets, np.int64), ABC, np.full(len(logits), "x"), **more)


@pytest.fixture
def uneven() -> Scores:
    generator = np.random.default_rng(5)
    targets = generator.choice(3, 900, p=[0.7, 0.2, 0.1])
    answers = np.where(generator.random(900) < 0.8, targets, generator.integers(0, 3, 900))
    return scores_of(targets, answers)


def test_accuracy_has_the_binomial_width(uneven):
    found = intervals(uneven, draws=4000)["accuracy"]
    accuracy = (uneven.logits.argmax(1) == uneven.targets).mean()
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / len(uneven))
    assert found.low == pytest.approx(accuracy - half, abs=0.15 * half)
    assert found.high == pytest.approx(accuracy + half, abs=0.15 * half)


def test_the_same_as_drawing_rows_one_by_one(uneven):
    generator = np.random.default_rng(1)
    drawn = [measure(uneven.take(generator.integers(0, len(uneven), len(uneven)))) for _ in range(400)]
    found = intervals(uneven, draws=4000)
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        low, high = np.quantile([getattr(each, name) for each in drawn], [0.025, 0.975])
        assert found[name].low == pytest.approx(low, abs=0.2 * (high - low))
        assert found[name].high == pytest.approx(high, abs=0.2 * (high - low))


def test_all_right_leaves_no_doubt():
    found = intervals(scores_of([0, 1, 0, 1], [0, 1, 0, 1]))
    assert {(each.low, each.high) for each in found.values()} == {(1.0, 1.0)}


def test_a_seed_repeats_and_another_differs(uneven):
    assert intervals(uneven, seed=3) == intervals(uneven, seed=3)
    assert intervals(uneven, seed=3) != intervals(uneven, seed=4)


def test_alike_rows_of_a_person_widen_the_interval(uneven):
    # ten copies of each row as one person: the truth is the interval of the 90 different rows
    few = uneven.take(np.arange(90))
    copies = uneven.take(np.repeat(np.arange(90), 10))
    people = np.repeat(np.arange(90), 10).astype(str)
    alone, grouped = intervals(few, draws=4000)["accuracy"], intervals(copies, draws=4000, groups=people)["accuracy"]
    assert grouped.low == pytest.approx(alone.low, abs=0.02)
    assert grouped.high == pytest.approx(alone.high, abs=0.02)
    naive = intervals(copies, draws=4000)["accuracy"]
    assert naive.high - naive.low < 0.5 * (grouped.high - grouped.low)


def test_rows_without_a_person_stand_alone(uneven):
    nobody = intervals(uneven, draws=4000, groups=np.full(900, ""))["accuracy"]
    rows = intervals(uneven, draws=4000)["accuracy"]
    assert nobody.low == pytest.approx(rows.low, abs=0.004)
    assert nobody.high == pytest.approx(rows.high, abs=0.004)


def test_many_groups_are_drawn_in_pieces(uneven, monkeypatch):
    groups = np.arange(900).astype(str)
    monkeypatch.setattr("mien.evaluate.interval.PIECE", 90_000)
    found = intervals(uneven, draws=1000, groups=groups)["accuracy"]
    rows = intervals(uneven, draws=4000)["accuracy"]
    assert found.low == pytest.approx(rows.low, abs=0.006)


def test_a_class_missing_from_a_draw_is_left_out_of_it():
    # one row of b among 30 of a, all right: b is absent from a third of the draws, and no draw may be below 1
    found = intervals(scores_of([0] * 30 + [1], [0] * 30 + [1]))
    assert found["balanced_accuracy"].low == 1


@pytest.mark.parametrize(("draws", "level"), [(1, 0.95), (100, 1.0), (100, 0.0)])
def test_senseless_settings(uneven, draws, level):
    with pytest.raises(InputError, match="bootstrap"):
        intervals(uneven, draws=draws, level=level)


def test_no_label():
    with pytest.raises(InputError, match="no row"):
        intervals(scores_of([-1], [0]))
