"""Pictures of comparisons are there, and show what they should."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from mien.errors import InputError
from mien.evaluate.compare import compare
from mien.evaluate.paired import Arm
from mien.images import read
from mien.labels import Labels
from mien.report import compare as pictures
from mien.report.history import plot_histories
from mien.scores import Scores

LABELS = Labels(("a", "b", "c"))
IDS = np.array([f"{row}.png" for row in range(90)])


def arm(name, *rights) -> Arm:
    truth = np.arange(90) % 2  # no c
    runs = []
    for seed, right in enumerate(rights):
        is_right = np.random.default_rng(seed).random(90) < right
        logits = np.eye(3, dtype=np.float32)[np.where(is_right, truth, 2)]
        runs.append(Scores(logits, truth, LABELS, IDS))
    return Arm(name, tuple(runs))


def test_two_models(tmp_path):
    written = pictures.plot_comparison(compare([arm("old", 0.5), arm("new", 0.9)], draws=20), tmp_path / "deep")
    names = ["arms.png", "differences.png", "classes.png", "confusion_old_new.png"]
    assert [path.name for path in written] == names
    assert all(min(read(path).shape[:2]) > 100 for path in written)


def test_names_that_are_no_file_names(tmp_path):
    arms = [arm("runs/a b", 0.5, 0.6), arm("../new", 0.9), arm("c", 0.7)]
    written = pictures.plot_comparison(compare(arms, draws=20), tmp_path)
    assert [path.name for path in written[3:]] == [
        "confusion_runs-a-b_..-new.png",
        "confusion_runs-a-b_c.png",
        "confusion_..-new_c.png",
    ]
    assert all(path.parent == tmp_path for path in written)


@pytest.fixture
def drawn(monkeypatch):
    """The figure in place of a file."""
    found = []
    for module in ("compare", "history"):
        monkeypatch.setattr(f"mien.report.{module}.save", lambda figure, path: found.append(figure) or path)
    yield found
    plt.close("all")


def test_what_stands_in_the_pictures(drawn):
    found = compare([arm("old", 0.5, 0.55), arm("new", 0.9)], draws=20)
    pictures.plot_arms(found, "x.png")
    assert [text.get_text() for text in drawn[-1].axes[0].get_yticklabels()] == ["old (2 trainings)", "new"]
    pictures.plot_differences(found, "x.png")
    assert [text.get_text() for text in drawn[-1].axes[0].get_yticklabels()] == ["new − old"]
    marker = drawn[-1].axes[0].get_lines()[-1]
    assert marker.get_xdata()[0] == pytest.approx(100 * found.pairs[0].differences["accuracy"].value)
    pictures.plot_classes(found, "x.png")
    heights = [bar.get_height() for bar in drawn[-1].axes[0].patches]
    assert heights == pytest.approx([*found.arms[0].recall[:2], *found.arms[1].recall[:2]])
    pictures.plot_confusion_change(found, found.pairs[0], "x.png")
    texts = [text.get_text() for text in drawn[-1].axes[0].texts]
    assert texts[6:] == ["–"] * 3  # nothing is labelled c
    assert texts[0] == f"{found.pairs[0].confusion_points[0, 0]:+.1f}"


def test_curves_of_several_runs(drawn):
    log = [{"epoch": epoch, "train": {"loss": 1 / epoch}, "val": {"accuracy": 0.1 * epoch}} for epoch in (1, 2, 3)]
    plot_histories({"old": [log, log[:2]], "new": [log]}, "x.png")
    loss, accuracy = drawn[-1].axes[0], drawn[-1].axes[2]
    assert [len(line.get_xdata()) for line in accuracy.get_lines()] == [3, 2, 3]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["old", "new"]
    assert not drawn[-1].axes[1].get_lines()
    with pytest.raises(InputError, match="no epoch of these runs has ended"):
        plot_histories({"old": [[]], "new": []}, "x.png")
