"""Would pictures of another domain make a model better on a third? A linear layer on what its net sees answers that.

Run:  python benchmarks/domain_probe.py MODEL... --faces FACES.csv --press PICTURES.csv --synthetic PICTURES.csv
      [--cache FOLDER] [--count 6000] [--seed 0] [--threads 1]

The net stays as it is; a balanced logistic regression learns five classes from its features of web faces (the train
split of FACES.csv), of press photographs, of generated portraits, or of two of these, and answers for a domain that
was not among them. For a domain with itself (five folds; in press a person is in one fold only) the same says how much
is to be seen for a net that knows that domain's own labels: what is below it is lost between the domains, not for want
of sight. The penalty's strength was fixed after a scratch run had tried 3e-4 and 3e-3 on these same pictures, so the
numbers flatter a little; and frozen features do not say what training a whole net on these pictures would bring.

Writes benchmarks/results/domain_probe.md.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pictures import domain
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mien.manifest import Manifest
from mien.runtime.features import Features
from mien.synth.measure import features_of

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "domain_probe.md"
CLASSES = ("angry", "happy", "sad", "surprise", "neutral")
#: What is learned from -> what is answered for.
TRIALS = (
    (("web",), "synthetic"),
    (("web", "press"), "synthetic"),
    (("press",), "synthetic"),
    (("synthetic",), "synthetic"),
    (("web",), "press"),
    (("web", "synthetic"), "press"),
    (("synthetic",), "press"),
    (("press",), "press"),
)
#: Weight of the penalty's opposite in the logistic regression, on features of unit variance.
STRENGTH = 3e-4
DRAWS = 1000


class Seen:
    """Features, classes and groups of the pictures of one domain."""

    def __init__(self, manifest: Manifest, features: Features, name: str, threads: int) -> None:
        manifest = manifest.take(np.flatnonzero(manifest.frame["label"].isin(CLASSES).to_numpy()))
        problems: list[str] = []
        self.features, labels = features_of(manifest, features, name, problems, threads=threads)
        if problems:
            raise SystemExit(f"{name}: {len(problems)} pictures could not be read; the first: {problems[0]}")
        self.targets = np.array([CLASSES.index(label) for label in labels])
        persons = manifest.frame["subject"].tolist() if name == "press" else range(len(labels))
        self.groups = np.unique([str(person) for person in persons], return_inverse=True)[1]


def learner() -> object:
    """A balanced linear classifier of features."""
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=500, class_weight="balanced", random_state=0)
    )


def answers(seen: dict[str, Seen], sources: Sequence[str], target: str) -> NDArray[np.int64]:
    """(N,) classes for the pictures of the target."""
    asked = seen[target]
    if target in sources:
        found = cross_val_predict(learner(), asked.features, asked.targets, groups=asked.groups, cv=GroupKFold(5))
    else:
        rows = np.concatenate([seen[name].features for name in sources])
        targets = np.concatenate([seen[name].targets for name in sources])
        found = learner().fit(rows, targets).predict(asked.features)
    return np.asarray(found, np.int64)


def recalls(targets: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,) of each class."""
    return np.array([(found[targets == number] == number).mean() for number in range(len(CLASSES))])


def interval(asked: Seen, found: NDArray[np.int64], seed: int) -> tuple[float, float]:
    """95 % of the balanced accuracy, by bootstrap over groups."""
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(asked.groups == group) for group in range(asked.groups.max() + 1)]
    means = []
    for _ in range(DRAWS):
        drawn = np.concatenate([members[group] for group in generator.integers(len(members), size=len(members))])
        means.append(recalls(asked.targets[drawn], found[drawn]).mean())
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    for name in ("faces", "press", "synthetic"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--cache", type=Path, default=Path("cache"))
    parser.add_argument("--count", type=int, default=6000, help="web faces")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    web = Manifest.load(given.faces)
    rows = np.flatnonzero((web.frame["split"] == "train").to_numpy())
    drawn = np.sort(np.random.default_rng(given.seed).choice(rows, min(given.count, len(rows)), replace=False))
    pictures = {"web": web.take(drawn)} | {
        name: domain(name, getattr(given, name), given.cache)[0] for name in ("press", "synthetic")
    }
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    lines = [
        "# Would pictures of another domain help?",
        "",
        "Made by `benchmarks/domain_probe.py`, which says what it does.",
        "",
        f"* {date.today()}, commit {commit.stdout.strip()}, {platform.machine()}, Python {platform.python_version()}",
        f"* `python benchmarks/domain_probe.py {' '.join(given.models)} --faces FACES.csv --press PICTURES.csv "
        f"--synthetic PICTURES.csv --count {given.count} --seed {given.seed}`",
        "* balanced accuracy of five classes by a linear layer on the features of each model, which had learned from",
        "  these web faces before; in brackets 95 % intervals, bootstrap over pictures, in press over persons",
        "* a domain with itself: five folds",
        "* the penalty was fixed after a look at two strengths on these pictures; the nets themselves learned nothing",
        "  here, so this does not say what training them on these pictures would bring",
    ]
    for model in given.models:
        features = Features(model, threads=given.threads)
        seen = {name: Seen(manifest, features, name, given.threads) for name, manifest in pictures.items()}
        counts = ", ".join(f"{len(known.targets):,} {name}" for name, known in seen.items())
        lines += ["", f"## {features.name}", "", f"{features.size:,} features; pictures: {counts}.", ""]
        lines += [f"| learned from | asked about | balanced accuracy | {' | '.join(CLASSES)} |"]
        lines += ["| --- " * (3 + len(CLASSES)) + "|"]
        for sources, target in TRIALS:
            found = answers(seen, sources, target)
            each = recalls(seen[target].targets, found)
            low, high = interval(seen[target], found, given.seed)
            cells = [
                " and ".join(sources),
                target,
                f"{each.mean():.1%} ({low:.1%} to {high:.1%})",
                *(f"{value:.0%}" for value in each),
            ]
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
