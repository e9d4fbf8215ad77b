"""``mien export``: what it says of folders that cannot be exported. (A whole export: test_train.py.)"""

import sys

import pytest

from mien.recipe import Recipe
from mien.rundir import RunDir


def test_torch_that_is_missing(mien, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    done = mien("export", "run")
    assert done.code == 2
    assert "exporting a run needs torch" in done.err
    assert "pip install 'mien[lab]'" in done.err


def test_a_folder_that_is_no_run(mien, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "pictures").mkdir()
    for name in ("pictures", "nothing"):
        done = mien("export", name)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"mien: {name}: not a run folder, data.json is missing\n"
    assert list((tmp_path / "pictures").iterdir()) == []


def test_a_run_without_an_epoch(mien, tmp_path):
    pytest.importorskip("torch")
    run = RunDir(tmp_path / "run")
    run.path.mkdir()
    small = {"preprocess": {"size_px": 32}, "model": {"backbone": "timm:test_efficientnet"}}
    run.recipe.write_text(Recipe.model_validate(small).to_yaml())
    run.write_json(run.data, {"classes": ["happy", "sad"], "label_set": "custom"})
    done = mien("export", "run", "--out", "mine.onnx")
    assert done.code == 2
    assert "no epoch has ended yet" in done.err
    assert not (tmp_path / "mine.onnx").exists()
