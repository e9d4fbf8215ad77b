"""How many people is a recognizer worth? Its answers and those of small panels of taggers, against the same others.

Run:  python benchmarks/taggers.py MODEL... --faces FACES.csv [--split val] [--draws 200] [--threads 1]

FACES.csv holds cut out faces that ten people have tagged (FER+), of a split that did not train. In each draw the ten
answers to each face are parted by lot: what five say most often is the reference; one to five of the other five are a
panel that answers what they say most often. Ties are broken by lot, an answer that names no class counts for none. So
people and models are measured alike, on the same faces against the same reference. That reference is noisier than the
majority of all ten that accuracies elsewhere refer to; the panels show how far from 100 % its noise keeps anybody.

Writes benchmarks/results/taggers.md, .json and .png.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.run import score
from mien.manifest import OTHER_VOTES, Manifest
from mien.runtime.network import Network

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "taggers.md"
#: Answers to each face, and how many of them are the reference.
TAGGERS, REFERENCE = 10, 5
#: Resamplings of the faces for the intervals.
RESAMPLED = 1000


def answers_of(manifest: Manifest) -> NDArray[np.int64]:
    """(N, taggers) class of each single answer, in no order; -1 where it names none."""
    votes = manifest.votes()
    if votes is None:
        raise SystemExit("--faces: no votes in the manifest; `mien data scan --label ferplus` makes one with votes")
    columns = [name for name in manifest.frame.columns if str(name).startswith(OTHER_VOTES)]
    silent = manifest.frame[columns].to_numpy(np.float32).sum(axis=1, keepdims=True)
    counts = np.concatenate([votes, silent], axis=1).astype(np.int64)
    answers = np.concatenate([np.arange(votes.shape[1]), [-1]])
    return np.stack([np.repeat(answers, row) for row in counts])


def majority(answers: NDArray[np.int64], classes: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """(N,) the class that most of the answers in each row name; ties, and rows that name none, by lot."""
    counts = (answers[:, :, None] == np.arange(classes)).sum(axis=1)
    return np.asarray((counts + draw.random(counts.shape) / 2).argmax(axis=1))


def agreement(
    answers: NDArray[np.int64], models: dict[str, NDArray[np.int64]], classes: int, draws: int
) -> dict[str, NDArray[np.float64]]:
    """Who -> (N,) in what share of the draws they gave the answer of the reference."""
    draw, found = np.random.default_rng(0), {}
    for _ in range(draws):
        shuffled = draw.permuted(answers, axis=1)
        reference = majority(shuffled[:, :REFERENCE], classes, draw)
        others = shuffled[:, REFERENCE:]
        said = {panel(size): majority(others[:, :size], classes, draw) for size in range(1, others.shape[1] + 1)}
        for name, given in (said | models).items():
            found[name] = found.get(name, 0.0) + (given == reference) / draws
    return found


def panel(size: int) -> str:
    """What a panel is called."""
    return "one tagger" if size == 1 else f"majority of {size} taggers"


def summary(shares: NDArray[np.float64]) -> dict[str, float]:
    """Mean over the faces, and its 95 % interval by bootstrap over them."""
    rows = np.random.default_rng(0).integers(len(shares), size=(RESAMPLED, len(shares)))
    low, high = np.quantile(shares[rows].mean(axis=1), (0.025, 0.975))
    return {"agreement": float(shares.mean()), "low": float(low), "high": float(high)}


def page(about: dict[str, Any], found: dict[str, dict[str, float]]) -> str:
    """Everything as Markdown."""
    lines = [
        "# How many people is a recognizer worth?",
        "",
        "Made by `benchmarks/taggers.py`, which says how.",
        "",
        f"* {about['made']}",
        f"* `{about['command']}`",
        f"* {about['faces']:,} faces of split {about['split']} (which chose the models) with {TAGGERS} answers each",
        f"  and a majority; reference: the majority of {REFERENCE} answers, drawn {about['draws']} times; in brackets",
        "  95 % intervals, bootstrap over faces",
        "",
        "![agreement of panels and models with the reference](taggers.png)",
        "",
        f"| who answers | agrees with the majority of {REFERENCE} other taggers |",
        "| --- | --- |",
    ]
    lines += [
        f"| {name} | {row['agreement']:.1%} ({row['low']:.1%} to {row['high']:.1%}) |" for name, row in found.items()
    ]
    return "\n".join([*lines, ""])


def draw_plot(path: Path, found: dict[str, dict[str, float]], models: list[str]) -> None:
    """Panels as points by size, models as lines across."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    panels = [row for name, row in found.items() if name not in models]
    sizes = range(1, len(panels) + 1)
    axes.plot(sizes, [row["agreement"] for row in panels], "o-", color="0.35", label="taggers")
    for index, name in enumerate(models):
        row, colour = found[name], f"C{index}"
        axes.axhline(row["agreement"], color=colour, label=name)
        axes.axhspan(row["low"], row["high"], color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel="taggers in the panel", ylabel=f"agreement with the majority of {REFERENCE} others")
    axes.set_xticks(list(sizes))
    axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1, decimals=0))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--faces", required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    manifest = Manifest.load(given.faces).split(given.split)
    manifest = manifest.take(np.flatnonzero(manifest.targets() >= 0))
    columns = [str(name) for name in manifest.frame.columns if str(name).startswith(("votes.", OTHER_VOTES))]
    manifest = manifest.take(np.flatnonzero(manifest.frame[columns].to_numpy(np.float32).sum(axis=1) == TAGGERS))
    said = {}
    for name in given.models:
        network = Network(name, given.threads)
        labels = network.card.classes
        scores = score(
            lambda faces, network=network: network.answers(faces, network.card.flip, 64),
            network.card,
            manifest,
            threads=given.threads,
        )
        if len(scores.ids) != len(manifest):
            raise SystemExit(f"{name}: {len(manifest) - len(scores.ids)} pictures could not be read")
        said[Path(name).stem] = np.array([manifest.labels.index(labels[row]) for row in scores.logits.argmax(axis=1)])
    shares = agreement(answers_of(manifest), said, len(manifest.labels), given.draws)
    found = {name: summary(row) for name, row in shares.items()}
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    names = " ".join(Path(name).name for name in given.models)
    about = {
        "made": f"{date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}",
        "command": f"python benchmarks/taggers.py {names} --faces FACES.csv",
        "split": given.split,
        "faces": len(manifest),
        "draws": given.draws,
    }
    content = json.dumps({"about": about, "found": found}, indent=1, allow_nan=False)
    RESULT.with_suffix(".json").write_text(content + "\n", encoding="utf-8")
    draw_plot(RESULT.with_suffix(".png"), found, list(said))
    RESULT.write_text(page(about, found), encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
