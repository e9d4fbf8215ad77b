"""Arms of one recipe: trained with the same seeds, scored on the same pictures, compared."""

import pytest
from rich.console import Console

from mien.errors import InputError, ManifestError
from mien.evaluate.compare import compare
from mien.manifest import Manifest
from mien.train.arms import ArmPlan, train_arms

QUIET = Console(quiet=True)


def test_arms_are_compared_and_a_second_call_trains_nothing(quick, toy_manifest, tmp_path):
    data = Manifest.load(toy_manifest)
    brief = quick.model_copy(update={"schedule": quick.schedule.model_copy(update={"epochs": 1})})
    soft = brief.model_copy(update={"loss": brief.loss.model_copy(update={"smoothing": 0.2})})
    plans = [ArmPlan("plain", brief, data), ArmPlan("soft", soft, data)]
    arms = train_arms(plans, tmp_path, QUIET, split="val", seeds=(0, 1), threads=1)
    found = compare(arms, draws=100)
    assert [arm.runs for arm in found.arms] == [2, 2]
    assert (found.rows, found.pairs[0].first, found.pairs[0].second) == (32, "plain", "soft")
    assert all(arm.train_seconds for arm in found.arms)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix in (".pt", ".npz")}
    assert len(before) >= 4
    train_arms(plans, tmp_path, QUIET, split="val", seeds=(0, 1), threads=1)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_mistakes_show_before_the_work(quick, toy_manifest, tmp_path):
    data = Manifest.load(toy_manifest)
    with pytest.raises(InputError, match="two or more with different names"):
        train_arms([ArmPlan("a", quick, data)] * 2, tmp_path, QUIET, split="val")
    with pytest.raises(ManifestError, match="test"):
        train_arms([ArmPlan("a", quick, data), ArmPlan("b", quick, data)], tmp_path, QUIET, split="test")
    assert not list(tmp_path.iterdir())
