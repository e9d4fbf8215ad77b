"""How quick is a search for biases, which method finds most, and does it hold on other pictures?

Run:  python benchmarks/bias.py speed                                the 60-point grid, trials per second, processes
      python benchmarks/bias.py methods SCORES.npz                   all methods on the same rows, planted and real
      python benchmarks/bias.py halves SCORES.npz --weak fear,disgust     choose on one half, measure on the other

SCORES.npz is what ``mien evaluate default faces.csv --split val --out SCORES.npz`` saves. Each part prints a section
of Markdown; all three together are results/bias.md.

Expected: benchmarks/results/bias.md
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.bias.objectives import Objective, accuracy
from mien.bias.rows import plain_view
from mien.bias.search import METHODS, Problem, search
from mien.bias.tally import Tally
from mien.bias.tune import tune
from mien.errors import InputError
from mien.labels import Labels
from mien.scores import Scores

REACH = float(np.log(8))
#: Trials of the comparison; Optuna's surrogate makes each of its trials a thousand times as dear, so it gets fewer.
TRIALS = {"optuna": 100, "grid": 2187}


def header() -> str:
    """Date, machine, versions, commit and command."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next((line.split(":")[1].strip() for line in cpuinfo.open() if line.startswith("model name")), model)
    versions = [f"{name} {metadata.version(name)}" for name in ("numpy", "optuna", "cmaes")]
    command = " ".join(Path(word).name if "/" in word else word for word in sys.argv)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{datetime.date.today()}, {model}, {cores} core(s), load {os.getloadavg()[0]:.1f}, Python "
        f"{platform.python_version()}, {', '.join(versions)}, commit {commit.stdout.strip() or 'none'}  \n"
        f"`python benchmarks/{command}`\n"
    )


def planted(rows: int = 4000, classes: int = 7, seed: int = 0) -> Scores:
    """Rows of a model that is right more often than it answers so: its logits were shifted, class by class."""
    draw = np.random.default_rng(seed)
    shares = draw.dirichlet(np.full(classes, 3.0))
    targets = draw.choice(classes, rows, p=shares)
    logits = draw.normal(size=(rows, classes)) + 1.6 * np.eye(classes)[targets] + draw.normal(0, 1.0, classes)
    names = tuple(f"class {number}" for number in range(classes))
    return Scores(logits.astype(np.float32), targets, Labels(names), np.arange(rows).astype(str))


def milliseconds(work: Callable[[], object], repeats: int = 30) -> list[float]:
    """Wall-clock times."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - began))
    return found


def speed() -> None:
    """The 60-point grid, and trials per second of each method."""
    draw = np.random.default_rng(0)
    logits, targets = draw.normal(size=(3589, 7)).astype(np.float32), draw.integers(0, 7, 3589)
    tally, points = Tally(logits, targets), draw.normal(size=(60, 7))
    objective = Objective("macro_recall")
    zero = tally.counts(np.zeros((1, 7)))[0]
    times = milliseconds(lambda: objective.values(tally.counts(points), zero))
    whole = milliseconds(lambda: objective.values(Tally(logits, targets).counts(points), zero))
    print("\n## Speed\n")
    print(header())
    middle, fastest, slowest = statistics.median(times), min(times), max(times)
    print(f"60 biases on 3,589 x 7 scores, macro recall: **{middle:.2f} ms** (median of 30; fastest {fastest:.2f},")
    print(f"slowest {slowest:.2f}); with laying out the rows {statistics.median(whole):.2f}.\n")
    print("| Method | Trials | Time | Trials/s |\n| --- | --- | --- | --- |")
    scores = planted(3589)
    for method in METHODS:
        seconds, count = [], 0
        for seed in range(3):
            problem = problem_of(scores, objective, method, TRIALS.get(method, 3000))
            began = time.perf_counter()
            search(problem, method, seed)
            seconds.append(time.perf_counter() - began)
            count = len(problem.values)
        middle = statistics.median(seconds)
        print(f"| {method} | {count:,} | {1000 * middle:,.0f} ms | {count / middle:,.0f} |")
    print("\nA whole `tune` (5 folds, shrinking, 21 searches, 1,000 draws for intervals), in this many processes:\n")
    print("| Method | Trials each | 1 | 2 |\n| --- | --- | --- | --- |")
    for method, trials in (("coordinate", 1000), ("optuna", 50)):
        cells = []
        for jobs in (1, 2):
            began = time.perf_counter()
            tune(scores, method=method, trials=trials, jobs=jobs)
            cells.append(f"{time.perf_counter() - began:.1f} s")
        print(f"| {method} | {trials:,} | {' | '.join(cells)} |")


def problem_of(scores: Scores, objective: Objective, method: str, trials: int = 1000) -> Problem:
    """All classes free; the shares are those of the labels."""
    classes = len(scores.labels)
    prior = np.bincount(scores.targets, minlength=classes) / len(scores)
    tally = Tally(scores.logits, scores.targets)
    return Problem(tally, objective, range(classes), reach=REACH, trials=TRIALS.get(method, trials), prior=prior)


def methods(path: Path) -> None:
    """Every method on the same rows: what it finds there, and what is left on the other half."""
    real = plain_view(Scores.load(path)).labelled()
    print("\n## Methods\n")
    print(header())
    for name, scores, loss in (
        ("planted shifts, 7 classes, 4,000 rows", planted(8000), None),
        (f"the model's scores, {len(real.labels)} classes, {len(real) // 2:,} rows", real, None),
        ("the same, at most 1 point of accuracy lost", real, 0.01),
    ):
        halves = halves_of(scores, 0)
        objective = Objective("macro_recall", max_accuracy_loss=loss)
        other = Tally(halves[1].logits, halves[1].targets)
        zeros = np.zeros((1, len(scores.labels)))
        before = objective.measure(Tally(halves[0].logits, halves[0].targets).counts(zeros))[0]
        nothing = objective.measure(other.counts(zeros))[0]
        print(f"\n**{name}**: macro recall without biases {before:.3f}, on the other half {nothing:.3f}\n")
        print("| Method | Found (3 seeds) | On the other half | Accuracy there | Trials | Time |")
        print("| --- | --- | --- | --- | --- | --- |")
        for method in METHODS:
            found, fresh, kept, seconds, trials = [], [], [], [], 0
            try:
                for seed in range(3):
                    problem = problem_of(halves[0], objective, method)
                    began = time.perf_counter()
                    biases = search(problem, method, seed)
                    seconds.append(time.perf_counter() - began)
                    trials = len(problem.values)
                    found.append(objective.measure(problem.tally.counts(biases[None]))[0])
                    counts = other.counts(np.stack([np.zeros_like(biases), biases]))
                    fresh.append(objective.measure(counts)[1])
                    kept.append(100 * float(np.diff(accuracy(counts, None))[0]))
            except InputError as error:
                print(f"| {method} | – ({error}) | | | | |")
                continue
            time_ms = f"{1000 * statistics.median(seconds):,.0f} ms"
            print(f"| {method} | {spread(found)} | {spread(fresh)} | {spread(kept, '+.1f')} | {trials:,} | {time_ms} |")


def spread(values: Sequence[float], form: str = ".3f") -> str:
    """From lowest to highest; one number when they are alike."""
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def halves_of(scores: Scores, seed: int) -> tuple[Scores, Scores]:
    """Every class in two halves."""
    draw = np.random.default_rng(seed)
    is_first = np.zeros(len(scores), bool)
    for target in np.unique(scores.targets):
        rows = draw.permutation(np.flatnonzero(scores.targets == target))
        is_first[rows[: (len(rows) + int(draw.integers(2))) // 2]] = True
    return scores.take(is_first), scores.take(~is_first)


def halves(path: Path, weak: list[str], splits: int) -> None:
    """Choose on one half, measure on the other, many times."""
    scores = plain_view(Scores.load(path)).labelled()
    rare = [scores.labels.index(name) for name in weak]
    rows = ", ".join(f"{name} {int((scores.targets == scores.labels.index(name)).sum())}" for name in scores.labels)
    print("\n## One half chooses, the other is measured\n")
    print(header())
    print(f"{len(scores):,} pictures ({rows}); {splits} splits into halves by seed,")
    print(
        "the classes in equal parts. Gains in points on the half that did not choose: mean over the splits, lowest and"
    )
    print(f"highest in brackets. *Weak* is the recall of {', '.join(weak)} taken together. *Held*: in how many splits")
    print(
        "no more than 1 point of accuracy was lost there. *Above 0*: in how many the 95 % interval of the weak classes'"
    )
    print(
        "gain (paired bootstrap over the pictures of that half) lies above 0. The splits share pictures, so they are no"
    )
    print("independent repetitions.\n")
    print("| What was searched | Weak | Macro recall | Macro F1 | Accuracy | Held | Above 0 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    arms: dict[str, dict[str, Any]] = {
        "all classes, floor 1 point": {"max_accuracy_loss": 0.01},
        "all classes, floor 0.5 points": {"max_accuracy_loss": 0.005},
        "all classes, floor 1 point, not shrunk": {"max_accuracy_loss": 0.01, "shrink": False, "folds": 0},
        "weak classes only, floor 1 point": {"max_accuracy_loss": 0.01, "classes": weak},
        "weak classes only, floor 0.5 points": {"max_accuracy_loss": 0.005, "classes": weak},
        "all classes, no floor": {},
        "tau log prior, floor 1 point": {"max_accuracy_loss": 0.01, "method": "logit_adjustment"},
    }
    first: list[str] = []
    for name, options in arms.items():
        columns: dict[str, list[float]] = {"weak": [], "macro_recall": [], "macro_f1": [], "accuracy": []}
        intervals = []
        for seed in range(splits):
            chosen, other = halves_of(scores, seed)
            tuning = tune(chosen, seed=seed, draws=0, **options)
            tally = Tally(other.logits, other.targets)
            before, after = tally.answers(np.stack([np.zeros_like(tuning.biases), tuning.biases]))
            effect = tuning.check(other, draws=0)
            for column in ("macro_recall", "macro_f1", "accuracy"):
                columns[column].append(100 * effect.gains[column].gain)
            change = change_of(other.targets, before, after)
            is_weak = np.isin(other.targets, rare)
            columns["weak"].append(100 * change[is_weak].mean())
            intervals.append((interval(change[is_weak]), interval(change)))
        held = sum(gain >= -1 - 1e-9 for gain in columns["accuracy"])
        above = sum(weak_interval[0] > 0 for weak_interval, _ in intervals)
        cells = [f"{statistics.mean(values):+.1f} ({spread(values, '+.1f')})" for values in columns.values()]
        print(f"| {name} | {' | '.join(cells)} | {held} of {splits} | {above} of {splits} |")
        (low, high), (worst, best) = intervals[0]
        first.append(
            f"* {name}: weak {columns['weak'][0]:+.1f} ({low:+.1f} to {high:+.1f}), accuracy "
            f"{columns['accuracy'][0]:+.1f} ({worst:+.1f} to {best:+.1f})"
        )
    print("\nSeed 0 with its intervals:\n")
    print("\n".join(first))


def change_of(targets: NDArray[np.int64], before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float64]:
    """+1 where a row became right, -1 where it became wrong."""
    return (after == targets).astype(np.float64) - (before == targets)


def interval(change: NDArray[np.float64], draws: int = 2000) -> tuple[float, float]:
    """95 % of the bootstrap means, in points."""
    draw = np.random.default_rng(0)
    counts = np.array([(change == value).sum() for value in (-1, 0, 1)])
    drawn = draw.multinomial(len(change), counts / len(change), draws)
    low, high = np.quantile(100 * (drawn[:, 2] - drawn[:, 0]) / len(change), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("speed")
    parts.add_parser("methods").add_argument("scores", type=Path)
    split = parts.add_parser("halves")
    split.add_argument("scores", type=Path)
    split.add_argument("--weak", required=True)
    split.add_argument("--splits", type=int, default=20)
    given = parser.parse_args()
    if given.part == "speed":
        speed()
    elif given.part == "methods":
        methods(given.scores)
    else:
        halves(given.scores, given.weak.split(","), given.splits)


if __name__ == "__main__":
    main()
