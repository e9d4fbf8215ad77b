"""What is lost between domains? `mien cross` on web faces, press photographs and generated portraits.

Run:  python benchmarks/cross.py FACES.csv NAME=PICTURES.csv ... --out FOLDER [--seeds 0,1,2] [--threads 1]

FACES.csv holds cut out faces (the domain called web; its split train is used, so that val stays what it is), every
NAME=PICTURES.csv whole pictures of one domain, in which the largest face is looked for. At most 400 pictures of each
class and domain, since the smallest domain has no more. Trains recipe `quick` on 48 px faces for 8 epochs from ImageNet
weights: models of this experiment, not the shipped ones. The same call goes on after a stop. Writes
benchmarks/results/cross.md and cross.png.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from mien.data.boxes import locate
from mien.manifest import Manifest

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "cross.md"
PER_CLASS = 400
CHANGES = (
    "data.targets=label",
    "preprocess.size_px=48",
    "augment.small_px=0",
    "schedule.epochs=8",
)


def gather(faces: str, others: list[str], out: Path) -> Path:
    """The manifest of all domains, without splits; made once."""
    target = out / "domains.csv"
    if target.exists():
        return target
    web = Manifest.load(faces).split("train")
    columns = [name for name in web.frame.columns if not str(name).startswith("votes")]
    merged = Manifest(web.frame[columns], web.root, web.labels).with_columns(domain="web", split="", subject="", box="")
    merged = merged.at_most(PER_CLASS)
    for other in others:
        name, path = other.split("=", 1)
        part = Manifest.load(path)
        located = locate(part).manifest.with_columns(domain=name, split="")
        print(f"{name}: no face found in {len(part) - len(located)} of {len(part)} pictures, left out")
        merged = merged.merge(located.at_most(PER_CLASS))
    out.mkdir(parents=True, exist_ok=True)
    merged.save(target)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces")
    parser.add_argument("others", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    data = gather(given.faces, given.others, given.out)
    values = [part for change in CHANGES for part in ("--set", change)]
    options = ["--seeds", given.seeds, "--by-subject", "--threads", str(given.threads)]
    runs = given.out / "runs"
    command = ["cross", "quick", "--data", str(data), "--out", str(runs), *values, *options]
    start = [sys.executable, "-c", "from mien.cli.app import main; main()"]
    done = subprocess.run([*start, *command], text=True, stdout=subprocess.PIPE, check=True)
    shutil.copy(runs / "cross.png", RESULT.with_suffix(".png"))
    found = json.loads((runs / "cross.json").read_text(encoding="utf-8"))
    table = done.stdout[done.stdout.index("balanced accuracy") :].split("written:")[0].rstrip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    shown = " ".join(["mien", *command]).replace(str(data), "domains.csv").replace(str(runs), "runs/cross")
    RESULT.write_text(
        f"""# Across domains

What is lost when a model meets pictures of another kind. Made by `benchmarks/cross.py`.

* {date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}
* `python benchmarks/cross.py FACES.csv {" ".join(one.split("=")[0] + "=PICTURES.csv" for one in given.others)}
  --out FOLDER --seeds {given.seeds}`, which calls `{shown}`
* web: FER2013 faces with the majority of FER+ votes (split train); press: photographs of known people, their labels
  partly made by machines; synthetic: generated portraits, labelled with what was asked for. Labels differ in kind, and
  part of every difference is theirs.
* at most {PER_CLASS} pictures of each class and domain; 80 % to train, 10 % to val (chooses the epoch), 10 % to test;
  persons and identical pictures in one split
* classes: {", ".join(found["classes"])}; seeds: {given.seeds}; intervals over persons and seeds

![matrix](cross.png)

```
{table}
```
""",
        encoding="utf-8",
    )
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
