"""``mien cross``: the files it leaves, and mistakes."""

import json
import sys

import pytest

from mien.data.toy import draw
from mien.labels import Labels


@pytest.fixture(autouse=True)
def same_process(monkeypatch):
    """The command starts itself again with other settings of the allocator; a test must stay."""
    monkeypatch.setattr(sys.modules["mien.cli.cross"], "keep_memory", lambda: None)


def test_numbers_and_files(mien, tmp_path):
    draw(tmp_path, 48, labels=Labels(("happy", "surprise")), subjects=24, size_px=24, domains=2)
    values = ["--set", "schedule.epochs=1", "--trainings", "all", "--bootstrap", "50", "--threads", "1"]
    done = mien("cross", "toy", "--data", "faces.csv", "--out", "run", *values, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["groups"], [training["name"] for training in found["trainings"]]) == (["studio", "webcam"], ["all"])
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"all", "manifest.csv", "cross.json", "cross.csv", "cross.png"}
    again = mien("cross", "toy", "--data", "faces.csv", "--out", "run", *values)
    assert again.code == 0, again.err
    assert "webcam" in again.out
    assert "this run has ended already" in again.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--seeds", "0,x"], "different whole numbers"),
        (["--trainings", "one"], "alone, without, all"),
        (["--domain", "place"], "no column 'place'"),
        ([], "only studio"),
    ],
)
def test_mistakes(mien, tmp_path, options, reason):
    draw(tmp_path, 40, labels=Labels(("happy", "surprise")), subjects=20, size_px=24)
    done = mien("cross", "toy", "--data", "faces.csv", "--out", "run", *options)
    assert done.code == 2
    assert reason in " ".join(done.err.split())
