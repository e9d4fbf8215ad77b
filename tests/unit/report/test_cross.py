import numpy as np

from mien.evaluate.cross import cross
from mien.evaluate.domains import Group, Training
from mien.labels import Labels
from mien.report.cross import plot_cross
from mien.scores import Scores


def test_matrix_is_drawn(tmp_path):
    groups = (Group("press"), Group("web"))
    scores = Scores(
        np.eye(2, dtype=np.float32)[[0, 1, 0, 0]],
        np.array([0, 1, 0, 1]),
        Labels.of(["happy", "sad"]),
        np.array(list("abcd")),
        domains=np.array(["web", "web", "press", "press"]),
    )
    found = cross({Training("all", "all", groups): [scores], Training("web", "alone", groups[1:]): [scores]}, draws=20)
    path = plot_cross(found, tmp_path / "cross.svg", title="two domains")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<?xml")
