"""Are the shipped model's probabilities right, what does a temperature gain, and which method pays?

Run:  mien evaluate default FACES.csv --split val --out SCORES.npz
      python benchmarks/calibration.py SCORES.npz

First on all rows, cross-validated; then twenty times on two random halves, one of which fits and chooses the threshold,
the other measures. Writes benchmarks/results/calibration.md.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from mien.bias.calibrate import METHODS, calibrate, fit
from mien.bias.calibrated import Calibrated
from mien.evaluate.calibration import measure_calibration
from mien.evaluate.selective import risk_coverage, threshold_for
from mien.evaluate.view import view
from mien.scores import Scores

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "calibration.md"
HALVES = 20
ACCURACIES = (0.90, 0.95, 0.99)


def whole(found: Calibrated) -> str:
    """All methods, cross-validated on all rows."""
    first = next(iter(found.changes.values()))
    rows = ["| | before | " + " | ".join(METHODS) + " |", "| --- |" + " --- |" * (1 + len(METHODS))]
    for number in first:
        cells = [f"{first[number].before:.4f}"]
        for changes in found.changes.values():
            change = changes[number]
            cells.append(f"{change.after:.4f} ({change.low:+.4f} to {change.high:+.4f})")
        rows.append(f"| {number} | {' | '.join(cells)} |")
    return "\n".join(rows)


def halves(scores: Scores) -> tuple[dict[str, np.ndarray], dict[float, np.ndarray]]:
    """Fitted on one half and measured on the other: nll and ECE by method; threshold's accuracy and coverage."""
    plain = view(scores).scores.labelled()
    numbers: dict[str, list[tuple[float, float]]] = {name: [] for name in ("none", *METHODS)}
    thresholds: dict[float, list[tuple[float, float]]] = {accuracy: [] for accuracy in ACCURACIES}
    for seed in range(HALVES):
        order = np.random.default_rng(seed).permutation(len(plain))
        one, other = plain.take(order[: len(order) // 2]), plain.take(order[len(order) // 2 :])
        for name in numbers:
            scaled = other
            if name != "none":
                scaling = fit(one.logits, one.targets, name)
                scaled = replace(other, logits=scaling(other.logits).astype(np.float32))
            found = measure_calibration(scaled, draws=0)
            numbers[name].append((found.nll, found.ece))
        scaling = fit(one.logits, one.targets)
        sides = [replace(side, logits=scaling(side.logits).astype(np.float32)) for side in (one, other)]
        curves = [
            risk_coverage(side.probabilities().max(1).astype(float), side.logits.argmax(1) == side.targets)
            for side in sides
        ]
        for accuracy in ACCURACIES:
            value = threshold_for(curves[0], accuracy).value
            thresholds[accuracy].append((0.0, np.nan) if value is None else curves[1].at(value))
    return (
        {name: np.array(values) for name, values in numbers.items()},
        {accuracy: np.array(values) for accuracy, values in thresholds.items()},
    )


def reached(accuracy: float, values: np.ndarray) -> str:
    """One row of the last table."""
    found = values[~np.isnan(values[:, 1])]
    if not len(found):
        return f"| {accuracy:.0%} | no threshold is sure enough on so few pictures | 0 of {HALVES} | 0 % |"
    low, high = found[:, 1].min(), found[:, 1].max()
    hits = (found[:, 1] >= accuracy).sum()
    return (
        f"| {accuracy:.0%} | {found[:, 1].mean():.2%} ({low:.2%} to {high:.2%}) | {hits} of {HALVES} | "
        f"{values[:, 0].mean():.1%} |"
    )


def main() -> None:
    path = Path(sys.argv[1])
    scores = Scores.load(path)
    scores = replace(scores, about={**scores.about, "temperature": 1.0})  # as it was: the card holds the result by now
    found = calibrate(scores, accuracy=0.95)
    numbers, thresholds = halves(scores)
    by_method = "\n".join(
        f"| {name} | {values[:, 0].mean():.4f} | {values[:, 1].mean():.2%} ({values[:, 1].min():.2%} to "
        f"{values[:, 1].max():.2%}) |"
        for name, values in numbers.items()
    )
    by_accuracy = "\n".join(reached(accuracy, values) for accuracy, values in thresholds.items())
    paired = numbers["vector"][:, 0] - numbers["bias"][:, 0]
    threshold, checked = found.threshold, found.checked
    assert threshold is not None
    assert checked is not None
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    RESULT.write_text(
        f"""# Calibration

Are the probabilities of `{scores.model}` right? Made by `benchmarks/calibration.py`.

* {date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}
* `mien evaluate default FACES.csv --split val --out SCORES.npz`, `python benchmarks/calibration.py SCORES.npz`
* data: {found.after.rows:,} faces of FER2013's val with the majority of FER+ votes, manifest
  {scores.about["manifest"]}; the split that chose the model
* the same as `mien calibrate SCORES.npz --accuracy 0.95`

## All rows, five folds

Mean confidence {found.before.confidence:.1%} where {found.before.accuracy:.1%} are right. A perfectly calibrated model
would show an ECE of {found.after.ece_floor:.2%} on so many pictures. In brackets the 95 % interval of the difference to
before, on the same rows.

{whole(found)}

Temperature {found.temperature:.3f}. Below a confidence of {threshold.value:.3f} the model abstains:
{threshold.coverage:.1%} are answered, {threshold.accuracy:.1%} of them right (cross-validated: {checked[0]:.1%},
{checked[1]:.1%}); with {threshold.certainty:.0%} certainty at least {threshold.bound:.1%}.
The area under risk-coverage is {found.before.selection.aurc:.4f} before, {found.after.selection.aurc:.4f} after.

## Twenty times two halves

One half fits, the other measures.

| method | nll | ECE (lowest to highest) |
| --- | --- | --- |
{by_method}

A scale for every class (`vector`) changes nll by {paired.mean():+.4f} against one scale with biases
({paired.min():+.4f} to {paired.max():+.4f}).

| wanted accuracy | accuracy on the other half (lowest to highest) | reached | answered |
| --- | --- | --- | --- |
{by_accuracy}
""",
        encoding="utf-8",
    )
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
