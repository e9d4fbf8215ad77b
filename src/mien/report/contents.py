"""What a report shows of one model: the numbers at the top, the plots, what it is and how it was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mien.card import Card
from mien.evaluate.evaluation import Evaluation
from mien.evaluate.metrics import mean
from mien.report.calibration import plot_reliability
from mien.report.exhibit import Exhibit
from mien.report.history import plot_history
from mien.report.inline import svg
from mien.report.plots import plot_curves

#: For what a file does not say.
MISSING = "not stated"
#: Name -> how it is got from metrics, whether it is a share, whether more is better.
MEASURES: dict[str, tuple[str, bool, bool]] = {
    "Accuracy": ("accuracy", True, True),
    "Balanced accuracy": ("balanced_accuracy", True, True),
    "Macro F1": ("macro_f1", True, True),
    "Top-2 accuracy": ("top2_accuracy", True, True),
    "Negative log-likelihood": ("nll", False, False),
}


def contents(each: Exhibit, name: str, key: str) -> dict[str, Any]:
    """What the template shows of one model."""
    evaluation = each.evaluation
    return {
        "name": name,
        "key": key,
        "tiles": _tiles(each),
        "notes": [*(evaluation.notes if evaluation else ()), *each.remarks],
        "metrics": evaluation.raw.metrics if evaluation else None,
        "plots": _plots(each, name, key),
        "examples": each.examples,
        "has_maps": any(example.overlay is not None for example in each.examples),
        "trained_on": _trained_on(each),
        "facts": _facts(each),
        "recipe": _recipe(each),
    }


def _tiles(each: Exhibit) -> list[dict[str, str]]:
    """The numbers that people look for first."""
    evaluation = each.evaluation
    if evaluation is None:
        return []
    tiles: list[dict[str, str]] = []

    def add(name: str, value: str, beside: str) -> None:
        tiles.append({"name": name, "value": value, "range": beside})

    for name in ("Accuracy", "Balanced accuracy", "Macro F1"):
        text, interval = cell(evaluation, name)
        add(name, text, f"95 %: {interval}" if interval else "")
    if (clean := evaluation.without_leaks) is not None:
        source = evaluation.scores.about["leaked"]["from"]
        add("Without leaks", percent(clean.metrics.accuracy), f"{evaluation.leaked:,} pictures are in {source} too")
    if (votes := evaluation.raw.votes) is not None:
        add("As most people voted", percent(votes.majority_accuracy), f"{votes.majority_rows:,} with a clear majority")
    if (found := each.calibration) is not None:
        add("Calibration error", percent(found.ece), f"mean confidence {percent(found.confidence)}")
    metrics, split = evaluation.raw.metrics, evaluation.scores.about.get("split") or "all rows"
    add("Pictures", f"{metrics.rows:,}", f"{split}, {len(metrics.labels)} classes")
    return tiles


def cell(evaluation: Evaluation, name: str) -> tuple[str, str]:
    """A measure and its interval, as text."""
    key, is_share, _ = MEASURES[name]
    value, interval = getattr(evaluation.raw.metrics, key), evaluation.raw.intervals.get(key)
    if not is_share:
        return f"{value:.3f}", ""
    return percent(value), "" if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _plots(each: Exhibit, name: str, key: str) -> list[dict[str, Any]]:
    """Plots as SVG, each with its title and what it says in words."""
    plots: list[dict[str, Any]] = []

    def add(part: str, title: str, caption: str, draw: Callable[[Path], Path], *, is_narrow: bool = False) -> None:
        drawn = svg(draw, f"{key}-{part}", f"{title} Model {name}. {caption}")
        plots.append({"title": title, "caption": caption, "svg": drawn, "is_narrow": is_narrow})

    if each.evaluation is not None:
        metrics = each.evaluation.raw.metrics
        add(
            "curves",
            "How well is each class told from the rest?",
            f"ROC and precision-recall curves. Mean ROC area {number(mean(metrics.roc_auc))}, mean PR area "
            f"{number(mean(metrics.pr_auc))}.",
            lambda path: plot_curves(metrics, path),
        )
    if (found := each.calibration) is not None:
        add(
            "reliability",
            "Is it as sure as it is right?",
            f"On the diagonal the model is as sure as it is right. Expected calibration error {percent(found.ece)} (a "
            f"perfectly calibrated model would show {percent(found.ece_floor)} on so many pictures), Brier score "
            f"{number(found.brier)}.",
            lambda path: plot_reliability({"as the card says": found}, path, ""),
            is_narrow=True,
        )
    if each.history:
        add(
            "history",
            "How did the training go?",
            f"Loss, accuracy, learning rate and recall over {len(each.history)} epochs. Where the numbers on "
            "validation chose the epoch, they flatter a little.",
            lambda path: plot_history(each.history, path, ""),
        )
    return plots


def _trained_on(each: Exhibit) -> list[tuple[str, str]]:
    """What the card says of the training data."""
    if each.card is None or not each.card.data:
        return []
    data = each.card.data
    found = [("digest", str(data.get("digest", MISSING)))]
    for key, name in (("rows", "pictures"), ("origin", "origin")):
        if data.get(key):
            counts = (f"{part or 'no split'} {count:,}" for part, count in data[key].items())
            found.append((name, ", ".join(counts)))
    found += [("began with", str(start["name"])) for start in data.get("begun_with", ())]
    return found


def _facts(each: Exhibit) -> list[tuple[str, str]]:
    """What the model is, how it was made and measured."""
    found = [("from", Path(each.source).name)]  # the folders above it are nobody else's business
    if each.file is not None:
        found.append(("file", f"{each.file['bytes'] / 1e6:.1f} MB, sha256 {each.file['sha256']}"))
    if each.card is not None:
        found += _facts_of_card(each.card)
    if each.run is not None and each.run.is_done:
        done = each.run.read_json(each.run.done)
        took = f"{done['epochs']} epochs, {done['seconds'] / 60:.1f} minutes"
        found.append(("training", f"{took}, weights of epoch {done['chosen_epoch']}"))
    if each.evaluation is not None:
        about = each.evaluation.scores.about
        manifest, split = about.get("manifest", MISSING), about.get("split") or "all rows"
        found.append(("measured", f"{about.get('date', MISSING)}, manifest {manifest}, split {split}"))
        if "ms_per_face" in about:
            found.append(("time per face", f"{about['ms_per_face']:g} ms on the machine that measured"))
    return found


def _facts_of_card(card: Card) -> list[tuple[str, str]]:
    prepare = card.preprocess
    channels = "grey" if prepare.channels == 1 else "RGB"
    biases = ", ".join(f"{name} {value:+.2f}" for name, value in zip(card.classes, card.biases, strict=False))
    versions = ", ".join(f"{package} {version}" for package, version in card.versions.items())
    found = [
        ("what", card.description or MISSING),
        ("classes", ", ".join(card.classes)),
        ("input", f"{prepare.size_px} px, {channels}, margin {prepare.margin:g}"),
        ("mirror image", "averaged" if card.flip else "not used"),
        ("temperature", f"{card.temperature:g}"),
        ("biases", biases or "none"),
        ("licence of the weights", card.licence),
        ("licence of the data", card.data_licence),
        ("made with", versions or MISSING),
    ]
    if selection := card.metrics.get("selection"):
        found.append(("chosen", f"the {selection.get('rule')} epoch, by the split {selection.get('split')}"))
    return found


def _recipe(each: Exhibit) -> str:
    if each.run is not None and each.run.recipe.exists():
        return each.run.recipe.read_text(encoding="utf-8")
    return yaml.safe_dump(each.card.recipe, sort_keys=False) if each.card is not None and each.card.recipe else ""


def percent(value: float) -> str:
    """A share for people; a dash for what is undefined."""
    return "–" if np.isnan(value) else f"{100 * value:.1f} %"


def number(value: float, digits: int = 3) -> str:
    """A number for people; a dash for what is undefined."""
    return "–" if np.isnan(value) else f"{value:.{digits}f}"
