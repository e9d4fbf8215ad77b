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


ROWS = {
    "s3": Row(
        "s3",
        "fer7.csv",
        "small CNN, 4 classes, 1,000 pictures each",
        ("data.labels=basic4", "data.per_class=1000", "runtime.precision=bf16"),
    ),
}


def run(name: str, seed: int, data: Path, runs: Path, threads: int) -> dict[str, Any]:
    """Train and evaluate one row with one seed."""
    row, folder = ROWS[name], runs / f"{name}-{seed}"
    changes = [*row.changes, f"runtime.seed={seed}"]
    train = ["train", row.recipe, "--data", row.data, "--out", str(folder), "--threads", str(threads)]
    train += [word for change in changes for word in ("--set", change)]
    began = time.time()
    usage = _run(train, data)
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
        "peak_memory_mb": usage,
        "epochs": ended["epochs"],
        "chosen_epoch": ended["chosen_epoch"],
        "model_mb": round((folder / "model.onnx").stat().st_size / 1e6, 1),
        "val": found,
    }
    NOTES.mkdir(parents=True, exist_ok=True)
    (NOTES / f"{name}-{seed}.json").write_text(json.dumps(note, indent=1) + "\n")
    return note


def _run(arguments: list[str], folder: Path) -> int:
    """Run mien and give the most memory it held, in MB."""
    process = subprocess.Popen([*MIEN, *arguments], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"failed: mien {' '.join(arguments)}")
    return usage.ru_maxrss // 1024


def _shown(arguments: list[str], folder: Path) -> str:
    """The command as anybody would give it, without paths of this machine."""
    words = [word.replace(str(folder), f"runs/{folder.name}") for word in arguments]
    return " ".join(["mien", *words])


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()


def _hardware() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores ({model})"


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


if __name__ == "__main__":
    main()
