"""Phases, averages, SAM, several processes, compiling: what a recipe may ask of the loop, through whole runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.errors import RecipeError, RunError
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import state
from mien.train.fit import Fit
from mien.train.run import train

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch"),
    pytest.mark.usefixtures("unexported"),
]


@pytest.fixture(autouse=True)
def no_export(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Exporting takes seconds and is tested elsewhere."""
    monkeypatch.setattr("mien.train.run.export_run", lambda run: 0.0)


def run(quick: Recipe, manifest: Path, out: Path, say: Any = lambda line: None, **parts: Any) -> RunDir:
    recipe = Recipe.load({**quick.model_dump(exclude_unset=True), **parts})
    return train(recipe, Manifest.load(manifest), out, device="cpu", say=say)


TWO = [
    {"name": "weak", "epochs": 2, "optimizer": {"freeze": ["backbone"]}, "sampling": {"classes": ["happy", "sad"]}},
    {"name": "all", "epochs": 2, "optimizer": {"rate": 1e-4, "rates": {"head": 1e-3}}},
]


def weights(run: RunDir, name: str = "last") -> dict[str, torch.Tensor]:
    return state.load(getattr(run, name))["parts"]["net"]


def test_phases_run_one_after_the_other_from_the_chosen_weights(quick, toy_manifest, tmp_path, monkeypatch):
    starts = []
    call = Fit.__call__

    def noting(self):
        starts.append({name: value.clone() for name, value in self.modules["net"].state_dict().items()})
        ended = call(self)
        starts.append(state.load(self.run.best)["parts"]["net"])
        return ended

    monkeypatch.setattr(Fit, "__call__", noting)
    found = run(quick, toy_manifest, tmp_path / "run", phases=TWO)
    records = found.epochs()
    assert [(record["epoch"], record["phase"]) for record in records] == [
        (1, "weak"),
        (2, "weak"),
        (3, "all"),
        (4, "all"),
    ]
    first, chosen, second, _ = starts
    assert all(torch.equal(second[name], chosen[name]) for name in chosen), "the second starts where the first was best"
    moved = {name for name in first if not torch.equal(first[name], chosen[name])}
    assert moved
    assert all(name.startswith("head") for name in moved), "the backbone was frozen, its norms too"
    assert {name.split(".")[0] for name in chosen if not torch.equal(chosen[name], weights(found)[name])} == {
        "backbone",
        "head",
    }
    assert records[0]["images_per_second"] > 0
    assert found.read_json(found.done)["chosen_epoch"] in (3, 4), "the result is that of the last phase"


def test_a_run_killed_between_and_within_phases_goes_on_exactly(quick, toy_manifest, tmp_path, monkeypatch):
    whole = run(quick, toy_manifest, tmp_path / "whole", phases=TWO)
    keep = Fit._keep
    for epoch in (2, 3):

        def killed(self, chosen, epoch=epoch):
            keep(self, chosen)
            if self.progress.epoch == epoch:
                raise KeyboardInterrupt

        monkeypatch.setattr(Fit, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            run(quick, toy_manifest, tmp_path / "parts", phases=TWO)
        monkeypatch.setattr(Fit, "_keep", keep)
    lines: list[str] = []
    parts = run(quick, toy_manifest, tmp_path / "parts", lines.append, phases=TWO)
    assert lines == ["resuming after epoch 3"]
    assert all(torch.equal(value, weights(parts)[name]) for name, value in weights(whole).items())
    for one, other in zip(whole.epochs(), parts.epochs(), strict=True):
        assert {**one, "seconds": 0, "images_per_second": 0} == {**other, "seconds": 0, "images_per_second": 0}


def test_mistakes_in_phases_are_told_with_their_place(quick):
    phases = [
        {"name": "a", "epochs": 1, "augment": {"levle": 3}, "loss": {"name": "focul"}},
        {"name": "b", "epochs": 1, "runtime": {"seed": 4}},
    ]
    with pytest.raises(RecipeError) as told:
        Recipe.load({"phases": phases, "optimizer": {"sam": 0.05}})
    assert told.value.mistakes[0].startswith("phases.0.augment.levle: unknown key; did you mean")
    assert "phases.1.runtime.seed: must be the same in all phases" in told.value.mistakes
    with pytest.raises(RecipeError, match="do not go together"):
        Recipe.load({"optimizer": {"sam": 0.05}, "runtime": {"accumulate": 2}})


def test_the_mean_of_the_last_epochs(quick, toy_manifest, tmp_path, monkeypatch):
    seen = []
    settle = torch.nn.Module.state_dict

    def noting(self, parts, batches, original=None):
        seen.append({name: value.clone() for name, value in settle(parts["net"]).items()})
        return original(self, parts, batches)

    from mien.train.tasks.classify import Classify

    original = Classify.settle
    monkeypatch.setattr(Classify, "settle", lambda self, parts, batches: noting(self, parts, batches, original))
    ends = []
    keep = Fit._keep
    monkeypatch.setattr(
        Fit,
        "_keep",
        lambda self, chosen: (
            ends.append({k: v.clone() for k, v in self.modules["net"].state_dict().items()}),
            keep(self, chosen),
        ),
    )
    found = run(quick, toy_manifest, tmp_path / "run", runtime={"batch": 32, "swa": 2, "select": "last"})
    assert len(ends) == 3
    (mean,) = seen
    for name, value in mean.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (ends[1][name] + ends[2][name]) / 2)
    best = weights(found, "best")
    norms = [name for name in best if name.endswith("running_mean")]
    assert any(not torch.equal(best[name], mean[name]) for name in norms), "statistics of norms are measured anew"
    assert all(torch.equal(best[name], mean[name]) for name in best if name.endswith(("weight", "bias")))


def test_swa_goes_with_no_other_end():
    for key, value in (("ema", 0.9), ("early_stop", 3), ("stop_after", 3)):
        with pytest.raises(RecipeError, match=f"swa and {key} do not go together"):
            Recipe.load({"runtime": {"swa": 2, key: value}})


def test_sharpness_aware_steps_differ_and_repeat(quick, toy_manifest, tmp_path):
    parts = {"augment": {"level": 2, "mixup": 0.2}, "schedule": {"name": "constant", "epochs": 1}}
    plain = run(quick, toy_manifest, tmp_path / "plain", **parts)
    sharp = [run(quick, toy_manifest, tmp_path / name, **parts, optimizer={"rate": 4e-3, "sam": 0.05}) for name in "ab"]
    assert all(torch.equal(value, weights(sharp[1])[name]) for name, value in weights(sharp[0]).items())
    assert any(not torch.equal(value, weights(sharp[0])[name]) for name, value in weights(plain).items())


def test_two_corrections_of_imbalance_are_warned_of(quick, toy_manifest, tmp_path):
    lines: list[str] = []
    run(
        quick,
        toy_manifest,
        tmp_path / "run",
        lines.append,
        schedule={"epochs": 1},
        sampling={"name": "inverse_frequency"},
        loss={"class_weights": "inverse_frequency"},
    )
    assert lines == [
        "warning: imbalance is corrected 2 times over (sampling.name: inverse_frequency, "
        "loss.class_weights: inverse_frequency): keep one of them"
    ]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_out_of_memory_says_what_to_try(quick, toy_manifest, tmp_path, monkeypatch, error):
    def full(self, epoch):
        raise error

    monkeypatch.setattr(Fit, "_epoch", full)
    with pytest.raises(RunError, match=r"batches of 32 at 32 px.*runtime.batch=16 --set runtime.accumulate=2"):
        run(quick, toy_manifest, tmp_path / "run")


def test_other_errors_are_not_taken_for_it(quick, toy_manifest, tmp_path, monkeypatch):
    def broken(self, epoch):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(Fit, "_epoch", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        run(quick, toy_manifest, tmp_path / "run")


def test_a_compiled_net_learns_the_same(quick, toy_manifest, tmp_path, monkeypatch):
    """With the backend that runs the traced graph as it is: what is tested is the loop around it."""
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda net, **_: compile_(net, backend="eager"))
    recipe = Recipe.load({**quick.model_dump(exclude_unset=True), "schedule": {"epochs": 1}})
    plain, compiled = (
        train(recipe, Manifest.load(toy_manifest), tmp_path / str(flag), device="cpu", compiled=flag)
        for flag in (False, True)
    )
    for name, value in weights(plain).items():
        torch.testing.assert_close(weights(compiled)[name], value, rtol=1e-3, atol=1e-4)


def test_a_batch_that_cannot_be_shared_out(quick, toy_manifest, tmp_path):
    recipe = Recipe.load({**quick.model_dump(exclude_unset=True), "runtime": {"batch": 31}})
    with pytest.raises(RecipeError, match="31 cannot be shared out evenly over 2 processes"):
        train(recipe, Manifest.load(toy_manifest), tmp_path / "run", device="cpu", devices=2)


def test_two_processes_measure_what_one_does(toy_manifest, tmp_path):
    """Same global batch, no norm over the batch, nothing drawn in the pictures: the same numbers."""
    recipe = tmp_path / "two.yaml"
    recipe.write_text(
        "preprocess: {size_px: 32, channels: 1, mean: [0.5], std: [0.5]}\n"
        "model: {backbone: 'timm:test_convnext'}\n"
        "optimizer: {name: sgd, rate: 0.1}\n"
        "augment: {level: 0}\n"
        "schedule: {epochs: 2}\n"
        "runtime: {batch: 16, accumulate: 2}\n"
    )
    one = train(Recipe.load(recipe), Manifest.load(toy_manifest), tmp_path / "one", device="cpu")
    script = tmp_path / "two.py"  # a file: each process starts it again
    script.write_text(
        "import sys\n"
        "from mien.manifest import Manifest\n"
        "from mien.recipe import Recipe\n"
        "from mien.train import run\n"
        "run.export_run = lambda folder: 0.0\n"
        "run.train(Recipe.load(sys.argv[1]), Manifest.load(sys.argv[2]), sys.argv[3], device='cpu', devices=2)\n"
    )
    command = [sys.executable, str(script), str(recipe), str(toy_manifest), str(tmp_path / "two")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    two = RunDir(tmp_path / "two")
    for mine, theirs in zip(one.epochs(), two.epochs(), strict=True):
        assert theirs["val"]["loss"] == pytest.approx(mine["val"]["loss"], rel=1e-4)
        assert theirs["val"]["accuracy"] == mine["val"]["accuracy"]
        assert theirs["train"]["loss"] == pytest.approx(mine["train"]["loss"], rel=1e-4)
    found = weights(two)
    for name, value in weights(one).items():
        np.testing.assert_allclose(found[name].numpy(), value.numpy(), rtol=1e-3, atol=1e-5)


def test_classes_without_a_training_picture_are_named(quick, toy_manifest, tmp_path):
    lines: list[str] = []
    run(quick, toy_manifest, tmp_path / "run", lines.append, schedule={"epochs": 1}, data={"labels": "fer7"})
    assert lines == ["no training picture of disgust, fear, surprise: data.labels leaves such classes out"]
