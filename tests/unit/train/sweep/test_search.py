"""A sweep's decisions with trainings that are computed by hand, and one that is killed with real ones.

Long because the worker that trains by hand serves all of it.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.unit.train.conftest import QUICK

from mien.errors import RecipeError, RunError
from mien.images import read
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train.sweep import crew
from mien.train.sweep.search import sweep
from mien.train.sweep.space import Space

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")

SEARCHES = ["optimizer.rate=log(1e-4, 1e-1)", "loss.smoothing=uniform(0, 0.5)", "augment.level=int(0, 3)"]


def score(recipe: Recipe) -> float:
    """Best at a rate of 0.003 without smoothing."""
    return 0.9 - 0.2 * abs(math.log10(recipe.optimizer.rate / 0.003)) - recipe.loss.smoothing


class ByHand:
    """A worker whose training of epoch e gives e/epochs of the score, one step per message."""

    broken: ClassVar[dict[float, Any]] = {}  # smoothing -> what the training of such a recipe says

    def __init__(self, index: int, folder: Path, threads: int, inbox: queue.Queue) -> None:
        self.index, self.inbox = index, inbox

    def send(self, message: dict[str, Any]) -> None:
        if "recipe" in message:
            self.recipe, self.run = Recipe.model_validate(message["recipe"]), RunDir(message["out"])
            if self.recipe.loss.smoothing in self.broken:
                self.say(self.broken[self.recipe.loss.smoothing])
                return
            self.run.path.mkdir(exist_ok=True)
            self.run.recipe.write_text(self.recipe.to_yaml())
            self.run.log.touch()
        elif message["is_poor"]:
            self.say({"pruned": self.result()})
            return
        epoch, epochs = len(self.run.epochs()) + 1, self.recipe.epochs
        if epoch > epochs:
            self.run.write_json(self.run.done, {"chosen_epoch": epochs})
            self.say({"complete": self.result()})
            return
        value = score(self.recipe) * epoch / epochs
        with self.run.log.open("a") as log:
            log.write(json.dumps({"epoch": epoch, "val": {self.recipe.runtime.metric: value}, "seconds": 1.0}) + "\n")
        self.say({"epoch": epoch, "value": value})

    def result(self) -> dict[str, Any]:
        from mien.train.sweep.outcome import result

        return result(self.run, self.recipe)

    def say(self, content: dict[str, Any] | None) -> None:
        self.inbox.put(crew.Message(self, content))

    def why_ended(self) -> str:
        return "the training process was ended by signal 9"

    def close(self) -> None:
        pass


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> type[ByHand]:
    monkeypatch.setattr(crew, "Worker", ByHand)
    monkeypatch.setattr(ByHand, "broken", {})
    monkeypatch.setattr("mien.report.sweep.plot_sweep", lambda summary, folder: [])  # drawn in a test of their own
    return ByHand


@pytest.fixture
def space() -> Space:
    return Space.read(Recipe.model_validate({**QUICK, "schedule": {"epochs": 4}}), SEARCHES)


def test_a_sweep_finds_better_values_and_knows_its_start(by_hand, space, toy_manifest, tmp_path):
    lines: list[str] = []
    found = sweep(space, toy_manifest, tmp_path / "s", trials=12, pruner="none", say=lines.append)
    first, best = found["trials"][0], found["trials"][found["best"]]
    assert found["counts"] == {"complete": 12, "pruned": 0, "failed": 0, "running": 0}
    assert (found["start"], first["values"]) == (
        0,
        {"optimizer.rate": 4e-3, "loss.smoothing": 0.0, "augment.level": 1},
    )
    assert best["value"] == max(score(space.recipe_at(trial["values"])) for trial in found["trials"])
    assert {trial["epochs"] for trial in found["trials"]} == {4}
    assert {trial["seconds"] for trial in found["trials"]} == {4.0}
    assert len(lines) == 12
    assert "the recipe as it is" in lines[0]
    # the files say the same
    folder = tmp_path / "s"
    assert json.loads((folder / "sweep.json").read_text()) == found
    assert Recipe.load(folder / "trial-000" / "recipe.yaml") == space.recipe
    assert Recipe.load(folder / "best.yaml") == space.recipe_at(best["values"])
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert [float(row["accuracy"]) for row in rows] == [trial["value"] for trial in found["trials"]]
    assert [float(row["optimizer.rate"]) for row in rows] == [
        trial["values"]["optimizer.rate"] for trial in found["trials"]
    ]
    # smoothing costs up to half of the score, the level nothing
    assert sum(found["importance"].values()) == pytest.approx(1, abs=1e-3)
    assert list(found["importance"])[-1] == "augment.level"
    # 32 pictures to choose by: 1.96 standard deviations of a share of them
    assert found["margin"] == pytest.approx(1.96 * math.sqrt(best["value"] * (1 - best["value"]) / 32), abs=1e-4)


def test_of_a_distance_the_smallest_is_the_best(by_hand, toy_manifest, tmp_path):
    recipe = {"task": "gan", "preprocess": QUICK["preprocess"], "runtime": {"metric": "fid"}, "schedule": {"epochs": 2}}
    space = Space.read(Recipe.model_validate(recipe), ["optimizer.rate=log(1e-4, 1e-1)"])
    lines: list[str] = []
    found = sweep(space, toy_manifest, tmp_path / "s", trials=6, pruner="none", say=lines.append)
    values = [trial["value"] for trial in found["trials"]]
    assert found["trials"][found["best"]]["value"] == min(values) < max(values)
    assert f"fid {values[0]:.2f}" in lines[0]


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_a_stopped_sweep_ends_as_if_it_had_not_been_stopped(by_hand, space, toy_manifest, tmp_path, sampler):
    whole = sweep(space, toy_manifest, tmp_path / "whole", trials=8, sampler=sampler, seed=3)
    for calls in (2, 9, 17):  # while the first trial runs, and later ones
        left = iter(range(calls))

        def stop(record: Any, left: Any = left) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            real = ByHand.send
            patch.setattr(ByHand, "send", lambda self, message, real=real: (stop(message), real(self, message)))
            with pytest.raises(KeyboardInterrupt):
                sweep(space, toy_manifest, tmp_path / "parts", trials=8, sampler=sampler, seed=3)
        assert not (tmp_path / "parts" / "sweep.json").exists() or calls > 2
    lines: list[str] = []
    parts = sweep(space, toy_manifest, tmp_path / "parts", trials=8, sampler=sampler, seed=3, say=lines.append)
    assert parts == whole
    assert "goes on where it was stopped" in lines[0]
    # more trials later: the eight stay
    more = sweep(space, toy_manifest, tmp_path / "parts", trials=10, sampler=sampler, seed=3)
    assert more["trials"][:8] == whole["trials"]
    assert more["counts"]["complete"] + more["counts"]["pruned"] == 10


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_poor_trials_are_given_up_and_keep_their_log(by_hand, space, toy_manifest, tmp_path, pruner):
    found = sweep(space, toy_manifest, tmp_path / "s", trials=16, sampler="random", pruner=pruner)
    pruned = [trial for trial in found["trials"] if trial["state"] == "pruned"]
    assert pruned
    assert found["trials"][0]["state"] == "complete"
    for trial in pruned:
        assert trial["value"] is None
        assert 1 <= trial["epochs"] < 4
        assert len(RunDir(tmp_path / "s" / trial["folder"]).epochs()) == trial["epochs"]
        assert trial["last_value"] == pytest.approx(score(space.recipe_at(trial["values"])) * trial["epochs"] / 4)
    assert found["trials"][found["best"]]["state"] == "complete"


def test_a_grid_is_tried_once_and_no_more(by_hand, toy_manifest, tmp_path):
    recipe = Recipe.model_validate({**QUICK, "schedule": {"epochs": 1}})
    space = Space.read(recipe, ["loss.smoothing=uniform(0, 0.2, 0.1)", "optimizer.name=choice(adamw, sgd)"])
    lines: list[str] = []
    found = sweep(space, toy_manifest, tmp_path / "s", trials=50, sampler="grid", say=lines.append)
    tried = [tuple(trial["values"].values()) for trial in found["trials"]]
    assert sorted(tried) == sorted((smoothing, name) for smoothing in (0.0, 0.1, 0.2) for name in ("adamw", "sgd"))
    assert lines[-1] == "the space holds nothing that was not tried"
    # a sampler that knows no end of the space does not train the same values twice either
    other = sweep(space, toy_manifest, tmp_path / "tpe", trials=50)
    assert sorted(tuple(trial["values"].values()) for trial in other["trials"]) == sorted(tried)


def test_failed_trials_are_told_and_do_not_count(by_hand, toy_manifest, tmp_path):
    by_hand.broken = {0.1: {"failed": "the loss is nan", "is_fatal": False}, 0.3: None}  # None: its process died
    space = Space.read(Recipe.model_validate(QUICK), ["loss.smoothing=uniform(0, 0.5, 0.1)"])
    found = sweep(space, toy_manifest, tmp_path / "s", trials=6, sampler="grid", jobs=2)
    assert found["counts"] == {"complete": 4, "pruned": 0, "failed": 2, "running": 0}
    errors = {trial["values"]["loss.smoothing"]: trial["error"] for trial in found["trials"] if trial["error"]}
    assert errors == {0.1: "the loss is nan", 0.3: "the training process was ended by signal 9"}


def test_a_sweep_in_which_nothing_runs_stops(by_hand, toy_manifest, tmp_path):
    recipe = Recipe.model_validate({**QUICK, "loss": {"smoothing": 0.7}})  # outside: no trial is the start
    space = Space.read(recipe, ["loss.smoothing=uniform(0, 0.5, 0.1)"])
    by_hand.broken = {index / 10: {"failed": "the loss is nan", "is_fatal": False} for index in range(6)}
    with pytest.raises(RunError, match="3 trials in a row failed, the last with: the loss is nan"):
        sweep(space, toy_manifest, tmp_path / "s", sampler="grid")
    by_hand.broken = {index / 10: {"failed": "row 17: no such file", "is_fatal": True} for index in range(6)}
    with pytest.raises(RunError, match="no trial can run: row 17"):
        sweep(space, toy_manifest, tmp_path / "t", sampler="grid")


def test_a_start_that_cannot_be_trained_is_tried_again(by_hand, space, toy_manifest, tmp_path):
    by_hand.broken = {0.0: {"failed": "no memory", "is_fatal": False}}
    with pytest.raises(RunError, match="the recipe as it is cannot be trained: no memory"):
        sweep(space, toy_manifest, tmp_path / "s", trials=2)
    by_hand.broken = {}
    found = sweep(space, toy_manifest, tmp_path / "s", trials=2)
    assert (found["start"], found["counts"]["complete"], found["counts"]["failed"]) == (0, 2, 0)


def test_a_folder_is_not_taken_from_another_sweep(by_hand, space, toy_manifest, tmp_path):
    sweep(space, toy_manifest, tmp_path / "s", trials=1)
    with pytest.raises(RunError, match="another search and seed"):
        sweep(Space.read(space.recipe, SEARCHES[:2]), toy_manifest, tmp_path / "s", seed=1)
    (tmp_path / "letter").mkdir()
    (tmp_path / "letter" / "letter.txt").write_text("dear aunt")
    with pytest.raises(RunError, match="not a sweep"):
        sweep(space, toy_manifest, tmp_path / "letter")

    def again(what: str, done: int, total: int) -> None:
        sweep(space, toy_manifest, tmp_path / "s", trials=2)

    with pytest.raises(RunError, match="another sweep is at work"):
        sweep(space, toy_manifest, tmp_path / "s", trials=2, progress=again)


def test_odd_folder_names(by_hand, space, toy_manifest, tmp_path):
    folder = tmp_path / "a {b} 100%20 ?c"
    sweep(space, toy_manifest, folder, trials=1)
    assert (folder / "study.db").stat().st_size > 0


def test_values_that_do_not_go_together_fail_alone(by_hand, toy_manifest, tmp_path):
    recipe = Recipe.model_validate(QUICK)
    space = Space.read(recipe, ["optimizer.sam=choice(0, 0.05)", "runtime.accumulate=choice(1, 2)"])
    found = sweep(space, toy_manifest, tmp_path / "s", trials=4, sampler="grid")
    (failed,) = [trial for trial in found["trials"] if trial["state"] == "failed"]
    assert failed["values"] == {"optimizer.sam": 0.05, "runtime.accumulate": 2}
    assert "do not go together" in failed["error"]


class Script:
    """The sweep's end of a worker's line: notes what is said, calls an epoch poor from one on."""

    def __init__(self, poor_from: int) -> None:
        self.said: list[dict[str, Any]] = []
        self.poor_from = poor_from

    def say(self, **message: Any) -> None:
        self.said.append(message)

    def hear(self) -> dict[str, Any]:
        return {"is_poor": self.said[-1]["epoch"] >= self.poor_from}


def test_a_real_trial_is_an_ordinary_run(toy_manifest, tmp_path, monkeypatch):
    from mien.train.sweep.worker import run_trial

    monkeypatch.setattr("mien.train.run.export_run", lambda run: 0.0)  # has tests of its own, and takes long
    recipe = Recipe.model_validate({**QUICK, "schedule": {"epochs": 2}})
    task = {"recipe": json.loads(recipe.model_dump_json()), "device": "cpu"}
    poor, whole = Script(1), Script(9)
    run_trial({**task, "out": str(tmp_path / "poor")}, Manifest.load(toy_manifest), poor)
    run = RunDir(tmp_path / "poor")
    assert poor.said[-1]["pruned"]["epochs"] == len(run.epochs()) == 1
    assert poor.said[-1]["pruned"]["value"] == run.epochs()[0]["val"]["accuracy"]
    assert not run.cache.exists()
    assert not run.is_done
    assert read(run.history).std() > 1
    run_trial({**task, "out": str(tmp_path / "whole")}, Manifest.load(toy_manifest), whole)
    run = RunDir(tmp_path / "whole")
    assert [message["epoch"] for message in whole.said if "epoch" in message] == [1, 2]
    assert whole.said[-1]["complete"]["value"] == max(record["val"]["accuracy"] for record in run.epochs())
    assert run.is_done
    assert run.epochs()[0]["val"] == RunDir(tmp_path / "poor").epochs()[0]["val"]


#: A worker without a training: two epochs, of which the second takes long. Ends with its input, as the real one does.
SLOW = """
import json, os, sys, threading, time
from pathlib import Path

def answer(task):
    run = Path(task["out"])
    run.mkdir(exist_ok=True)
    log = run / "log.jsonl"
    for epoch in range(len(log.read_text().splitlines()) + 1 if log.exists() else 1, 3):
        if epoch == 2:
            time.sleep(0.3 if os.environ["PATIENCE"] == "short" else 600)
        with log.open("a") as lines:
            lines.write(json.dumps({"epoch": epoch, "val": {"accuracy": epoch / 2}, "seconds": os.getpid()}) + chr(10))
        print(json.dumps({"epoch": epoch, "value": epoch / 2}), flush=True)
    (run / "recipe.yaml").write_text("name: slow")
    print(json.dumps({"complete": {"value": 1.0, "epochs": 2, "seconds": 1.0}}), flush=True)

for line in sys.stdin:
    if "recipe" in json.loads(line):
        threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
"""


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux shows them")
def test_kill_9_in_two_processes_and_go_on(toy_manifest, tmp_path):
    """Two trials at a time; the sweep is killed in the middle, its workers go with it, the same call goes on."""
    (tmp_path / "slow.py").write_text(SLOW)
    script = (
        "import sys; from mien.recipe import Recipe\n"
        "from mien.train.sweep import crew; from mien.train.sweep.space import Space\n"
        "from mien.train.sweep.search import sweep\n"
        "crew.MODULE = 'slow'\n"
        "space = Space.read(Recipe(), ['optimizer.rate=log(1e-4, 1e-2)'])\n"
        "sweep(space, sys.argv[1], sys.argv[2], trials=3, jobs=2, pruner='none')\n"
    )
    command = [sys.executable, "-W", "error::UserWarning", "-c", script, str(toy_manifest), str(tmp_path / "s")]
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "PATIENCE": "none"}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    victim = subprocess.Popen(command, env=environment, **quiet)
    runs, deadline = [RunDir(tmp_path / "s" / f"trial-00{number}") for number in range(3)], time.monotonic() + 120

    def first_epochs() -> list[dict[str, Any]]:
        return [record for run in runs[:2] if run.log.exists() for record in run.epochs()[:1]]

    while len(first_epochs()) < 2 and time.monotonic() < deadline and victim.poll() is None:
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    before = first_epochs()
    workers = {record["seconds"] for record in before}  # this worker logs its process
    assert len(workers) == 2
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_alive, workers))
    again = subprocess.run(command, env={**environment, "PATIENCE": "short"}, capture_output=True, timeout=120)
    assert again.returncode == 0, again.stderr
    found = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert found["counts"] == {"complete": 3, "pruned": 0, "failed": 0, "running": 0}
    assert first_epochs() == before
    assert [len(run.epochs()) for run in runs] == [2, 2, 2]
    assert {path.name for path in (tmp_path / "s").glob("*.png")} == {"history.png", "values.png"}


def test_a_worker_ends_with_its_input(monkeypatch):
    from mien.train.sweep.worker import Line

    ended = threading.Event()
    monkeypatch.setattr("mien.train.sweep.worker.os._exit", lambda code: ended.set())
    said = io.StringIO()
    line = Line(io.StringIO('{"is_poor": false}\n'), said)
    assert line.hear() == {"is_poor": False}
    assert ended.wait(10)
    line.say(epoch=1, value=0.5)
    assert said.getvalue() == '{"epoch": 1, "value": 0.5}\n'


def test_a_process_that_dies_is_told_with_its_last_words(tmp_path, monkeypatch):
    inbox: queue.Queue = queue.Queue()
    monkeypatch.setattr(crew, "MODULE", "mien.no_such_module")
    worker = crew.Worker(0, tmp_path, 1, inbox)
    assert inbox.get(timeout=60).content is None
    assert "No module named mien.no_such_module" in worker.why_ended()
    worker.send({"is_poor": False})
    worker.close()


def test_threads_and_cards_are_shared_out(tmp_path, monkeypatch):
    assert crew.Crew(2, tmp_path, threads=5).threads == 2
    assert crew.Crew(4, tmp_path, threads=1).threads == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert [crew._graphics_card(index)["CUDA_VISIBLE_DEVICES"] for index in range(3)] == ["3", "5", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert crew._graphics_card(0) == {}


def test_optuna_is_left_as_it_was(by_hand, space, toy_manifest, tmp_path, capfd):
    import optuna

    level = optuna.logging.get_verbosity()
    sweep(space, toy_manifest, tmp_path / "s", trials=2)
    assert optuna.logging.get_verbosity() == level
    assert capfd.readouterr() == ("", "")


def test_no_data_to_choose_by(by_hand, toy_manifest, tmp_path):
    recipe = Recipe.model_validate({**QUICK, "data": {"val": "dev"}})
    with pytest.raises(Exception, match="dev"):
        sweep(Space.read(recipe, SEARCHES), toy_manifest, tmp_path / "s")
    assert not (tmp_path / "s").exists()
    with pytest.raises(RecipeError):
        Space.read(recipe, ["data.val=choice(val, dev)"])
