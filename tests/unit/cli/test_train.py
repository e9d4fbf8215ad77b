"""``mien train``: mistakes before anything heavy, options that reach the run, output for people and programs."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mien.cli import train as command
from mien.data.toy import draw
from mien.labels import Labels
from mien.rundir import RunDir

BROKEN = "model: {backbone: plain84}\nloss: {smooting: 0.1}\nruntime: {precision: half}\n"


@pytest.fixture(autouse=True)
def same_process(monkeypatch):
    """The allocator's settings would start the tests again."""
    monkeypatch.setattr(command, "keep_memory", lambda: None)


@pytest.fixture
def faces(tmp_path):
    draw(tmp_path, 8, labels=Labels.of(["happy", "sad"]), size_px=48)
    return tmp_path / "faces.csv"


def test_a_broken_recipe_names_all_mistakes_and_touches_nothing(mien, tmp_path):
    (tmp_path / "mine.yaml").write_text(BROKEN)
    done = mien("train", "mine.yaml", "--data", "missing.csv", "--set", "schedule.epochs=0")
    assert (done.code, done.out) == (2, "")
    head, *lines = done.err.splitlines()
    assert head == "mien: mine.yaml: 4 mistakes"
    assert [line.split(":")[0].strip(" -") for line in lines] == [
        "model.backbone", "loss.smooting", "schedule.epochs", "runtime.precision",
    ]  # fmt: skip
    assert not (tmp_path / "runs").exists()


def test_mistakes_are_told_without_torch(tmp_path):
    (tmp_path / "mine.yaml").write_text(BROKEN)
    script = (
        "import sys\nsys.modules['torch'] = None\nsys.argv = ['mien', 'train', 'mine.yaml', '--data', 'x.csv']\n"
        "from mien.cli.app import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "3 mistakes" in done.stderr


def test_torch_that_is_missing(mien, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    done = mien("train", "toy", "--data", "faces.csv")
    assert done.code == 2
    assert "pip install 'mien[lab]'" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("toy", "--data", "faces.csv", "--device", "gpu"), "device 'gpu': expected auto, cpu, cuda or mps"),
        (("toyy", "--data", "faces.csv"), "neither a file nor a shipped recipe; shipped: toy"),
        (("toy", "--data", "faces.csv", "--threads", "0"), "--threads"),
        (("toy",), "--data"),
    ],
)
def test_a_mistake_is_exit_code_2(mien, arguments, message):
    done = mien("train", *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_manifest_that_is_missing(mien):
    pytest.importorskip("torch")
    done = mien("train", "toy", "--data", "missing.csv")
    assert done.code == 2
    assert "missing.csv" in done.err
    assert done.err.count("\n") == 1


@pytest.fixture
def asked(monkeypatch):
    """What the command asks of the training, which does not take place."""
    pytest.importorskip("torch")
    from mien.train import run as running

    asked = {}

    def train(recipe, manifest, out, **options):
        asked.update(recipe=recipe, rows=len(manifest), out=str(out), **options)
        options["say"]("left out: row 3: x[/old]/[a].png is empty")
        return RunDir(out)

    monkeypatch.setattr(running, "train", train)
    return SimpleNamespace(found=asked)


def test_options_reach_the_run(mien, faces, asked):
    done = mien("train", "toy", "--data", faces, "--set", "schedule.epochs=2", "--device", "cpu", "--fresh")
    assert done.code == 0, done.err
    found = asked.found
    assert (found["recipe"].name, found["recipe"].schedule.epochs) == ("toy", 2)
    assert (found["rows"], found["device"], found["fresh"]) == (8, "cpu", True)
    assert found["out"] == os.path.join("runs", "toy")
    assert "left out: row 3: x[/old]/[a].png is empty" in done.out  # brackets are no markup
    assert os.path.join("runs", "toy", "model.onnx") in done.out


def test_json_leaves_standard_output_to_the_log(mien, faces, asked):
    done = mien("train", "toy", "--data", faces, "--out", "here", "--json")
    assert (done.code, done.out) == (0, "")
    assert asked.found["out"] == "here"
    assert "left out" in done.err


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")
def test_a_whole_run_and_its_export(mien, tmp_path):
    pytest.importorskip("torch")
    draw(tmp_path, 24, labels=Labels.of(["happy", "sad"]), size_px=32)
    assert mien("data", "split", "faces.csv", "--shares", "train=0.7,val=0.3").code == 0
    small = ["schedule.epochs=2", "preprocess.size_px=32", "runtime.batch=8", "model.backbone=timm:test_efficientnet"]
    settings = [part for change in small for part in ("--set", change)]
    done = mien("train", "toy", "--data", "faces.csv", "--out", "run", "--device", "cpu", "--json", *settings)
    assert done.code == 0, done.err
    assert [json.loads(line)["epoch"] for line in done.out.splitlines()] == [1, 2]
    again = mien("train", "toy", "--data", "faces.csv", "--out", "run", "--device", "cpu", "--json", *settings)
    assert (again.code, again.out) == (0, "")
    assert "ended already" in again.err
    other = mien("train", "toy", "--data", "faces.csv", "--out", "run", "--device", "cpu")
    assert other.code == 2
    assert "holds a run of another recipe" in other.err

    exported = mien("export", "run", "--out", "new/mine.onnx", "--json")
    assert exported.code == 0, exported.err
    told = json.loads(exported.out)
    assert (told["model"], told["bytes"]) == ("new/mine.onnx", (tmp_path / "new/mine.onnx").stat().st_size)
    assert 0 <= told["parity"] < 1e-3
    assert (tmp_path / "new/mine.onnx").read_bytes() == (tmp_path / "run/model.onnx").read_bytes()
