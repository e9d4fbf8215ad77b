from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from mien.card import KEY, Card
from mien.errors import ManifestError, ParityError, RunError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.runtime.network import Network
from mien.train import export as exporting
from mien.train.precision.convert import Faces, convert
from mien.train.run import train

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")


@pytest.fixture(scope="module")
def finished(toy_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    from tests.unit.train.conftest import QUICK

    out = tmp_path_factory.mktemp("runs") / "quick"
    return train(Recipe.model_validate(QUICK), Manifest.load(toy_manifest), out, device="cpu")


def test_a_run_leaves_a_model_that_knows_itself(finished: RunDir):
    session = onnxruntime.InferenceSession(finished.model, providers=["CPUExecutionProvider"])
    card = Card.from_metadata(session.get_modelmeta().custom_metadata_map, "model")
    assert card.classes == ("angry", "happy", "sad", "neutral")
    assert card.recipe["schedule"]["epochs"] == 3
    assert card.data["rows"] == {"train": 64, "val": 32}
    assert card.prior == (0.25, 0.25, 0.25, 0.25)  # toy faces come in equal shares
    assert "prior" not in card.data
    assert (card.licence, card.data_licence) == ("unknown", "CC0")
    assert card.metrics["selection"]["split"] == "val"
    assert finished.read_json(finished.done)["epochs"] == 3
    for count in (1, 3, 64):
        (logits,) = session.run(None, {"faces": np.zeros((count, 1, 32, 32), np.float32)})
        assert logits.shape == (count, 4)


def test_the_model_file_has_no_traces_of_this_machine(finished: RunDir):
    assert str(Path(torch.__file__).parent.parent).encode() not in finished.model.read_bytes()


def test_a_trained_net_in_eight_bits(finished: RunDir, toy_manifest: Path, tmp_path: Path):
    small = tmp_path / "small.onnx"
    found = convert(finished.model, small, "int8", Faces(Manifest.load(toy_manifest)), max_loss=100, threads=1)
    assert found.pictures == 32
    assert found.agreement is not None
    assert found.agreement > 0.9
    assert small.stat().st_size < 0.6 * finished.model.stat().st_size
    assert Network(small).card.recipe == Network(finished.model).card.recipe


def test_a_finished_run_is_not_repeated(finished: RunDir, toy_manifest: Path):
    before = finished.log.read_bytes()
    again = train(Recipe.load(finished.recipe), Manifest.load(toy_manifest), finished.path, device="cpu")
    assert again.log.read_bytes() == before


def test_a_folder_is_not_taken_from_another_run(finished: RunDir, toy_manifest: Path, tmp_path: Path):
    manifest = Manifest.load(toy_manifest)
    other = Recipe.load(finished.recipe, ["optimizer.rate=0.5"])
    with pytest.raises(RunError, match="another recipe"):
        train(other, manifest, finished.path, device="cpu")
    with pytest.raises(RunError, match="other data"):
        train(Recipe.load(finished.recipe), manifest.take(np.arange(80)), finished.path, device="cpu")
    (tmp_path / "letter.txt").write_text("dear aunt")
    with pytest.raises(RunError, match="not empty"):
        train(other, manifest, tmp_path, device="cpu")


def test_a_missing_file_is_named_with_its_row(quick: Recipe, tmp_path: Path):
    labels = Labels.named("basic4")
    manifest = Manifest.of(
        root=tmp_path, labels=labels, image=["a.png", "b.png"], label=["happy", "sad"], split=["train", "val"]
    )
    with pytest.raises(ManifestError, match=r"row 1: .*a\.png is missing"):
        train(quick, manifest, tmp_path / "run", device="cpu")


def test_a_model_that_computes_something_else_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    card = Card(name="x", classes=("a", "b"), preprocess={"size_px": 8, "channels": 1, "mean": [0.5], "std": [0.5]})
    real = exporting.parity

    def bent(answers, model, shapes):
        with torch.no_grad():
            answers.net[1].bias += 0.1
        return real(answers, model, shapes)

    assert exporting.export(net, card, tmp_path / "good.onnx") < 1e-4
    monkeypatch.setattr(exporting, "parity", bent)
    with pytest.raises(ParityError, match="differs"):
        exporting.export(net, card, tmp_path / "bad.onnx")
    assert not (tmp_path / "bad.onnx").exists()


def test_card_key_is_in_the_metadata(finished: RunDir):
    session = onnxruntime.InferenceSession(finished.model, providers=["CPUExecutionProvider"])
    assert KEY in session.get_modelmeta().custom_metadata_map


def test_kill_9_and_resume_gives_the_same_metrics(finished: RunDir, toy_manifest: Path, tmp_path: Path):
    """The same run, killed after its first epoch, ends with the log and weights of the uninterrupted one."""
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from mien.manifest import Manifest; from mien.recipe import Recipe; from mien.train.run import train\n"
        "train(Recipe.load(sys.argv[1]), Manifest.load(sys.argv[2]), sys.argv[3], device='cpu')\n"
    )
    command = [sys.executable, "-c", script, str(finished.recipe), str(toy_manifest), str(tmp_path / "run")]
    run = RunDir(tmp_path / "run")
    victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 120
    while not run.log.exists() and time.monotonic() < deadline and victim.poll() is None:
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert 1 <= len(run.epochs()) <= 3
    subprocess.run(command, check=True, capture_output=True, timeout=120)

    def numbers(path: Path) -> list[dict]:
        records = [json.loads(line) for line in path.read_text().splitlines()]
        return [{key: record[key] for key in ("epoch", "train", "val", "lr")} for record in records]

    assert numbers(run.log) == numbers(finished.log)
    ours, theirs = (torch.load(path, weights_only=True)["parts"]["net"] for path in (run.best, finished.best))
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=0)
