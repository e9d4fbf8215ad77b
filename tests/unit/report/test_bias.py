import numpy as np
import pytest

from mien.bias.tune import tune
from mien.images import read
from mien.labels import Labels
from mien.report.bias import plot_bias
from mien.scores import Scores


@pytest.fixture(scope="module")
def scores() -> Scores:
    draw = np.random.default_rng(0)
    targets = draw.integers(0, 4, 200)
    logits = draw.normal(size=(200, 4)) + 2 * np.eye(4)[targets] + np.array([0, 0, 0, -2])
    labels = Labels(("calm", "glad", "sad", "cross"))
    return Scores(logits.astype(np.float32), targets, labels, np.arange(200).astype(str))


def drawn(paths) -> dict[str, tuple[int, ...]]:
    return {path.stem: read(path).shape for path in paths}


def test_four_pictures_of_a_labelled_search(scores, tmp_path):
    found = tune(scores, max_accuracy_loss=0.01, trials=150, folds=2, draws=50)
    shapes = drawn(plot_bias(found, scores, tmp_path))
    assert set(shapes) == {"space", "heat", "distribution", "recall"}
    for name, shape in shapes.items():
        assert min(shape[:2]) > 300, name
        assert read(tmp_path / f"{name}.png").std() > 5, name


def test_the_pictures_leave_the_tuning_as_it_was(scores, tmp_path):
    found = tune(scores, trials=100, folds=0, draws=0)
    before = found.to_dict()
    plot_bias(found, scores, tmp_path)
    assert found.to_dict() == before


def test_one_class_has_no_heat_map_and_no_labels_no_recall(scores, tmp_path):
    one = tune(scores, classes=["cross"], trials=50, folds=0, draws=0)
    assert set(drawn(plot_bias(one, scores, tmp_path / "one"))) == {"space", "distribution", "recall"}
    blind = Scores(scores.logits, np.full(200, -1), scores.labels, scores.ids)
    spread = tune(blind, objective="distribution", target={}, trials=50, folds=0, draws=0)
    assert set(drawn(plot_bias(spread, blind, tmp_path / "blind"))) == {"space", "heat", "distribution"}
