"""How good is a recognizer, under all conditions? One command for one model or several, side by side.

Run:  python benchmarks/model.py MODEL... --faces FACES.csv --press PICTURES.csv --synthetic PICTURES.csv
      [--split val] [--cache FOLDER] [--sample 500] [--draws 1000] [--threads 1]

FACES.csv holds cut out faces with votes (the domain called web; the split is not one that trained); the other two hold
whole pictures, in which the largest face is looked for. Measured are accuracy, balance, calibration and abstention on
web; all three domains under each prior (a card that does not say its shares has only the first: `mien export MODEL
--prior FACES.csv --out NEW.onnx`); tighter and wider crops; pictures without colour; corruptions at severities 1, 3
and 5. Boxes and scores are kept in the cache by the digests of data and model. Writes benchmarks/results/model.md,
.json and .png.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import model_page
import numpy as np
from pictures import domain

from mien.data.faces import ids_of
from mien.evaluate.calibration import measure_calibration
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.groups import measure_groups
from mien.evaluate.metrics import measure
from mien.evaluate.robustness import robustness
from mien.evaluate.run import score
from mien.evaluate.selective import RiskCoverage
from mien.evaluate.view import view
from mien.faces import DEFAULT
from mien.images import Pixels, grey
from mien.labels import Labels
from mien.manifest import Manifest
from mien.runtime.network import Answers, Network
from mien.runtime.prior import PRIORS
from mien.scores import Scores

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "model.md"
#: Classes that a domain needs so many pictures of to be among those that all domains are measured on.
SMALLEST = 30
#: Side of the crop against that of the model's own framing.
FRAMINGS = {"tight": 0.8, "wide": 1.3}
CORRUPTIONS = ("blur", "jpeg", "darkness", "rotation", "low_resolution")
SEVERITIES = (1, 3, 5)
#: The prior auto on web faces that are drawn again in random shares: so many at a time, so often.
DRAWN, TIMES = (1, 10, 100, 300), 60


class Bench:
    """A model and the pictures to measure it on.

    Args:
        network: open already.
        pictures: all domains in one manifest, those of whole pictures with boxes.
        common: classes that every domain has.
        cache: folder for scores.
        given: the command's arguments.
    """

    def __init__(
        self, network: Network, pictures: Manifest, common: Labels, cache: Path, given: argparse.Namespace
    ) -> None:
        self.network, self.card, self.pictures, self.common = network, network.card, pictures, common
        self.cache, self.given = cache, given
        self.priors = PRIORS if self.card.prior else PRIORS[:1]
        self.scores = self._scored("as they are", pictures)

    def _scored(
        self, name: str, pictures: Manifest, change: Callable[[Pixels], Pixels] | None = None, side: float = 1.0
    ) -> Scores:
        """Scores of pictures, changed or cut out with another side; from the cache where they are known."""
        faces = hashlib.sha256("\n".join(ids_of(pictures)).encode()).hexdigest()[:12]
        path = self.cache / f"scores-{self.network.digest[:12]}-{faces}-{name.replace(' ', '-')}.npz"
        if path.exists():
            return Scores.load(path)
        framing = self.card.preprocess.model_copy(update={"margin": (1 + self.card.preprocess.margin) * side - 1})

        def answers(faces: Sequence[Pixels]) -> Answers:
            changed = faces if change is None else [change(face) for face in faces]
            return self.network.answers(changed, self.card.flip, 64)

        scores = score(
            answers,
            self.card.model_copy(update={"preprocess": framing}),
            pictures,
            model=f"{self.card.name} {self.network.digest[:12]}",
            threads=self.given.threads,
        )
        scores.save(path)
        return scores

    def part(self, name: str, scores: Scores | None = None) -> Scores:
        """The rows of one domain."""
        scores = self.scores if scores is None else scores
        return scores.take(np.flatnonzero(scores.column("domain") == name))

    def everything(self) -> dict[str, Any]:
        """All numbers, ready for JSON."""
        began = time.time()
        found = {
            "model": self.scores.model,
            "size_mb": self.network.path.stat().st_size / 1e6,
            "input": f"{self.card.preprocess.size_px} px"
            + (", grey" if self.card.preprocess.channels == 1 else "")
            + (", with the mirror image" if self.card.flip else ""),
            "prior": dict(zip(self.card.classes, self.card.prior, strict=False)),
            "web": self.web(),
            "priors": {name: self.by_prior(name) for name in ("web", "press", "synthetic")},
            "groups": self.groups(),
            "drawn": self.drawn_shares() if self.card.prior else {},
            "conditions": self.conditions(),
            "corruptions": {name: self.corrupted(name) for name in ("web", "press")},
        }
        return {**found, "seconds": round(time.time() - began)}

    def web(self) -> dict[str, Any]:
        """Accuracy with eight and seven classes, calibration, abstention."""
        scores, found = self.part("web"), {}
        for count, labels in ((8, None), (7, Labels.named("fer7"))):
            numbers = Evaluation.of(scores, labels=labels, draws=self.given.draws).raw.to_dict()
            keys = ("rows", "accuracy", "balanced_accuracy", "macro_f1", "intervals")
            found[f"{count} classes"] = {key: numbers[key] for key in keys}
        calibration = measure_calibration(view(scores).scores.labelled(), draws=self.given.draws)
        return found | {
            "calibration": {key: getattr(calibration, key) for key in ("ece", "ece_floor", "nll", "confidence")},
            "ece_interval": calibration.intervals["ece"].to_dict() if calibration.intervals else None,
            "abstention": {f"{level:.0%}": covered(calibration.selection, level) for level in (0.9, 0.95, 0.99)},
            "curve": [calibration.selection.coverage[::20].tolist(), calibration.selection.risk[::20].tolist()],
        }

    def by_prior(self, name: str) -> dict[str, Any]:
        """One domain under each prior: among all classes, and among those that all domains have."""
        scores, found = self.part(name), {}
        for prior in self.priors:
            for which, labels in (("all", self.card.labels), ("common", self.common)):
                done = Evaluation.of(
                    scores, labels=labels, prior=prior, draws=self.given.draws, by_subject=name == "press"
                )
                numbers = done.raw.to_dict()
                keys = ("rows", "accuracy", "balanced_accuracy", "intervals")
                found[f"{prior}, {which}"] = {
                    **{key: numbers[key] for key in keys},
                    "recall": {name: row["recall"] for name, row in numbers["per_class"].items()},
                    "shares": done.shares,
                }
        return found

    def groups(self) -> str:
        """The domains beside each other as a table of text: differences, and what of them is chance."""
        from io import StringIO

        from rich.console import Console

        from mien.evaluate.groups_summary import summary

        found = measure_groups(view(self.scores, self.common).scores, "domain", by_subject=True, draws=self.given.draws)
        console = Console(width=120, file=StringIO())
        console.print(summary(found), highlight=False)
        return console.file.getvalue().rstrip()  # type: ignore[attr-defined]

    def drawn_shares(self) -> dict[str, Any]:
        """Accuracy with the shares of training and with auto, where web faces come in random other shares."""
        scores = self.part("web").labelled()
        rows_of = [np.flatnonzero(scores.targets == index) for index in range(len(scores.labels))]
        draw, found = np.random.default_rng(0), {}
        for count in DRAWN:
            accuracies = []
            for _ in range(TIMES):
                shares = draw.dirichlet(np.full(len(rows_of), 0.5)) * [len(rows) > 0 for rows in rows_of]
                classes = draw.choice(len(rows_of), count, p=shares / shares.sum())
                some = scores.take(np.array([draw.choice(rows_of[index]) for index in classes]))
                viewed = [view(some, self.card.labels, prior).scores for prior in ("training", "auto")]
                accuracies.append([(one.logits.argmax(axis=1) == one.targets).mean() for one in viewed])
            found[str(count)] = np.mean(accuracies, axis=0).tolist()
        return found

    def conditions(self) -> dict[str, Any]:
        """Whole pictures in other crops and without colour, against the same pictures as they are."""
        whole = self.pictures.take(np.flatnonzero(self.pictures.frame["domain"] != "web"))
        is_synthetic = (whole.frame["domain"] == "synthetic").to_numpy()
        press = np.flatnonzero(~is_synthetic)
        press = np.random.default_rng(0).permutation(press)[: self.given.sample]
        some = whole.take(np.sort(np.concatenate([press, np.flatnonzero(is_synthetic)])))
        kept = set(some.frame["image"])
        same = self.scores.take(np.array([name.split(" @ ")[0] in kept for name in self.scores.ids]))
        variants = {"as they are": same}
        for name, side in FRAMINGS.items():
            variants[name] = self._scored(f"{name} {side}", some, side=side)
        variants["grey"] = self._scored("grey", some, lambda face: np.repeat(grey(face)[..., None], 3, axis=2))
        return {
            domain: {
                name: {key: measured[key] for key in ("rows", "accuracy", "balanced_accuracy")}
                for name, scores in variants.items()
                for measured in [measure(view(self.part(domain, scores), self.common).scores).to_dict()]
            }
            for domain in ("press", "synthetic")
        }

    def corrupted(self, name: str) -> dict[str, Any]:
        """Accuracy under each corruption, on a sample of one domain."""
        rows = np.flatnonzero(self.pictures.frame["domain"] == name)
        found = robustness(
            self.network,
            self.pictures.take(rows),
            corruptions=CORRUPTIONS,
            severities=SEVERITIES,
            sample=min(self.given.sample, len(rows)),
            labels=self.common,
            threads=self.given.threads,
            draws=self.given.draws,
        ).to_dict()
        return {key: found[key] for key in ("rows", "clean", "mean_accuracy", "mean_interval", "conditions")}


def covered(selection: RiskCoverage, accuracy: float) -> float:
    """The largest share of rows that can be answered with this accuracy, on these very rows."""
    fine = np.flatnonzero(1 - selection.risk >= accuracy)
    return float(selection.coverage[fine[-1]]) if len(fine) else 0.0


def gather(given: argparse.Namespace, cache: Path) -> tuple[Manifest, Labels, dict[str, int]]:
    """All domains in one manifest, the classes that each has enough of, and where no face was found."""
    parts = [Manifest.load(given.faces).split(given.split).with_columns(domain="web", subject="", split="", box="")]
    misses = {}
    for name in ("press", "synthetic"):
        manifest, misses[name] = domain(name, getattr(given, name), cache)
        parts.append(manifest)
    counts = [dict(zip(part.labels, np.bincount(part.targets()[part.targets() >= 0]), strict=False)) for part in parts]
    common = Labels.of([name for name in parts[0].labels if all(one.get(name, 0) >= SMALLEST for one in counts)])
    return parts[0].merge(parts[1]).merge(parts[2]), common, misses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    for name in ("faces", "press", "synthetic"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--cache", type=Path, default=Path("bench-model"), help="for boxes and scores")
    parser.add_argument("--sample", type=int, default=500, help="pictures under corruptions, and in other crops")
    parser.add_argument("--draws", type=int, default=1000, help="for the 95 %% intervals")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    pictures, common, misses = gather(given, given.cache)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    about = {
        "made": f"{date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}",
        "command": f"python benchmarks/model.py {' '.join(Path(name).name for name in given.models)} --faces FACES.csv "
        "--press PICTURES.csv --synthetic PICTURES.csv",
        "split": given.split,
        "common": list(common),
        "smallest": SMALLEST,
        "misses": misses,
        "detector": DEFAULT,
        "sample": given.sample,
        "framings": FRAMINGS,
        "times": TIMES,
    }
    found = []
    for name in given.models:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        found.append(Bench(Network(name, given.threads), pictures, common, given.cache, given).everything())
    model_page.write(given.out, about, found)


if __name__ == "__main__":
    main()
