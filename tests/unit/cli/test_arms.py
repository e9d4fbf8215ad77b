"""``mien arms``: the files it leaves, and mistakes."""

import json
import sys

import pytest

from mien.data.toy import draw
from mien.labels import Labels


@pytest.fixture(autouse=True)
def same_process(monkeypatch):
    """The command starts itself again with other settings of the allocator; a test must stay."""
    monkeypatch.setattr(sys.modules["mien.cli.arms"], "keep_memory", lambda: None)


def test_numbers_and_files(mien, tmp_path):
    faces = draw(tmp_path, 40, labels=Labels(("happy", "surprise")), subjects=20, size_px=24)
    faces.with_columns(split=["train"] * 24 + ["val"] * 16).save(tmp_path / "faces.csv")
    values = ["--set", "schedule.epochs=1", "--change", "soft:loss.smoothing=0.1", "--seeds", "0", "--split", "val"]
    arms = ["--arm", "plain", "--arm", "soft", "--out", "run", "--bootstrap", "50", "--threads", "1"]
    done = mien("arms", "toy", "--data", "faces.csv", *arms, *values, "--json")
    assert done.code == 0, done.err
    assert [arm["name"] for arm in json.loads(done.out)["arms"]] == ["plain", "soft"]
    assert {"comparison.json", "history.png"} <= {path.name for path in (tmp_path / "run").iterdir()}
    assert "smoothing: 0.1" in (tmp_path / "run" / "soft" / "seed-0" / "recipe.yaml").read_text(encoding="utf-8")
    again = mien("arms", "toy", "--data", "faces.csv", *arms, *values)
    assert again.code == 0, again.err
    assert "soft" in again.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--arm", "a"], "which data"),
        (["--arm", "a=x.csv", "--arm", "a=y.csv"], "another arm of this name"),
        (["--arm", "a=", "--arm", "b"], "expected NAME=MANIFEST"),
        (["--arm", "a=x.csv", "--arm", "b=y.csv", "--change", "c:loss.gamma=1"], "a, b"),
        (["--arm", "a=x.csv", "--arm", "b=y.csv", "--seeds", "0,0"], "different whole numbers"),
    ],
)
def test_mistakes(mien, options, reason):
    done = mien("arms", "toy", *options, "--out", "out")
    assert done.code == 2
    assert reason in " ".join(done.err.split())
