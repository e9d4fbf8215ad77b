"""The main path, as a newcomer walks it: draw faces, scan, split, look, train, evaluate, export, predict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli.app import app
from mien.scores import Scores

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")


def test_from_faces_to_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def mien(*arguments: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result.stdout

    mien("data", "toy", "--out", "toy", "--count", "720", "--labels", "happy,sad,surprise", "--folders")
    mien("data", "scan", "toy", "--out", "faces.csv", "--subject-from", r"(toy-\d+)")
    mien("data", "split", "faces.csv", "--group", "subject", "--shares", "train=0.7,val=0.15,test=0.15")
    stats = json.loads(mien("data", "stats", "faces.csv", "--json"))
    assert stats["rows"] == 720

    # three easy classes, a small picture, few epochs; the allocator setting would start this process again
    monkeypatch.setattr("mien.cli.train.keep_memory", lambda: None)
    changes = ["schedule.epochs=8", "preprocess.size_px=32", "runtime.batch=16", "augment.level=0"]
    settings = [part for change in changes for part in ("--set", change)]
    epochs = mien("train", "toy", "--data", "faces.csv", "--out", "run", "--device", "cpu", "--json", *settings)
    assert [json.loads(line)["epoch"] for line in epochs.splitlines() if line.startswith("{")] == [*range(1, 9)]
    assert (tmp_path / "run" / "history.png").stat().st_size > 10_000

    report = json.loads(mien("evaluate", "run/model.onnx", "faces.csv", "--split", "test", "--json"))
    assert report["raw"]["accuracy"] > 0.6, report["raw"]  # chance is one in three
    mien("evaluate", "run/model.onnx", "faces.csv", "--split", "test", "--out", "scores.npz", "--pictures", "pictures")
    scores = Scores.load("scores.npz")
    own = (scores.logits.argmax(1) == scores.targets).mean()
    assert own == pytest.approx(report["raw"]["accuracy"])
    assert list((tmp_path / "pictures").glob("*.png"))

    mien("export", "run", "--out", "mine.onnx")
    folder = next((tmp_path / "toy").rglob("happy"))
    answers = json.loads(mien("predict", str(folder), "--model", "mine.onnx", "--detector", "whole", "--json"))
    named = [picture["faces"][0]["expression"]["label"] for picture in answers["pictures"]]
    assert len(named) == 240
    assert named.count("happy") > 160
