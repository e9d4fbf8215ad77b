import numpy as np
import pytest

from mien.bias.gain import effect
from mien.bias.objectives import Objective
from mien.errors import InputError
from mien.labels import Labels

LABELS = Labels(("a", "b"))
TARGETS = np.array([0] * 80 + [1] * 20)
BEFORE = np.array([0] * 80 + [0] * 12 + [1] * 8)
AFTER = np.array([1] * 4 + [0] * 76 + [0] * 4 + [1] * 16)


def test_before_after_and_the_counts_by_hand():
    found = effect(TARGETS, BEFORE, AFTER, LABELS, Objective("macro_recall"), draws=0)
    assert found.rows == 100
    assert found.before.tolist() == [[80, 0], [12, 8], [0, 0]]
    assert found.after.tolist() == [[76, 4], [4, 16], [0, 0]]
    assert found.gains["accuracy"].gain == pytest.approx(0.04)
    assert found.gains["macro_recall"].after == pytest.approx((0.95 + 0.8) / 2)
    assert (found.recall["b"].before, found.recall["b"].after) == (0.4, 0.8)
    assert found.to_dict(LABELS)["recall"]["a"]["low"] is None
    assert found.to_dict(LABELS)["answered"]["b"] == {"before": 8, "after": 20}


def test_the_interval_is_that_of_rows_drawn_with_both_answers():
    found = effect(TARGETS, BEFORE, AFTER, LABELS, Objective("accuracy"), draws=4000, seed=1).gains["accuracy"]
    draw = np.random.default_rng(5)
    change = (AFTER == TARGETS).astype(float) - (BEFORE == TARGETS)
    drawn = [change[draw.integers(0, 100, 100)].mean() for _ in range(4000)]
    np.testing.assert_allclose([found.low, found.high], np.quantile(drawn, [0.025, 0.975]), atol=0.011)


def test_whole_persons_make_the_interval_wider():
    people = np.array([f"p{row // 10}" for row in range(100)])
    options = {"draws": 2000, "seed": 0}
    alone = effect(TARGETS, BEFORE, AFTER, LABELS, Objective("accuracy"), **options).gains["accuracy"]
    together = effect(TARGETS, BEFORE, AFTER, LABELS, Objective("accuracy"), groups=people, **options).gains["accuracy"]
    assert together.high - together.low > 1.3 * (alone.high - alone.low)


def test_rows_without_a_label_have_a_distribution_only():
    nothing = np.full(100, -1)
    found = effect(nothing, BEFORE, AFTER, LABELS, Objective("distribution", np.array([0.8, 0.2])), draws=50)
    assert list(found.gains) == ["distribution"]
    assert found.gains["distribution"].after == pytest.approx(1.0)
    assert not found.recall


def test_one_draw_is_no_interval():
    with pytest.raises(InputError, match="1 draw"):
        effect(TARGETS, BEFORE, AFTER, LABELS, Objective("accuracy"), draws=1)
