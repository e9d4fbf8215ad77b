"""Search values of a recipe: many trainings, each an ordinary run folder, and what they tell. Loads no torch itself."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mien.atomic import write_text
from mien.errors import RecipeError, RunError, need
from mien.manifest import Manifest
from mien.rundir import RunDir
from mien.train.sweep import outcome
from mien.train.sweep.crew import Crew
from mien.train.sweep.space import Space, check_method

if TYPE_CHECKING:
    from mien.train.sweep.study import Proposal, Study

#: So many failures in a row are no bad luck: the sweep stops.
FAILURES = 3


def sweep(
    space: Space,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    trials: int = 20,
    jobs: int = 1,
    sampler: str = "tpe",
    pruner: str = "median",
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Search a space, or go on with a search that was stopped; the metric is ``runtime.metric`` on the val split.

    Trial 0 is the recipe as it is, when its values lie in the space, and always runs to its end. With one job, a search
    that was stopped ends with the trials and numbers that it would have had without the pause.

    Args:
        space: the recipe, and which of its values to search.
        data: manifest file.
        out: sweep folder; every trial is a run folder in it.
        trials: how many to finish, those of an earlier call included; failed ones do not count.
        jobs: trials at the same time, each in a process of its own.
        sampler: a name of :data:`mien.train.sweep.space.SAMPLERS`.
        pruner: a name of :data:`mien.train.sweep.space.PRUNERS`.
        seed: of the search; that of each training is ``runtime.seed``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``, for all trials.
        threads: CPU threads over all jobs; None: all.
        progress: called while it works: what, done, in all.
        say: called with lines for the user.

    Returns:
        What ``sweep.json`` holds: ``trials``, ``best``, ``start``, ``importance``, ...

    Raises:
        RunError: ``out`` holds another search, or one that is running; or trial after trial fails.
        ManifestError: the data cannot be used.
    """
    check_method(space, sampler, pruner)
    for module in ("optuna", *(["cmaes"] if sampler == "cmaes" else [])):
        need(module, "lab", "a sweep")
    from mien.train.sweep.study import Study

    manifest = Manifest.load(data)
    chosen = manifest.split(space.recipe.data.val)
    manifest.split(space.recipe.data.train)
    folder = Path(out)
    plan = {
        "recipe": space.recipe.model_dump(mode="json"),
        "search": space.forms(),
        "data": manifest.digest(),
        "sampler": sampler,
        "pruner": pruner,
        "seed": seed,
    }
    about = {"rows": len(chosen.frame), "sampler": sampler, "pruner": pruner, "seed": seed}
    task = {"data": str(Path(data).absolute()), "device": device}
    with (
        _claimed(folder, plan),
        Study(folder / "study.db", space, sampler, pruner, seed) as study,
        Crew(jobs, folder, threads) as crew,
    ):
        return _Lead(study, crew, folder, about, task, progress, say).run(trials)


@dataclass
class _Lead:
    """Gives out trials, listens, notes what came of them."""

    study: Study
    crew: Crew
    folder: Path
    about: Mapping[str, Any]
    task: Mapping[str, Any]
    progress: Callable[[str, int, int], None]
    say: Callable[[str], None]
    failures: int = 0

    def run(self, trials: int) -> dict[str, Any]:
        """Work until so many trials are finished."""
        waiting = self.study.interrupted()
        for proposal in waiting:
            self.say(f"trial {proposal.number} goes on where it was stopped")
        is_exhausted = False
        while True:
            done = outcome.finished(self.study)
            self.progress("trials", done, trials)
            if self.crew.has_room and not is_exhausted and done + len(self.crew.busy) < trials:
                following = waiting.pop(0) if waiting else self.study.propose()
                if following is None:
                    is_exhausted = True
                    self.say("the space holds nothing that was not tried")
                else:
                    self._start(following)
            elif self.crew.busy:
                self._listen()
            else:
                return self._write()

    def _start(self, proposal: Proposal) -> None:
        """Give a trial to a worker, unless its values do not go together or it had looked too poor before a stop."""
        number, space = proposal.number, self.study.space
        run = RunDir(outcome.folder_of(self.folder, number))
        try:
            is_start = number == outcome.start_of(self.study)
            recipe = space.recipe if is_start else space.recipe_at(proposal.values)
        except RecipeError as error:
            self._failed(number, "; ".join(error.mistakes))
            return
        is_poor = False
        for record in run.epochs() if run.log.exists() else []:  # the log may be an epoch ahead of the study
            is_poor = self.study.report(number, record["epoch"], record["val"][recipe.runtime.metric])
        if is_poor and not run.is_done:
            self._ended(number, "pruned", outcome.result(run, recipe))
            return
        self.crew.give(number, {**self.task, "recipe": recipe.model_dump(mode="json"), "out": str(run.path.absolute())})

    def _listen(self) -> None:
        """Take one message."""
        worker, number, message = self.crew.hear()
        if message is None:
            why = worker.why_ended()
            self.crew.dismiss(worker)
            self._failed(number, why)
        elif "at" in message:
            name = "trial" if self.crew.count == 1 else f"job {worker.index + 1}"
            self.progress(name, *message["at"])
        elif "epoch" in message:
            worker.send({"is_poor": self.study.report(number, message["epoch"], message["value"])})
        elif "failed" in message:
            self.crew.free(worker)
            if message["is_fatal"]:  # not noted as failed either
                raise RunError(f"{self.folder}: no trial can run: {message['failed']}")
            self._failed(number, message["failed"])
        else:
            self.crew.free(worker)
            self._ended(number, *next(iter(message.items())))

    def _ended(self, number: int, state: str, result: Mapping[str, Any]) -> None:
        self.study.end(number, state, **result)
        self.failures = 0
        summary = self._write()
        trial = next(trial for trial in summary["trials"] if trial["trial"] == number)
        self.say(outcome.line(trial, summary))

    def _failed(self, number: int, why: str) -> None:
        if number == outcome.start_of(self.study):  # it is not noted as failed: the same command tries it again
            raise RunError(f"{self.folder}: the recipe as it is cannot be trained: {why}")
        self.study.end(number, "failed", error=why)
        self.failures += 1
        self.say(f"trial {number} failed: {why}")
        self._write()
        if self.failures == FAILURES:
            raise RunError(f"{self.folder}: {FAILURES} trials in a row failed, the last with: {why}")

    def _write(self) -> dict[str, Any]:
        summary = outcome.summary(self.study, self.about)
        outcome.write(summary, self.folder)
        return summary


@contextmanager
def _claimed(folder: Path, plan: Mapping[str, Any]) -> Iterator[None]:
    """Make the folder this sweep's own, or see that it is; nobody else works in it meanwhile."""
    file = folder / "sweep.yaml"
    if file.exists():
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
        other = [name for name, value in plan.items() if held.get(name) != value]
        if other:
            raise RunError(f"{folder}: holds a sweep with another {' and '.join(other)}; choose another --out")
    elif folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: is not empty and not a sweep; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    # the system lets go of this lock however the process ends, which a file that says "taken" would not
    with closing(sqlite3.connect(folder / ".lock", timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise RunError(f"{folder}: another sweep is at work here; wait for it or end it") from None
        write_text(file, yaml.safe_dump(json.loads(json.dumps(plan)), sort_keys=False))
        yield
