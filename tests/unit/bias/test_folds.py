import numpy as np
import pytest

from mien.bias.folds import folds_of
from mien.errors import InputError


def test_every_class_is_dealt_evenly():
    targets = np.array([0] * 50 + [1] * 13 + [-1] * 7)
    folds = folds_of(targets, 5, seed=3)
    for target in (0, 1, -1):
        counts = np.bincount(folds[targets == target], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert np.bincount(folds).tolist() == [14] * 5


def test_small_classes_do_not_all_go_to_the_first_folds():
    folds = folds_of(np.repeat(np.arange(6), 2), 4, seed=0)
    assert np.bincount(folds).tolist() == [3, 3, 3, 3]


def test_nobody_is_in_two_folds():
    draw = np.random.default_rng(0)
    people = draw.choice([f"p{number}" for number in range(30)] + [""], 400)
    folds = folds_of(draw.integers(0, 3, 400), 4, seed=1, groups=people)
    for name in set(people) - {""}:
        assert len(set(folds[people == name])) == 1
    assert np.bincount(folds, minlength=4).min() > 80


def test_the_same_seed_deals_the_same():
    targets = np.arange(100) % 3
    assert (folds_of(targets, 5, 7) == folds_of(targets, 5, 7)).all()
    assert (folds_of(targets, 5, 7) != folds_of(targets, 5, 8)).any()


def test_too_many_or_too_few_folds():
    with pytest.raises(InputError, match="at least 2"):
        folds_of(np.zeros(10, int), 1, 0)
    with pytest.raises(InputError, match="5 folds of 2 persons"):
        folds_of(np.zeros(10, int), 5, 0, np.array(["a", "b"] * 5))
