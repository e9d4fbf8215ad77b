"""Do drawn faces help a classifier? Real faces alone, with drawn ones at several shares, and with more real ones.

Run:  python benchmarks/synth_transfer.py FACES.csv GENERATOR.onnx NAME=PICTURES.csv ... --out FOLDER
      [--each 200] [--shares 0.25,0.5,0.75] [--truncation 0.8] [--seeds 0,1,2] [--epochs 24] [--threads 1]

FACES.csv holds cut out faces: its split train is what the generator learned from and what the classifiers take their
real faces from, its split val is the test domain called web. Every NAME=PICTURES.csv holds whole pictures of another
domain, in which the largest face is looked for. Faces are drawn and screened first. Recipe `quick` at 48 px from
ImageNet weights; all arms take the same number of steps, the last epoch counts, nothing is chosen on any test domain.
The same call goes on after a stop. Writes benchmarks/results/synth_transfer.md, .json and .png.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np

from mien.data.boxes import locate
from mien.evaluate.metrics import measure
from mien.labels import Labels
from mien.manifest import Manifest
from mien.scores import Scores

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "synth_transfer.md"
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"
CLASSES = ("angry", "happy", "sad", "surprise", "neutral")
#: Real faces of each class that are looked at while the classifiers learn; nothing is chosen by them.
WATCHED = 20
METRICS = {
    "balanced accuracy": lambda found: found.balanced_accuracy,
    "mean ROC-AUC": lambda found: float(np.nanmean(found.roc_auc)),
    "mean PR-AUC": lambda found: float(np.nanmean(found.pr_auc)),
}


def run(*words: object) -> str:
    """One command of mien; its errors are shown as they are."""
    command = [sys.executable, "-m", "mien", *map(str, words)]
    print("$ mien", *command[3:], flush=True)
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout


def real_faces(path: str, each: int, out: Path) -> tuple[Path, Path, Path]:
    """Manifests of few real faces, of twice as many, and of the whole test split; made once."""
    few, more, web = (out / name for name in ("real.csv", "more.csv", "web.csv"))
    if not web.exists():
        whole = Manifest.load(path)
        columns = [name for name in whole.frame.columns if not str(name).startswith("votes")]
        faces = Manifest(whole.frame[columns], whole.root, whole.labels).with_labels(Labels.of(CLASSES))
        faces = faces.take(np.flatnonzero(faces.targets() >= 0)).with_columns(domain="web")
        out.mkdir(parents=True, exist_ok=True)
        twice, watched = faces.split("train").at_most(2 * each), faces.split("val").at_most(WATCHED)
        twice.merge(watched).save(more)
        twice.at_most(each).merge(watched).save(few)
        faces.split("val").with_columns(split="test", box="").save(web)
    return few, more, web


def test_domains(web: Path, others: list[str], out: Path) -> Path:
    """All test pictures in one manifest; made once."""
    target = out / "test.csv"
    if not target.exists():
        merged = Manifest.load(web)
        for other in others:
            name, path = other.split("=", 1)
            part = Manifest.load(path).with_labels(Labels.of(CLASSES))
            located = locate(part).manifest.with_columns(domain=name, split="test")
            print(f"{name}: no face found in {len(part) - len(located)} of {len(part)} pictures, left out")
            usable = located.take(np.flatnonzero(located.targets() >= 0))
            columns = [column for column in usable.frame.columns if not str(column).startswith("votes")]
            merged = merged.merge(Manifest(usable.frame[columns], usable.root, usable.labels))
        merged.save(target)
    return target


def drawn_faces(
    generator: str, truncation: float, agree: float, count: int, faces: str, out: Path, threads: int
) -> Path:
    """Faces that passed the screening, with what was measured of them beside."""
    kept = out / "kept.csv"
    if not kept.exists():
        words = [word for name in CLASSES for word in ("--class", f"{name}={count}")]
        drawing = ("--model", generator, "--truncation", truncation, "--seed", 1, "--threads", threads)
        run("synth", "sample", *words, *drawing, "--out", out / "drawn")
        manifest = out / "drawn" / "manifest.csv"
        screen = ("synth", "screen", manifest, "--real", faces, "--split", "train", "--agree", agree, "--out", kept)
        table = run(*screen)
        (out / "screened.txt").write_text(table, encoding="utf-8")
        print(table)
    return kept


def by_domain(runs: Path, arms: list[str], seeds: list[str]) -> dict[str, dict[str, list[Path]]]:
    """Domain -> arm -> one scores file per seed."""
    found: dict[str, dict[str, list[Path]]] = {}
    for arm in arms:
        for seed in seeds:
            scores = Scores.load(runs / arm / f"seed-{seed}" / "scores.npz")
            domains = scores.column("domain")
            for domain in sorted(set(domains.tolist())):
                path = runs.parent / "scores" / domain / f"{arm}-{seed}.npz"
                path.parent.mkdir(parents=True, exist_ok=True)
                scores.take(np.flatnonzero(domains == domain)).save(path)
                found.setdefault(domain, {}).setdefault(arm, []).append(path)
    return found


def table(scores: dict[str, dict[str, list[Path]]]) -> tuple[list[str], dict[str, dict[str, list[float]]]]:
    """Lines of a Markdown table and the numbers in it: mean and standard deviation over the seeds."""
    lines = [
        "| Tested on | Pictures | Learned from | " + " | ".join(METRICS) + " |",
        "| --- " * (3 + len(METRICS)) + "|",
    ]
    numbers: dict[str, dict[str, list[float]]] = {}
    for domain, arms in scores.items():
        for arm, paths in arms.items():
            found = [measure(Scores.load(path)) for path in paths]
            values = {name: [metric(one) for one in found] for name, metric in METRICS.items()}
            numbers[f"{domain}/{arm}"] = values
            cells = [f"{100 * np.mean(each):.1f} ± {100 * np.std(each, ddof=1):.1f}" for each in values.values()]
            lines.append(f"| {domain} | {found[0].rows:,} | {arm} | " + " | ".join(cells) + " |")
    return lines, numbers


def plot(numbers: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Every training as a point, one panel per metric, one group per domain."""
    mpl.use("svg")
    from matplotlib import pyplot

    arms = list(dict.fromkeys(key.split("/")[1] for key in numbers))
    domains = list(dict.fromkeys(key.split("/")[0] for key in numbers))
    figure, panels = pyplot.subplots(1, len(METRICS), figsize=(11, 3.6), layout="constrained")
    for axes, metric in zip(panels, METRICS, strict=True):
        for number, arm in enumerate(arms):
            places = np.arange(len(domains)) + 0.18 * (number - (len(arms) - 1) / 2)
            values = [np.multiply(numbers[f"{domain}/{arm}"][metric], 100) for domain in domains]
            axes.scatter(np.repeat(places, [len(each) for each in values]), np.concatenate(values), s=14, label=arm)
            axes.hlines([each.mean() for each in values], places - 0.07, places + 0.07, color="black", linewidth=1)
        axes.set_xticks(range(len(domains)), domains)
        axes.set_title(f"{metric}, %", fontsize=10)
        axes.grid(axis="y", alpha=0.3)
    panels[0].legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces")
    parser.add_argument("generator")
    parser.add_argument("others", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=200, help="real faces of each class")
    parser.add_argument("--shares", default="0.25,0.5,0.75", help="of the training pictures that are drawn")
    parser.add_argument("--draw", type=float, default=3.0, help="draw so many times what is needed before screening")
    parser.add_argument("--truncation", type=float, default=0.8)
    parser.add_argument("--agree", type=float, default=0.5, help="least probability of a face's label in screening")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int, default=24, help="of real faces alone; the others take as many steps")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    shares, seeds = [float(share) for share in given.shares.split(",")], given.seeds.split(",")
    few, more, web = real_faces(given.faces, given.each, given.out)
    test = test_domains(web, given.others, given.out)
    needed = max(shares) / (1 - max(shares)) * given.each
    drawing = (
        given.generator,
        given.truncation,
        given.agree,
        round(needed * given.draw),
        given.faces,
        given.out,
        given.threads,
    )
    kept = drawn_faces(*drawing)
    arms, epochs = {"real": few}, {"real": given.epochs}
    for share in shares:
        name = f"{share:.0%}-drawn".replace("%", "")
        arms[name], epochs[name] = given.out / f"{name}.csv", max(round(given.epochs * (1 - share)), 1)
        run("synth", "mix", few, kept, "--share", share, "--per-class", "--out", arms[name])
    arms["twice-real"], epochs["twice-real"] = more, max(given.epochs // 2, 1)
    words: list[object] = []
    for name, manifest in arms.items():
        words += ["--arm", f"{name}={manifest}", "--change", f"{name}:schedule.epochs={epochs[name]}"]
    classes = f"data.labels=[{', '.join(CLASSES)}]"
    for value in (classes, "data.targets=label", "preprocess.size_px=48", "augment.small_px=0", "runtime.select=last"):
        words += ["--set", value]
    runs = given.out / "runs"
    words += ["--test", test, "--split", "test", "--seeds", given.seeds, "--threads", given.threads]
    run("arms", "quick", *words, "--out", runs)
    scores = by_domain(runs, list(arms), seeds)
    lines, numbers = table(scores)
    compared = []
    for domain, files in scores.items():
        sides = [word for arm, paths in files.items() for word in ("--arm", f"{arm}={','.join(map(str, paths))}")]
        compared += [f"### {domain}", "", "```", run("compare", *sides).rstrip(), "```", ""]
    RESULT.with_suffix(".json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    screened = (given.out / "screened.txt").read_text(encoding="utf-8").split("written:")[0].rstrip()
    before = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
    kept_text = before.partition(READING)[2]
    text = [
        "# Do drawn faces help a classifier?",
        "",
        "The experiment of S1: real faces alone, and with drawn ones. Made by `benchmarks/synth_transfer.py`.",
        "",
        f"* {date.today()}, commit {commit.strip()}, {platform.machine()}, Python {platform.python_version()}",
        f"* `python benchmarks/synth_transfer.py FACES.csv {Path(given.generator).name} "
        + " ".join(one.split("=")[0] + "=PICTURES.csv" for one in given.others)
        + f" --out FOLDER --each {given.each} --shares {given.shares} --draw {given.draw} --truncation "
        f"{given.truncation} --agree {given.agree} --seeds {given.seeds} --epochs {given.epochs}`",
        f"* classes: {', '.join(CLASSES)}; real: {given.each} FER2013 faces of each; twice-real: as many more in "
        "place of drawn ones; the generator itself learned from all faces of that split",
        "* web: the split val of FER2013 (majority of FER+ votes); press: photographs of known people, labels partly "
        "made by machines; synthetic: generated portraits of another kind of generator, labelled as asked for",
        f"* recipe `quick` at 48 px from ImageNet weights; {given.epochs} epochs of real faces alone, the others as "
        "many steps; the last epoch; nothing is chosen on the tested pictures",
        "",
        "![every training as a point, the mean as a line](synth_transfer.png)",
        "",
        *lines,
        "",
        f"In per cent, mean and standard deviation over {len(seeds)} trainings; areas are means over the classes, each "
        "against the rest.",
        "",
        "## What passed the screening",
        "",
        "```",
        screened,
        "```",
        "",
        "## Differences and their intervals",
        "",
        *compared,
    ]
    RESULT.write_text("\n".join(text) + ("\n" + READING + kept_text if kept_text else ""), encoding="utf-8")
    plot(numbers, RESULT.with_suffix(".png"))
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
