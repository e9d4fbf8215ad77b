"""The pictures are looked at by people; here: they are drawn, whole, from odd numbers too."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.metrics import measure
from mien.images import read
from mien.labels import Labels
from mien.report.plots import plot_all, plot_confusion
from mien.scores import Scores


def metrics_of(classes: int, present: int, rows: int = 60):
    generator = np.random.default_rng(classes)
    labels = Labels(tuple(f"class {index}" for index in range(classes)))
    logits = generator.normal(size=(rows, classes)).astype(np.float32)
    return measure(Scores(logits, generator.integers(0, present, rows), labels, np.full(rows, "x")))


@pytest.mark.parametrize(("classes", "present"), [(2, 2), (3, 1), (11, 9)])
def test_all_are_drawn(tmp_path, classes, present):
    paths = plot_all(metrics_of(classes, present), tmp_path / "pictures", "a title")
    assert [path.name for path in paths] == ["confusion.png", "classes.png", "curves.png"]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == sorted(path.name for path in paths)
    assert all(read(path).std() > 5 for path in paths)


def test_the_diagonal_is_the_darkest(tmp_path):
    labels = Labels(("a", "b"))
    right = measure(Scores(np.eye(2, dtype=np.float32).repeat(5, 0), np.arange(2).repeat(5), labels, np.full(10, "x")))
    image = read(plot_confusion(right, tmp_path / "confusion.png")).mean(axis=2)
    dark = np.argwhere(image < 90)  # the two full cells
    upper = dark[dark[:, 0] < np.median(dark[:, 0])]
    lower = dark[dark[:, 0] > np.median(dark[:, 0])]
    assert upper[:, 1].mean() < lower[:, 1].mean()


def test_svg_has_the_numbers_or_not_at_all(tmp_path):
    path = plot_confusion(metrics_of(2, 2), tmp_path / "confusion.svg")
    assert path.read_text().lstrip().startswith("<?xml")
    with pytest.raises(InputError, match=r"\.pdf"):
        plot_confusion(metrics_of(2, 2), tmp_path / "confusion.doc")
    assert [file.name for file in tmp_path.iterdir()] == ["confusion.svg"]
