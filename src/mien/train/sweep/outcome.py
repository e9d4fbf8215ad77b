"""What came of a sweep, as data and files: ``sweep.json``, ``trials.csv``, ``best.yaml`` and the plots."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.atomic import write_text
from mien.metric import METRICS
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train.sweep.space import Choice, Range

if TYPE_CHECKING:
    from mien.train.sweep.study import Study

#: Optuna's words for how a trial stands, and ours.
STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}


def folder_of(folder: Path, number: int) -> Path:
    """The run folder of a trial."""
    return folder / f"trial-{number:03d}"


def finished(study: Study) -> int:
    """How many trials count: complete and pruned ones."""
    return sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.trials())


def start_of(study: Study) -> int | None:
    """The trial that is the recipe as it is."""
    return next((trial.number for trial in study.trials() if trial.user_attrs.get("is_start")), None)


def result(run: RunDir, recipe: Recipe) -> dict[str, Any]:
    """What came of a run: the metric of its chosen epoch on val, epochs, seconds of training."""
    epochs = run.epochs()
    chosen = run.read_json(run.done)["chosen_epoch"] if run.is_done else epochs[-1]["epoch"]
    record = next(record for record in epochs if record["epoch"] == chosen)
    return {
        "value": record["val"][recipe.runtime.metric],
        "chosen_epoch": chosen,
        "epochs": len(epochs),
        "seconds": round(sum(record["seconds"] for record in epochs), 1),
    }


def summary(study: Study, about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything about the sweep.

    Args:
        study: its trials, and what is searched.
        about: ``rows`` of the val split, ``sampler``, ``pruner``, ``seed``.
    """
    space, recipe, start = study.space, study.space.recipe, start_of(study)
    trials = []
    for trial in study.trials():
        is_complete = trial.state.name == "COMPLETE"
        epochs = sorted(trial.intermediate_values.items())
        trials.append(
            {
                "trial": trial.number,
                "state": STATES[trial.state.name],
                "value": trial.value if is_complete else None,
                "last_value": epochs[-1][1] if epochs else None,
                "values": study.values(trial.params),
                "epochs": trial.user_attrs.get("epochs", len(epochs)),
                "chosen_epoch": trial.user_attrs.get("chosen_epoch") if is_complete else None,
                "seconds": trial.user_attrs.get("seconds"),
                "error": trial.user_attrs.get("error"),
                "folder": folder_of(Path(), trial.number).name,
            }
        )
    complete = [trial for trial in trials if trial["value"] is not None]
    goodness = METRICS[recipe.runtime.metric].goodness
    best = max(complete, key=lambda trial: (goodness(trial["value"]), -trial["trial"]), default=None)
    return {
        "recipe": recipe.name,
        "metric": recipe.runtime.metric,
        "split": recipe.data.val,
        **about,
        "space": {name: _described(dimension) for name, dimension in space.dimensions.items()},
        "counts": {state: sum(trial["state"] == state for trial in trials) for state in STATES.values()},
        "start": start,
        "best": best["trial"] if best else None,
        "margin": _margin(recipe.runtime.metric, best["value"], int(about["rows"])) if best else None,
        "importance": study.importance(),
        "trials": trials,
    }


def write(summary: Mapping[str, Any], folder: Path) -> None:
    """Write ``sweep.json``, ``trials.csv``, ``best.yaml`` and the plots, each whole."""
    from mien.report.sweep import plot_sweep

    write_text(folder / "sweep.json", json.dumps(summary, indent=2) + "\n")
    write_text(folder / "trials.csv", table(summary))
    if summary["best"] is not None:
        best = RunDir(folder_of(folder, summary["best"])).recipe
        write_text(folder / "best.yaml", best.read_text(encoding="utf-8"))
        plot_sweep(summary, folder)


def table(summary: Mapping[str, Any]) -> str:
    """The trials as CSV, one column per value searched."""
    text = io.StringIO()
    plain = ["trial", "state", "value", "epochs", "chosen_epoch", "seconds"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([summary["metric"] if name == "value" else name for name in plain] + [*summary["space"], "error"])
    for trial in summary["trials"]:
        values = [trial["values"].get(name) for name in summary["space"]]
        writer.writerow([trial[name] for name in plain] + values + [trial["error"]])
    return text.getvalue()


def line(trial: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """One trial for people, on a line."""
    values = "  ".join(f"{name}={shown(value)}" for name, value in trial["values"].items())
    number = trial["value"] if trial["value"] is not None else trial["last_value"]
    metric = str(summary["metric"])
    score = f"{metric.replace('_', ' ')} {METRICS[metric].text(number)}" if number is not None else "no epoch"
    stopped = f", given up after epoch {trial['epochs']}" if trial["state"] == "pruned" else ""
    marks = [name for name in ("start", "best") if summary[name] == trial["trial"]]
    mark = f"  ({', '.join('the recipe as it is' if mark == 'start' else mark for mark in marks)})" if marks else ""
    return f"trial {trial['trial']}: {score}{stopped}  {values}{mark}"


def shown(value: Any) -> str:
    """A value for people."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _described(dimension: Range | Choice) -> dict[str, Any]:
    if isinstance(dimension, Choice):
        return {"form": str(dimension), "choices": list(dimension.values)}
    kind = {"is_log": dimension.is_log, "is_whole": dimension.is_whole}
    return {"form": str(dimension), "low": dimension.low, "high": dimension.high, **kind}


def _margin(metric: str, value: float, rows: int) -> float | None:
    """How far an accuracy on so many rows may lie from that on other pictures of the kind (95 %, normal); else None."""
    if metric != "accuracy" or not rows:
        return None
    return round(1.96 * math.sqrt(value * (1 - value) / rows), 4)
