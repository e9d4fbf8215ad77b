"""How much worse do the shipped model's answers get when pictures do?

Run:  mien robustness default FACES.csv --split val --sample 1000 --out RESULT.json
      python benchmarks/robustness.py RESULT.json

Writes benchmarks/results/robustness.md.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "robustness.md"


def cell(condition: dict[str, Any]) -> str:
    """Accuracy and confidence."""
    interval = condition["interval"]
    return f"{condition['accuracy']:.1%} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})"


def main() -> None:
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    about, clean, conditions = found["about"], found["clean"], found["conditions"]
    names = list(dict.fromkeys(condition["corruption"] for condition in conditions))
    severities = sorted({condition["severity"] for condition in conditions})
    by_name = {name: [one for one in conditions if one["corruption"] == name] for name in names}
    accuracy = "\n".join(f"| {name} | {' | '.join(map(cell, ones))} |" for name, ones in by_name.items())
    sureness = "\n".join(
        f"| {name} | " + " | ".join(f"{one['accuracy']:.0%} / {one['confidence']:.0%}" for one in ones) + " |"
        for name, ones in by_name.items()
    )
    recall = "\n".join(
        f"| {label} | {found['support'][label]} | {clean['recall'][label]:.0%} | "
        + " | ".join(f"{ones[2]['recall'][label]:.0%}" for ones in by_name.values())
        + " |"
        for label in clean["recall"]
    )
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    head = " | ".join(f"severity {level}" for level in severities)
    rule = "--- | " * len(severities)
    RESULT.write_text(
        f"""# Robustness

Accuracy of `{about["model"]}` on corrupted faces. Made by `benchmarks/robustness.py`.

* {date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}
* `mien robustness default FACES.csv --split {about["split"]} --sample {about["sample"]} --out RESULT.json`,
  `python benchmarks/robustness.py RESULT.json`
* data: {found["rows"]:,} faces of FER2013's val with the majority of FER+ votes, seed {about["seed"]};
  manifest {about["manifest"]}; the split that chose the model. FER2013's faces have 48 pixels; they are corrupted at
  the network's {about["size_px"]}
* what the severities are: `mien.evaluate.corruptions`

As they are: {cell(clean)}. **Mean over all corruptions: {found["mean_accuracy"]:.1%}**
({100 * found["mean_interval"]["low"]:.1f} to {100 * found["mean_interval"]["high"]:.1f}).

| accuracy | {head} |
| --- | {rule}
{accuracy}

Does it know when it sees badly? Accuracy / mean confidence:

| | {head} |
| --- | {rule}
{sureness}

Recall at severity 3:

| class | faces | as they are | {" | ".join(names)} |
| --- | --- | --- | {"--- | " * len(names)}
{recall}
""",
        encoding="utf-8",
    )
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
