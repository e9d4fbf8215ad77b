"""Is the shipped model as good for other kinds of pictures? Accuracy by domain, and what of it is chance.

Run:  python benchmarks/domains.py FACES.csv NAME=PICTURES.csv ... [--split val] [--model default]

FACES.csv holds cut out faces (the domain the model comes from, called web), every NAME=PICTURES.csv whole pictures of
one domain, in which the largest face is looked for. Only classes that every domain has at least thirty of are measured,
so that the domains have one task. Persons (the column subject) are drawn and permuted as wholes. Writes
benchmarks/results/domains.md.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from rich.console import Console

import mien
from mien.errors import ImageError
from mien.evaluate.groups_summary import summary
from mien.faces import DEFAULT, detector
from mien.images import read
from mien.labels import Labels
from mien.manifest import Manifest

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "domains.md"
SMALLEST = 30


def boxes(manifest: Manifest) -> tuple[list[str], int]:
    """The largest face of each picture as a manifest writes it, and in how many there is none."""
    found, finder = [], detector(DEFAULT)
    for path in manifest.paths():
        try:
            faces = finder.detect(read(path))
        except ImageError:
            faces = []
        found.append(" ".join(f"{value:.1f}" for value in faces[0].box) if faces else "")
    return found, found.count("")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces")
    parser.add_argument("others", nargs="+")
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default="default")
    given = parser.parse_args()
    web = Manifest.load(given.faces).split(given.split)
    web = web.with_columns(domain="web", subject="")
    parts, misses = [web], {}
    for other in given.others:
        name, path = other.split("=", 1)
        manifest = Manifest.load(path)
        found, misses[name] = boxes(manifest)
        manifest = manifest.with_columns(domain=name, box=found, split=given.split)
        parts.append(manifest.take(manifest.frame.index[manifest.frame["box"] != ""].to_numpy()))
    common = [
        label
        for label in web.labels
        if all(
            (part.frame["label"].map(part.labels.find) == part.labels.find(label)).sum() >= SMALLEST for part in parts
        )
    ]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domains.csv"
        merged.save(path)
        evaluation = mien.evaluate_model(given.model, path, labels=Labels(tuple(common)), draws=1000, threads=1)
    groups = evaluation.by("domain", by_subject=True)
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(summary(groups), highlight=False)
    recall = "\n".join(
        f"| {group.name} | {group.rows:,} | " + " | ".join(f"{group.recall[name]:.1%}" for name in common) + " |"
        for group in groups.groups
    )
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    missed = ", ".join(f"{count} of {name}" for name, count in misses.items())
    RESULT.write_text(
        f"""# Other kinds of pictures

Accuracy of the model `{evaluation.scores.model}` by domain. Made by `benchmarks/domains.py`.

* {date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}
* `python benchmarks/domains.py FACES.csv {" ".join(one.split("=")[0] + "=PICTURES.csv" for one in given.others)}`
* web: FER2013's {given.split} split with the majority of FER+ votes (this split chose the model); press: photographs of
  known people, their labels partly made by machines; synthetic: generated portraits, labelled with what was asked for.
  So labels differ in kind, and part of every difference is theirs.
* classes with at least {SMALLEST} pictures in every domain: {", ".join(common)}; the model answers among these
* no face found, left out: {missed}; detector {DEFAULT}; persons are drawn and permuted as wholes

```
{console.export_text().rstrip()}
```

| recall | pictures | {" | ".join(common)} |
| --- | --- | {" | ".join("---" for _ in common)} |
{recall}
""",
        encoding="utf-8",
    )
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
