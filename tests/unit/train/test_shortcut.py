"""`train_model`: every way to say what is wanted, the same mistakes as the command, and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.unit.train.conftest import QUICK

import mien
from mien.data.sources.toy import toy_faces
from mien.errors import InputError, ManifestError, MissingExtra, RecipeError, RunError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import run as running
from mien.train.shortcut import Trained

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is asked of the training, which does not take place."""
    found: dict[str, Any] = {}

    def train(recipe: Recipe, manifest: Manifest, out: Any, **options: Any) -> RunDir:
        found.update(recipe=recipe, manifest=manifest, out=Path(out), **options)
        options["say"]("resuming after epoch 1 [of 3]")
        return RunDir(out)

    monkeypatch.setattr(running, "train", train)
    return found


@pytest.fixture(scope="module")
def trained(toy_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("runs") / "quick"
    return mien.train_model({**QUICK, "manifest": toy_manifest, "out": out}, "cpu", progress=False)


def test_a_shipped_recipe_by_name(asked: dict[str, Any], toy_manifest: Path):
    done = mien.train_model("toy", data=toy_manifest)
    assert asked["recipe"] == Recipe.load("toy")
    assert len(asked["manifest"]) == 96
    assert (asked["device"], asked["fresh"], asked["out"]) == ("auto", False, Path("runs/toy"))
    assert (done.run.path, done.model) == (Path("runs/toy"), Path("runs/toy/model.onnx"))


def test_two_positional_arguments_say_everything(asked: dict[str, Any], toy_manifest: Path):
    parts = {"manifest": toy_manifest, "out": "here", "extends": "toy", "schedule": {"epochs": 2}}
    mien.train_model(parts, torch.device("cpu"))
    recipe = asked["recipe"]
    assert (recipe.schedule.epochs, recipe.schedule.name, recipe.model.backbone) == (2, "onecycle", "timm:test_resnet")
    assert (asked["device"], asked["out"], len(asked["manifest"])) == ("cpu", Path("here"), 96)
    assert parts == {"manifest": toy_manifest, "out": "here", "extends": "toy", "schedule": {"epochs": 2}}


def test_a_file_a_recipe_and_changes(asked: dict[str, Any], toy_manifest: Path, tmp_path: Path):
    manifest = Manifest.load(toy_manifest)
    (tmp_path / "mine.yaml").write_text("schedule: {epochs: 7}\n")
    mien.train_model(tmp_path / "mine.yaml", data=manifest, fresh=True)
    assert (asked["recipe"].name, asked["recipe"].schedule.epochs, asked["fresh"]) == ("mine", 7, True)
    assert asked["manifest"] is manifest
    given = Recipe.model_validate(QUICK)
    mien.train_model(given, data=manifest)
    assert asked["recipe"] == given
    mien.train_model(given, data=manifest, set=["schedule.epochs=4", "runtime.batch=8"])
    assert (asked["recipe"].schedule.epochs, asked["recipe"].runtime.batch, given.schedule.epochs) == (4, 8, 3)
    mien.train_model(given, data=manifest, set="schedule.epochs=5")
    assert asked["recipe"].schedule.epochs == 5


def test_all_mistakes_at_once(asked: dict[str, Any]):
    with pytest.raises(RecipeError) as caught:
        mien.train_model(
            {"model": {"backbone": "plain84"}, "loss": {"smooting": 0.1}, "epochs": 3},
            data="missing.csv",
            set=["runtime.batch=1"],
        )
    assert sorted(line.split(":")[0] for line in caught.value.mistakes) == [
        "epochs", "loss.smooting", "model.backbone", "runtime.batch",
    ]  # fmt: skip
    told = str(caught.value)
    assert "did you mean 'plain48'?" in told
    assert "epochs: unknown key; did you mean schedule.epochs?" in told
    assert not asked


def test_a_misspelt_manifest_is_told(asked: dict[str, Any]):
    with pytest.raises(RecipeError, match=r"manifst: unknown key; did you mean manifest\?"):
        mien.train_model({"extends": "toy", "manifst": "faces.csv"}, "cpu")


def test_what_is_missing_or_given_twice(asked: dict[str, Any], toy_manifest: Path):
    with pytest.raises(InputError, match="no data to train on: name a manifest"):
        mien.train_model("toy")
    with pytest.raises(InputError, match="manifest is given twice"):
        mien.train_model({"manifest": toy_manifest}, data=toy_manifest)
    with pytest.raises(InputError, match="out is given twice"):
        mien.train_model({"manifest": toy_manifest, "out": "a"}, out="b")
    with pytest.raises(ManifestError, match=r"missing\.csv: no such manifest"):
        mien.train_model("toy", data="missing.csv")
    assert not asked


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "device 'gpu': expected auto, cpu, cuda or mps"),
        ("cuda:1", "CUDA_VISIBLE_DEVICES chooses"),
        ("cuda", "there is none that torch can use here; auto takes"),
    ],
)
def test_a_device_that_is_not_there(
    asked: dict[str, Any], toy_manifest: Path, monkeypatch: pytest.MonkeyPatch, device: str, message: str
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=message):
        mien.train_model("toy", device, data=toy_manifest)
    assert not asked


def test_torch_that_is_missing(monkeypatch: pytest.MonkeyPatch, toy_manifest: Path):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mien\[lab\]'"):
        mien.train_model("toy", data=toy_manifest)


def test_lines_are_printed_as_they_are_or_not_at_all(
    asked: dict[str, Any], toy_manifest: Path, capsys: pytest.CaptureFixture[str]
):
    mien.train_model("toy", data=toy_manifest)
    assert capsys.readouterr().out == "resuming after epoch 1 [of 3]\n"
    mien.train_model("toy", data=toy_manifest, progress=False)
    assert capsys.readouterr() == ("", "")


def test_what_a_training_leaves(trained: Trained):
    assert trained.model.stat().st_size > 1000
    assert trained.curves.read_bytes()[:4] == b"\x89PNG"
    assert [record["epoch"] for record in trained.history] == [1, 2, 3]
    best = max(trained.history, key=lambda record: (record["val"]["accuracy"], -record["epoch"]))
    assert (trained.best_epoch, trained.metrics) == (best["epoch"], best["val"])
    assert str(trained).startswith(f"epoch {best['epoch']} of 3, accuracy {best['val']['accuracy']:.1%}: ")
    assert Trained(RunDir(trained.run.path)).best_epoch == trained.best_epoch  # read again, without a training


def test_the_model_answers_at_once(trained: Trained):
    face = toy_faces(1, labels=Labels.named("basic4"), size_px=32, seed=3).images[0]
    recognizer = trained.recognizer(detector="whole", threads=1)
    (reading,) = recognizer.read(face)
    assert recognizer.labels.names == ("angry", "happy", "sad", "neutral")
    assert reading.prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_numbers_are_those_of_the_evaluation(trained: Trained, toy_manifest: Path):
    found = mien.evaluate_model(trained.model, toy_manifest, "val", draws=50, threads=1)
    assert found.raw.metrics.rows == 32
    assert found.raw.metrics.accuracy == pytest.approx(trained.metrics["accuracy"])
    assert "answers to each label" in str(found)
    again = mien.evaluate_model(trained.model, Manifest.load(toy_manifest), "val", draws=0)
    np.testing.assert_array_equal(again.raw.metrics.confusion, found.raw.metrics.confusion)


def test_the_same_call_again_does_not_train_again(trained: Trained, toy_manifest: Path, capsys):
    before = trained.run.log.read_bytes()
    again = mien.train_model(QUICK, "cpu", data=toy_manifest, out=trained.run.path)
    assert "has ended already" in capsys.readouterr().out
    assert trained.run.log.read_bytes() == before
    assert again.metrics == trained.metrics
    with pytest.raises(RunError, match="another recipe"):
        mien.train_model(QUICK, "cpu", data=toy_manifest, out=trained.run.path, set=["optimizer.rate=0.1"])
