import numpy as np
import pytest

from mien.bias import tally as module
from mien.bias.tally import Tally
from mien.errors import InputError


def test_counts_are_those_of_argmax_row_by_row():
    draw = np.random.default_rng(1)
    logits = draw.normal(size=(500, 5)).astype(np.float32)
    targets = draw.integers(-1, 5, 500)
    biases = draw.normal(size=(30, 5)).astype(np.float32)
    expected = np.zeros((30, 6, 5), int)
    for number, bias in enumerate(biases):
        for row, target in zip(logits, targets, strict=True):
            expected[number, 5 if target < 0 else target, (row + bias).argmax()] += 1
    np.testing.assert_array_equal(Tally(logits, targets).counts(biases), expected)


def test_pieces_change_nothing(monkeypatch):
    draw = np.random.default_rng(2)
    tally = Tally(draw.normal(size=(50, 3)), draw.integers(0, 3, 50))
    biases = draw.normal(size=(17, 3))
    whole = tally.counts(biases)
    monkeypatch.setattr(module, "PIECE", 120)  # two candidates at a time
    np.testing.assert_array_equal(tally.counts(biases), whole)


def test_at_equal_logits_the_lower_index_wins():
    tally = Tally(np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]), np.array([0, 0]))
    assert tally.answers(np.array([[0.0, 0, 0], [0, 1, 0], [0, 0, 0.5]])).tolist() == [[0, 1], [0, 1], [2, 2]]


def test_no_rows_and_no_numbers_are_refused():
    with pytest.raises(InputError, match="no row"):
        Tally(np.empty((0, 3)), np.empty(0, int))
    with pytest.raises(InputError, match=r"row 2 .* nan"):
        Tally(np.array([[1.0, 0.0], [np.nan, 0.0]]), np.array([0, 1]))
