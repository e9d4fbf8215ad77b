"""Areas under curves, against hand-made cases, scikit-learn and pairwise counting."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from mien.evaluate.ranking import rank


def test_by_hand():
    # falling scores: class, rest, class. One of two pairs is in order; precision 1 at recall 1/2, 2/3 at recall 1.
    ranking = rank(np.array([0.7, 0.9, 0.8]), np.array([True, True, False]))
    assert ranking.roc_auc == pytest.approx(0.5)
    assert ranking.pr_auc == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_all_equal_scores_tell_nothing():
    ranking = rank(np.full(10, 0.3), np.arange(10) < 4)
    assert ranking.roc_auc == pytest.approx(0.5)
    assert ranking.pr_auc == pytest.approx(0.4)


@pytest.mark.parametrize("is_class", [np.zeros(4, bool), np.ones(4, bool), np.zeros(0, bool)])
def test_nothing_to_tell_apart(is_class):
    ranking = rank(np.linspace(0, 1, len(is_class)), is_class)
    assert np.isnan([ranking.roc_auc, ranking.pr_auc]).all()


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_like_scikit_learn_with_ties(levels, dtype):
    generator = np.random.default_rng(levels)
    truth = generator.random(500) < 0.1
    values = (generator.integers(0, levels, 500) / levels + 0.1 * truth).astype(dtype)
    ranking = rank(values, truth)
    assert ranking.roc_auc == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
    assert ranking.pr_auc == pytest.approx(average_precision_score(truth, values), abs=1e-12)
    pairs = values[truth][:, None] - values[~truth][None, :]
    assert ranking.roc_auc == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2, abs=1e-12)


def test_curves_like_scikit_learn():
    generator = np.random.default_rng(3)
    truth, values = generator.random(300) < 0.3, generator.integers(0, 40, 300) / 40
    ranking = rank(values, truth)
    alarms, hits, _ = roc_curve(truth, values, drop_intermediate=False)
    np.testing.assert_allclose(ranking.roc(), (alarms, hits))
    precision, recall, _ = precision_recall_curve(truth, values)
    np.testing.assert_allclose(ranking.precision_recall(), (recall[-2::-1], precision[-2::-1]))
