"""The number that a list shows, and the time that a model takes."""

import pytest

from mien.card import Card
from mien.faces.yunet import SHIPPED
from mien.runtime.examine import examine
from mien.runtime.measured import headline, per_second

INTERVAL = {"accuracy": {"low": 0.7, "high": 0.9, "level": 0.95}}


def card(recipe=None, **metrics):
    return Card(name="mine", metrics=metrics, recipe=recipe or {})


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        ({}, None),
        ({"calibration": {"rows": 10, "ece": 0.1}}, None),
        ({"val": {"rows": 10, "accuracy": 0.85}}, "85.0 % on val"),
        ({"val": {"rows": 10, "accuracy": 0.8, "intervals": INTERVAL}}, "80.0 % on val (70.0–90.0)"),
        (
            {"selection": {"split": "val", "accuracy": 0.9}, "val": {"rows": 10, "accuracy": 0.8}},
            "80.0 % on val, which chose it",
        ),
        (
            {"selection": {"split": "val", "accuracy": 0.9}, "test": {"rows": 9, "accuracy": 0.7}},
            "70.0 % on test",
        ),
        (
            {"val": {"rows": 10, "accuracy": 0.8, "without_leaks": {"rows": 8, "accuracy": 0.7, "leaked": 2}}},
            "70.0 % on val",
        ),
        ({"selection": {"split": "val", "accuracy": 0.9}}, "90.0 % on val, which chose it"),
        (
            {"selection": {"split": "val", "psnr": 34.5, "bicubic_psnr": 33.0}},
            "34.50 dB on val (bicubic 33.00), which chose it",
        ),
        ({"selection": {"split": "val", "fid": 12.345, "kid": 0.1}}, "FID 12.35 on val, which chose it"),
        ({"a": {"rows": 5, "accuracy": 0.1}, "b": {"rows": 50, "accuracy": 0.2}}, "20.0 % on b"),
    ],
)
def test_the_number_that_says_most(metrics, text):
    found = headline(card(**metrics))
    assert (found if found is None else str(found)) == text


def test_what_it_learned_from_says_nothing():
    recipe = {"data": {"train": "train", "val": "val"}}
    assert headline(card(recipe, train={"rows": 100, "accuracy": 1.0})) is None
    found = headline(card(recipe, train={"rows": 100, "accuracy": 1.0}, val={"rows": 10, "accuracy": 0.5}))
    assert found is not None
    assert found.to_dict() == {
        "measure": "accuracy", "value": 0.5, "split": "val", "rows": 10, "has_chosen": True,
    }  # fmt: skip


def test_times(colours):
    speeds = per_second(examine(colours()), seconds=0.01)
    assert set(speeds) == {1, 32}
    assert min(speeds.values()) > 0
    assert set(per_second(examine(SHIPPED), seconds=0.01)) == {1}


def test_time_is_counted_in_faces(colours, monkeypatch):
    found = examine(colours())
    ticks = iter(range(1000))  # every look at the clock is a second later: one run from 0 to 1, one from 1 to 2
    monkeypatch.setattr("mien.runtime.measured.time.perf_counter", lambda: float(next(ticks)))
    assert per_second(found, seconds=2) == {1: 0.5, 32: 16.0}
