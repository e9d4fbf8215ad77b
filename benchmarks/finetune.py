"""What is gained by letting the shipped model learn on from a few pictures of one's own?

Run:  python benchmarks/finetune.py NAME=DATA.csv ... --out FOLDER [--seeds 0,1,2] [--per-class 150]

For each manifest, with boxes and splits (`mien data boxes`, `mien data split --group subject`): the recipe `finetune`,
the same net from nothing (four times the epochs, at a higher rate), and `default` as it ships, on the test split, which
chose nothing; also without those of its pictures that look like one of train. What has ended is not done again when the
same command is given.

Writes benchmarks/results/finetune.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shlex
import subprocess
import sys
from pathlib import Path

from mien.manifest import Manifest

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "finetune.md"
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"
CLASSES = ("angry", "happy", "sad", "surprise", "neutral")
#: What is different when the net begins with nothing.
FRESH = ("model.weights=none", "schedule.epochs=40", "optimizer.rate=3.0e-3")


def mien(*words: object) -> str:
    """One command; its errors are shown as they are."""
    command = [sys.executable, "-m", "mien", *map(str, words)]
    print("$ mien", shlex.join(command[3:]), flush=True)
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def scored(models: list[str], data: str, prior: str = "training") -> str:
    """Four columns, means over the models: accuracy and balanced accuracy, on all and without leaks from train."""
    words = (
        "--split",
        "test",
        "--labels",
        ",".join(CLASSES),
        "--prior",
        prior,
        "--without-leaks-from",
        "train",
        "--json",
    )
    found = [json.loads(mien("evaluate", model, data, *words)) for model in models]
    cells = []
    for part in ("raw", "without_leaks"):
        for name in ("accuracy", "balanced_accuracy"):
            ends = found[0][part].get("intervals") if len(models) == 1 else None
            between = f" ({ends[name]['low']:.1%} to {ends[name]['high']:.1%})" if ends else ""
            cells.append(f"{sum(each[part][name] for each in found) / len(found):.1%}{between}")
    return " | ".join(cells)


def one(name: str, data: str, given: argparse.Namespace) -> list[str]:
    """The part of the page on one manifest."""
    rows = Manifest.load(data).where(label=CLASSES)
    count = {split: len(rows.split(split)) for split in ("val", "test")}
    count["train"] = len(rows.split("train").at_most(given.per_class))
    sides = ["--arm", "finetune", "--arm", "nothing", "--data", data, "--seeds", given.seeds, "--threads", "1"]
    sides += [word for change in FRESH for word in ("--change", f"nothing:{change}")]
    sides += ["--set", f"data.labels=[{', '.join(CLASSES)}]", "--out", given.out / name]
    sides += ["--set", f"data.per_class={given.per_class}"]
    trained = mien("arms", "finetune", *sides)
    lines = [line.rstrip() for line in trained.splitlines() if not line.startswith("written:")]
    learned = [str(given.out / name / "finetune" / f"seed-{seed}" / "model.onnx") for seed in given.seeds.split(",")]
    begin = next(place for place, line in enumerate(lines) if "pictures that all have scored" in line)
    return [
        f"## {name}",
        "",
        f"{count['train']:,} pictures to learn from, {count['val']:,} to choose the epoch, {count['test']:,} to test.",
        "",
        "| | accuracy | balanced accuracy | accuracy, unlike train | balanced, unlike train |",
        "| --- | --- | --- | --- | --- |",
        f"| `default` as it ships, `--prior training` | {scored(['default'], data)} |",
        f"| `default` as it ships, `--prior uniform` | {scored(['default'], data, 'uniform')} |",
        f"| `finetune`, mean of the seeds | {scored(learned, data)} |",
        "",
        "```",
        *lines[begin:],
        "```",
        "",
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="NAME=MANIFEST")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--per-class", type=int, default=150, help="pictures to learn from, at most")
    given = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    before = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
    shown = [f"{name}={Path(path).name}" for name, _, path in (text.partition("=") for text in given.data)]
    lines = [
        "# What is gained by learning on?",
        "",
        "Made by `benchmarks/finetune.py`, which says what it does.",
        "",
        f"* {datetime.date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}",
        f"* `python benchmarks/finetune.py {shlex.join(shown)} --out FOLDER --seeds {given.seeds} "
        f"--per-class {given.per_class}`",
        f"* five classes, at most {given.per_class} pictures of each to learn from, one thread",
        f"* `nothing` is the recipe with {', '.join(FRESH)}",
        "* on the test split, which chose nothing; *unlike train*: without near duplicates of training pictures; 95 %",
        "  intervals, below over pictures and trainings",
        "",
    ]
    for text in given.data:
        name, _, path = text.partition("=")
        lines += one(name, path, given)
    kept = before.partition(READING)[2]
    RESULT.write_text("\n".join(lines) + (READING + kept if kept else ""), encoding="utf-8")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
