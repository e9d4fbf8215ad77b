"""The pictures are looked at by people; here: that all kinds of values draw, and where values lie."""

import math

import pytest

from mien.errors import InputError
from mien.images import read
from mien.report.sweep import _height, _marks, plot_sweep

SPACE = {
    "optimizer.rate": {"low": 1e-4, "high": 1e-2, "is_log": True, "is_whole": False},
    "augment.level": {"low": 0, "high": 3, "is_log": False, "is_whole": True},
    "model.head.hidden": {"choices": [[], [8], None, "a very long name of something else"]},
    "loss.smoothing": {"low": 0.0, "high": 0.4, "is_log": False, "is_whole": False},
}


def summary(space=SPACE, trials=5, importance=None):
    values = [
        {"optimizer.rate": 10 ** (-4 + index / 4), "augment.level": index % 4, "loss.smoothing": index / 20,
         "model.head.hidden": SPACE["model.head.hidden"]["choices"][index % 4]}
        for index in range(trials)
    ]  # fmt: skip
    return {
        "recipe": "toy", "metric": "macro_f1", "split": "val", "space": space, "start": 0, "best": trials - 1,
        "importance": importance or {},
        "trials": [
            {"trial": index, "state": "pruned" if index == 1 else "complete", "last_value": 0.2,
             "value": None if index == 1 else index / 9, "values": values[index]}
            for index in range(trials)
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        summary(),
        summary(importance={"optimizer.rate": 0.7, "loss.smoothing": 0.3}),
        summary({"augment.level": SPACE["augment.level"]}),
        summary(trials=1),
    ],
)
def test_it_draws_whatever_is_there(tmp_path, content):
    drawn = plot_sweep(content, tmp_path)
    names = {"history.png", "values.png"} | ({"parallel.png"} if len(content["space"]) > 1 else set())
    assert {path.name for path in drawn} == {path.name for path in tmp_path.iterdir()} == names
    assert all(read(path).std() > 1 for path in drawn)


def test_nothing_complete_is_an_error(tmp_path):
    empty = summary(trials=2)
    empty["trials"] = empty["trials"][1:]
    with pytest.raises(InputError, match="nothing to plot"):
        plot_sweep(empty, tmp_path)


def test_where_values_lie():
    assert math.isclose(_height(SPACE["optimizer.rate"], 1e-3), 0.5)
    assert _height(SPACE["augment.level"], 3) == 1
    assert _height(SPACE["model.head.hidden"], None) == pytest.approx(2 / 3)
    assert [text for _, text in _marks(SPACE["model.head.hidden"])] == ["[]", "[8]", "None", "a very long name of som…"]
