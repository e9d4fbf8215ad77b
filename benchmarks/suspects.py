"""Are the suspects of confident learning wrong labels? FER2013's labels, judged by the ten taggers of FER+.

Run:  python benchmarks/suspects.py MANIFEST NAME=SCORES.npz [NAME=SCORES.npz ...]

MANIFEST has FER2013's own labels and the votes of FER+ (``mien data scan fer2013.csv``, with ``fer2013new.csv`` beside
it). Of the rows that have a clear majority of votes, a label is called changed when the majority names another class.
Votes are not used to find suspects here; they are the reference.

Expected: benchmarks/results/suspects.md
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from mien.data.faces import ids_of
from mien.evaluate.suspects import find_suspects
from mien.evaluate.votes import majority
from mien.labels import Labels
from mien.manifest import Manifest
from mien.scores import Scores

RESULT = Path(__file__).parent / "results" / "suspects.md"
FIRST = (50, 200)
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"


def share(values: np.ndarray) -> str:
    return f"{values.mean():.1%} of {len(values):,}" if len(values) else "–"


def judge(manifest: Manifest, scores: Scores) -> tuple[dict[str, str], float]:
    """Numbers about the suspects of one set of scores, and the milliseconds that finding them took."""
    start = time.perf_counter()
    found = find_suspects(manifest, scores).by("model", "both")
    took = 1000 * (time.perf_counter() - start)
    people = Labels.named("ferplus8")
    spoken = manifest.with_labels(people)
    truth = majority(spoken.votes(), spoken.other_votes())
    own = spoken.targets()
    votes = manifest.frame[[name for name in manifest.frame.columns if str(name).startswith("votes")]].to_numpy(float)
    labels = manifest.frame["label"].to_numpy(str)
    half = np.array([manifest.frame[f"votes.{name}"].iloc[row] if name else 0 for row, name in enumerate(labels)])
    half = half / np.maximum(votes.sum(axis=1), 1) < 0.5
    scored = np.isin(ids_of(manifest), scores.ids) & (own >= 0)
    clear = truth >= 0
    rows = np.array([each.row for each in found])
    suggested = np.array([people.index(each.suggested) for each in found])
    rest = scored.copy()
    rest[rows] = False
    named = clear[rows]
    numbers = {
        "labels judged": f"{int(scored.sum()):,}",
        "suspects": f"{len(rows):,}",
        "changed by the taggers: all judged": share((truth != own)[scored & clear]),
        "changed: not suspected": share((truth != own)[rest & clear]),
        "changed: suspected": share((truth != own)[rows[named]]),
        **{
            f"changed: the first {count} suspects": share((truth != own)[rows[:count][clear[rows[:count]]]])
            for count in FIRST
        },
        "suggestion = the taggers' majority": share((truth[rows] == suggested)[named]),
        "fewer than half of the votes for the label: all judged": share(half[scored]),
        "the same: suspected": share(half[rows]),
        "changed labels that are suspected (recall)": share(
            np.isin(np.flatnonzero(scored & clear & (truth != own)), rows)
        ),
    }
    return numbers, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("scores", nargs="+")
    args = parser.parse_args()
    columns, times = {}, {}
    for given in args.scores:
        name, _, path = given.rpartition("=")
        manifest = Manifest.load(args.manifest)
        scores = Scores.load(path)
        if not np.isin(scores.ids, ids_of(manifest)).all():  # a part of the data, made elsewhere, with full paths
            stems = [Path(text).name for text in scores.ids.tolist()]
            scores.ids[:] = np.array(stems, dtype=scores.ids.dtype)
        columns[name or Path(path).stem], times[name or Path(path).stem] = judge(manifest, scores)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    shown = [f"{given.rpartition('=')[0]}={Path(given.rpartition('=')[2]).name}" for given in args.scores]
    lines = [
        "# Suspects",
        "",
        "Are the labels that `mien data suspects` names wrong? FER2013's own labels, with the ten taggers of FER+ as",
        "the reference: a label is *changed* when the taggers' clear majority names another class. The votes are not",
        "used to find suspects here. Made by `benchmarks/suspects.py`.",
        "",
        f"* {datetime.date.today()}, commit {commit.strip()}, {os.cpu_count()} cores ({platform.machine()}, "
        f"{platform.system()})",
        f"* `{shlex.join(['python', 'benchmarks/suspects.py', Path(sys.argv[1]).name, *shown])}`",
        "",
        "| | " + " | ".join(columns) + " |",
        "| --- |" + " --- |" * len(columns),
    ]
    for key in next(iter(columns.values())):
        lines.append(f"| {key} | " + " | ".join(column[key] for column in columns.values()) + " |")
    lines.append("| finding them, ms | " + " | ".join(f"{value:.0f}" for value in times.values()) + " |")
    kept = RESULT.read_text(encoding="utf-8").partition(READING)[2] if RESULT.exists() else ""
    RESULT.write_text("\n".join(lines) + f"\n\n{READING}{kept or chr(10)}", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
