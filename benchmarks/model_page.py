"""The page and the plot of benchmarks/model.py.

Run:  python benchmarks/model_page.py      (draws both again from benchmarks/results/model.json)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "model.md"
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"
DOMAINS = ("web", "press", "synthetic")
PRIORS = ("training", "uniform", "auto")
HOW = """* web: FER2013's {split} split, labelled with the majority of FER+ votes (the split that chose the models);
  press: photographs of known people, their labels partly made by machines; synthetic: generated portraits, labelled
  with what was asked for. Labels differ in kind, and part of every difference is theirs
* press and synthetic: whole pictures, largest face; no face found, left out: {missed}; detector {detector}
* five classes: those with at least {smallest} pictures in every domain ({common}); the model answers among these.
  All classes: it answers among all, and the mean is over those that the domain has
* in brackets: 95 % intervals, bootstrap over pictures, in press over persons; they say nothing of other trainings
* priors: `mien predict --prior`; auto estimates the shares of each domain by itself, without labels
"""


def write(target: Path, about: dict[str, Any], models: list[dict[str, Any]]) -> None:
    """Write the page, the numbers and the plot."""
    content = json.dumps({"about": about, "models": models}, indent=1, allow_nan=False)
    target.parent.mkdir(exist_ok=True, parents=True)
    target.with_suffix(".json").write_text(content + "\n", encoding="utf-8")
    draw(target.with_suffix(".png"), about, models)
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    kept = before.partition(READING)[2]
    text = "\n".join(page(target.stem, about, models))
    target.write_text(text + (f"\n{READING}{kept}" if kept else ""), encoding="utf-8")
    print(target.read_text(encoding="utf-8"), end="")


def page(stem: str, about: dict[str, Any], models: list[dict[str, Any]]) -> list[str]:
    """Everything as Markdown."""
    missed = ", ".join(f"{count} of {name}" for name, count in about["misses"].items())
    how = HOW.format(**{**about, "common": ", ".join(about["common"])}, missed=missed)
    lines = ["# The recognizer under all conditions", "", "Made by `benchmarks/model.py`.", ""]
    lines += [f"* {about['made']}", f"* `{about['command']}`", *how.splitlines(), ""]
    lines += [f"![balanced accuracy by domain and prior, risk and coverage, corruptions]({stem}.png)", ""]
    lines += ["| | " + " | ".join(f"`{one['model']}`" for one in models) + " |", "| --- " * (1 + len(models)) + "|"]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in side_by_side(about, models).items()]
    for one in models:
        lines += ["", f"## {one['model']}", "", *detail(about, one)]
    return [*lines, ""]


def side_by_side(about: dict[str, Any], models: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Rows of the first table: name -> a cell per model."""
    rows: dict[str, list[str]] = {
        "file": [f"{one['size_mb']:.1f} MB, {one['input']}" for one in models],
        "**web**: accuracy, 8 classes": [share(one["web"]["8 classes"], "accuracy") for one in models],
        "accuracy, 7 classes (without contempt)": [share(one["web"]["7 classes"], "accuracy") for one in models],
        "balanced accuracy, 8 classes": [share(one["web"]["8 classes"], "balanced_accuracy") for one in models],
        "calibration error (ECE; of a perfect model)": [
            f"{one['web']['calibration']['ece']:.2%} ({one['web']['calibration']['ece_floor']:.2%})" for one in models
        ],
    }
    for level in ("90%", "95%", "99%"):
        rows[f"answered, where {level} of the answers are right"] = [
            f"{one['web']['abstention'][level]:.1%}" for one in models
        ]
    for domain in DOMAINS:
        for which, classes in (("common", "five classes"), ("all", "all classes")):
            for prior in PRIORS:
                found = [one["priors"][domain].get(f"{prior}, {which}") for one in models]
                name = f"**{domain}**, {classes}, prior {prior}: balanced accuracy; accuracy"
                rows[name] = [
                    "–" if cell is None else f"{share(cell, 'balanced_accuracy')}; {cell['accuracy']:.1%}"
                    for cell in found
                ]
    for domain in ("press", "synthetic"):
        for name in models[0]["conditions"][domain]:
            cells = [one["conditions"][domain][name] for one in models]
            side = f" ({about['framings'][name]:g} of the side)" if name in about["framings"] else ""
            rows[f"{domain}, {cells[0]['rows']:,} pictures, {name}{side}: balanced accuracy; accuracy"] = [
                f"{cell['balanced_accuracy']:.1%}; {cell['accuracy']:.1%}" for cell in cells
            ]
    for domain in ("web", "press"):
        found = [one["corruptions"][domain] for one in models]
        rows[f"{domain}, {found[0]['rows']:,} faces: accuracy as they are; mean under corruptions"] = [
            f"{cell['clean']['accuracy']:.1%}; {cell['mean_accuracy']:.1%}" for cell in found
        ]
    return rows


def detail(about: dict[str, Any], one: dict[str, Any]) -> list[str]:
    """One model: recalls and shares by prior, domains beside each other, corruptions, auto on drawn shares."""
    lines = ["Recall, five classes:", "", "| | prior | " + " | ".join(about["common"]) + " |"]
    lines += ["| --- " * (2 + len(about["common"])) + "|"]
    for domain in DOMAINS:
        for prior in PRIORS:
            if (found := one["priors"][domain].get(f"{prior}, common")) is not None:
                cells = " | ".join(f"{found['recall'][name]:.0%}" for name in about["common"])
                lines.append(f"| {domain} | {prior} | {cells} |")
    if one["prior"]:
        named = list(one["prior"])
        lines += ["", "Shares of the classes in training, and as auto estimates them:", ""]
        lines += ["| | " + " | ".join(named) + " |", "| --- " * (1 + len(named)) + "|"]
        rows = {"training": one["prior"]}
        rows |= {f"auto on {domain}": one["priors"][domain]["auto, all"]["shares"] for domain in DOMAINS}
        lines += [f"| {name} | " + " | ".join(f"{row[key]:.1%}" for key in named) + " |" for name, row in rows.items()]
        lines += [
            "",
            "Where only the shares of the classes change, auto is right. Accuracy on web faces that are drawn",
        ]
        lines += [f"again in random shares (Dirichlet, 0.5 each), mean of {about['times']} draws:", ""]
        lines += ["| faces read together | prior training | prior auto |", "| --- | --- | --- |"]
        lines += [f"| {count} | {pair[0]:.1%} | {pair[1]:.1%} |" for count, pair in one["drawn"].items()]
    lines += ["", "The domains beside each other, five classes, prior training:", "", "```", one["groups"], "```", ""]
    for domain in ("web", "press"):
        found = one["corruptions"][domain]
        levels = sorted({condition["severity"] for condition in found["conditions"]})
        lines += [f"Accuracy (confidence) on {found['rows']:,} faces of {domain}, five classes; as they are "
                  f"{share_of(found['clean'], 'accuracy')}:", ""]  # fmt: skip
        lines += ["| | " + " | ".join(f"severity {level}" for level in levels) + " |"]
        lines += ["| --- " * (1 + len(levels)) + "|"]
        for name in dict.fromkeys(condition["corruption"] for condition in found["conditions"]):
            cells = [
                f"{condition['accuracy']:.1%} ({condition['confidence']:.0%})"
                for condition in found["conditions"]
                if condition["corruption"] == name
            ]
            lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
        lines.append("")
    return [*lines, f"Measured in {one['seconds']} s, with what was in the cache."]


def share(found: dict[str, Any], key: str) -> str:
    """A number in per cent with its interval."""
    ends = (found.get("intervals") or {}).get(key)
    return f"{found[key]:.1%}" + (f" ({100 * ends['low']:.1f} to {100 * ends['high']:.1f})" if ends else "")


def share_of(condition: dict[str, Any], key: str) -> str:
    """The same of a condition, which has one interval."""
    return share({**condition, "intervals": {key: condition["interval"]}}, key)


def draw(path: Path, about: dict[str, Any], models: list[dict[str, Any]]) -> None:
    """Balanced accuracy by domain and prior; errors among the answers given; accuracy under corruptions."""
    import matplotlib as mpl

    mpl.use("agg")
    import numpy as np
    from matplotlib import pyplot

    figure, (first, second, third) = pyplot.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    shades = {"training": 1.0, "uniform": 0.6, "auto": 0.3}
    width = 0.8 / (len(models) * len(PRIORS))
    for number, one in enumerate(models):
        for place, prior in enumerate(PRIORS):
            if f"{prior}, common" not in one["priors"]["web"]:
                continue
            heights = [100 * one["priors"][domain][f"{prior}, common"]["balanced_accuracy"] for domain in DOMAINS]
            at = np.arange(len(DOMAINS)) - 0.4 + width * (number * len(PRIORS) + place + 0.5)
            label = f"{one['model'].split()[0]}, {prior}"
            first.bar(at, heights, 0.9 * width, color=f"C{number}", alpha=shades[prior], label=label)
        coverage, risk = (100 * np.array(values) for values in one["web"]["curve"])
        second.plot(coverage, risk, color=f"C{number}", label=one["model"].split()[0])
        for style, domain in (("-", "web"), ("--", "press")):
            conditions = one["corruptions"][domain]["conditions"]
            names = list(dict.fromkeys(condition["corruption"] for condition in conditions))
            worst = {condition["corruption"]: 100 * condition["accuracy"] for condition in conditions}
            middle = {
                name: [100 * condition["accuracy"] for condition in conditions if condition["corruption"] == name]
                for name in names
            }
            at = np.arange(len(names))
            third.plot(at, [np.mean(values) for values in middle.values()], f"o{style}", color=f"C{number}",
                       label=f"{one['model'].split()[0]}, {domain}")  # fmt: skip
            third.plot(at, [worst[name] for name in names], "v", color=f"C{number}", alpha=0.5, markersize=5)
    first.set_xticks(range(len(DOMAINS)), DOMAINS)
    first.set_title("balanced accuracy, five classes, %", fontsize=10)
    second.set_title("web: errors among answers, %, by share answered, %", fontsize=10)
    third.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names], fontsize=8)
    third.set_title("accuracy under corruptions, %: mean, and at severity 5", fontsize=10)
    for axes in (first, second, third):
        axes.grid(axis="y", alpha=0.3)
        axes.legend(fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=len(models))
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    content = json.loads(RESULT.with_suffix(".json").read_text(encoding="utf-8"))
    write(RESULT, content["about"], content["models"])
