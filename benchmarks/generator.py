"""How good are the faces that a generator draws, and how fast?

Run:  python benchmarks/generator.py RUN FACES.csv --out FOLDER [--threads 1]

RUN is the run folder of `mien train gan`, FACES.csv what it learned from. Draws as many faces of each class as the
split val has, without truncation, and measures FID, KID, precision and recall against that split; then draws some at
a truncation of 0.7 to look at, and screens them. Writes benchmarks/results/generator.md, .json and two pictures.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import matplotlib as mpl

from mien.manifest import Manifest
from mien.rundir import RunDir

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "generator.md"
READING = "## Reading it\n"


def run(*words: object) -> str:
    """One command of mien; its errors are shown as they are."""
    command = [sys.executable, "-m", "mien", *map(str, words)]
    print("$ mien", *command[3:], flush=True)
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout


def curve(run_dir: RunDir, images: int, path: Path) -> None:
    """FID over the pictures learned from."""
    mpl.use("svg")
    from matplotlib import pyplot

    records = run_dir.epochs()
    figure, axes = pyplot.subplots(figsize=(6, 3), layout="constrained")
    axes.plot([record["epoch"] * images / 1000 for record in records], [record["val"]["fid"] for record in records])
    axes.set(xlabel="real faces shown to the critic, thousands", ylabel="FID on val", ylim=(0, None))
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--screened", type=int, default=100, help="faces of each class to screen")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    trained, model = RunDir(given.run), RunDir(given.run).model
    faces = Manifest.load(given.faces)
    counts = faces.split("val").frame["label"].value_counts()
    classes = [word for name in faces.labels for word in ("--class", f"{name}={counts.get(name, 0)}")]
    whole, clean = given.out / "whole", given.out / "clean"
    drawing = ("--model", model, "--threads", given.threads)
    said = run("synth", "sample", *classes, *drawing, "--seed", 1, "--out", whole)
    speed = re.search(r"[\d.]+ images/s", said)
    distance = ("synth", "distance", given.faces, whole / "manifest.csv", "--split", "val", "--per-class")
    measured = run(*distance, "--threads", given.threads, "--out", RESULT.with_suffix(".json"))
    sheet = RESULT.with_name("generator_faces.png")
    drawing = (*drawing, "--each", given.screened, "--truncation", 0.7, "--seed", 2)
    run("synth", "sample", *drawing, "--out", clean, "--sheet", given.out / "sheet.png")
    shutil.copy(given.out / "sheet.png", sheet)
    screen = ("synth", "screen", clean / "manifest.csv", "--real", given.faces, "--split", "train")
    screened = run(*screen, "--out", given.out / "kept.csv").split("written:")[0].rstrip()
    epochs = trained.epochs()
    shown = max(int(sheet.stem) for sheet in trained.drawn.glob("*.png"))
    curve(trained, shown // len(epochs), RESULT.with_name("generator.png"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    before = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
    kept = before.partition(READING)[2]
    text = f"""# A generator of faces

Recipe `gan`: StyleGAN2 with classes on FER2013 faces, 48 px, grey. Made by `benchmarks/generator.py`.

* {date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}
* `mien train gan --data FACES.csv --threads 1`, then `python benchmarks/generator.py RUN FACES.csv --out FOLDER`
* {len(epochs)} epochs, {shown:,} real faces shown to the critic, {trained.seconds() / 60:.0f} minutes of one CPU core;
  the epoch with the lowest FID on val counts, so the FID below is a little too good
* model file: {model.stat().st_size / 1e6:.1f} MB; draws {speed.group() if speed else "?"} on {given.threads} CPU thread

![FID](generator.png)

Faces drawn without truncation, as many of each class as val has, against the faces of val; in the features of the
recognizer `default`, which is not the network that published FIDs are measured in:

```
{measured.split("written:")[0].rstrip()}
```

Drawn at a truncation of 0.7, not chosen:

![faces](generator_faces.png)

What of those passes the screening:

```
{screened}
```
"""
    RESULT.write_text(text + ("\n" + READING + kept if kept else ""), encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
