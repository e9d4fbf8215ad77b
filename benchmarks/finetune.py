"""What is gained by letting the shipped model learn on from a few pictures of one's own?

Run:  python benchmarks/finetune.py NAME=DATA.csv ... --out FOLDER [--seeds 0,1,2] [--per-class 150]

For each manifest, with boxes and splits (`mien data boxes`, `mien data split --group subject`): the recipe `finetune`, the same net from nothing (four times the epochs, at a
higher rate), and `default` as it ships, on the test split, which chose nothing. What has ended is not done again when
the same command is given.

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


def as_it_ships(data: str, prior: str) -> str:
    """Accuracy and balanced accuracy of `default`, with their intervals."""
    labels = ",".join(CLASSES)
    words = ("--split", "test", "--labels", labels, "--prior", prior, "--json")
    found = json.loads(mien("evaluate", "default", data, *words))["raw"]
    ends = found["intervals"]
    return " | ".join(
        f"{found[name]:.1%} ({ends[name]['low']:.1%} to {ends[name]['high']:.1%})"
        for name in ("accuracy", "balanced_accuracy")
    )


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
    begin = next(place for place, line in enumerate(lines) if "pictures that all have scored" in line)
    return [
        f"## {name}",
        "",
        f"{count['train']:,} pictures to learn from, {count['val']:,} to choose the epoch, {count['test']:,} to test.",
        "",
        "| `default` as it ships | accuracy | balanced accuracy |",
        "| --- | --- | --- |",
        f"| `--prior training` | {as_it_ships(data, 'training')} |",
        f"| `--prior uniform` | {as_it_ships(data, 'uniform')} |",
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
        "* accuracy on the test split, which chose nothing; 95 % intervals",
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
