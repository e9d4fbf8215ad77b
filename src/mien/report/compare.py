"""Pictures of a comparison: numbers of all arms, differences, classes, confusions that changed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from mien.evaluate.compare import METRICS, Comparison, Pair
from mien.report.figure import BLUE, INK, LINE, QUIET, RED, colour, new, save, tidy

NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}


def plot_comparison(found: Comparison, folder: str | os.PathLike[str], title: str = "") -> list[Path]:
    """Draw ``arms.png``, ``differences.png``, ``classes.png`` and for each pair ``confusion_<first>_<second>.png``.

    Args:
        found: the numbers.
        folder: where to.
        title: above each picture.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    folder = Path(folder)
    drawn = [
        plot_arms(found, folder / "arms.png", title),
        plot_differences(found, folder / "differences.png", title),
        plot_classes(found, folder / "classes.png", title),
    ]
    for each in found.pairs:
        name = "_".join(re.sub("[^A-Za-z0-9.-]+", "-", part) for part in (each.first, each.second))
        drawn.append(plot_confusion_change(found, each, folder / f"confusion_{name}.png"))
    return drawn


def plot_arms(found: Comparison, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw accuracy, balanced accuracy and macro-F1 of every arm with their intervals."""
    figure = new(11, 1.5 + 0.4 * len(found.arms), title)
    places = np.arange(len(found.arms))[::-1]
    for axes, metric in zip(np.atleast_1d(figure.subplots(1, len(METRICS), sharey=True)), METRICS, strict=True):
        for place, arm in zip(places, found.arms, strict=True):
            value = arm.numbers[metric]
            axes.hlines(place, value.low, value.high, color=BLUE, linewidth=2.2, alpha=0.45)
            axes.plot(value.value, place, "o", color=BLUE, markersize=6)
        tidy(axes, NAMES[metric], grid="x")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
        axes.locator_params(axis="x", nbins=4)
        axes.set_ylim(-0.6, len(found.arms) - 0.4)
    several = [f"{arm.name} ({arm.runs} trainings)" if arm.runs > 1 else arm.name for arm in found.arms]
    figure.axes[0].set_yticks(places, several, fontsize=9.5)
    return save(figure, path)


def plot_differences(found: Comparison, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw the difference of every pair; grey where chance alone may have made that of accuracy."""
    figure = new(11, 1.7 + 0.4 * len(found.pairs), title)
    places = np.arange(len(found.pairs))[::-1]
    for axes, metric in zip(np.atleast_1d(figure.subplots(1, len(METRICS), sharey=True)), METRICS, strict=True):
        axes.axvline(0, color=INK, linewidth=0.9)
        for place, each in zip(places, found.pairs, strict=True):
            value = each.differences[metric]
            shade = QUIET if each.better is None else BLUE
            axes.hlines(place, 100 * value.low, 100 * value.high, color=shade, linewidth=2.2, alpha=0.5)
            axes.plot(100 * value.value, place, "o", color=shade, markersize=6)
        tidy(axes, NAMES[metric], x="points", grid="x")
        axes.locator_params(axis="x", nbins=4)
        axes.set_ylim(-0.6, len(found.pairs) - 0.4)
    names = [f"{each.second} − {each.first}" for each in found.pairs]
    figure.axes[0].set_yticks(places, names, fontsize=9.5)
    return save(figure, path)


def plot_classes(found: Comparison, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw the recall and the F1 of every class, one bar for each arm."""
    count, classes = len(found.arms), np.flatnonzero(found.support)
    figure = new(max(7.0, 1.5 + 0.9 * len(classes)), 6.2, title)
    width = 0.8 / count
    for axes, kind in zip(figure.subplots(2, 1), ("recall", "f1"), strict=True):
        for index, arm in enumerate(found.arms):
            values = getattr(arm, kind)[classes]
            shift = (index - (count - 1) / 2) * width
            shade = (BLUE, RED)[index] if count == 2 else colour(index)
            axes.bar(np.arange(len(classes)) + shift, values, width * 0.92, color=shade, label=arm.name)
        names = [f"{found.labels.names[index]}\n{found.support[index]:,}" for index in classes]
        axes.set_xticks(np.arange(len(classes)), names, fontsize=9.5)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        tidy(axes, "F1" if kind == "f1" else "recall", grid="y")
    figure.axes[0].legend(fontsize=9, frameon=False, labelcolor=INK, ncols=4, loc="lower left", bbox_to_anchor=(0, 1.1))
    return save(figure, path)


def plot_confusion_change(found: Comparison, each: Pair, path: str | os.PathLike[str]) -> Path:
    """Draw how the answers to each label changed from the first arm to the second, in points."""
    count, change = len(found.labels), each.confusion_points
    side = 2.4 + 0.66 * count
    figure = new(side + 0.6, side, f"{each.second} minus {each.first}")
    axes = figure.subplots()
    limit = max(5.0, float(np.nanmax(np.abs(change))))
    axes.imshow(np.nan_to_num(change), cmap="RdBu", vmin=-limit, vmax=limit, aspect="equal")
    for row in range(count):
        for column in range(count):
            value = change[row, column]
            text = "–" if np.isnan(value) else "0" if abs(value) < 0.05 else f"{value:+.1f}"
            shade = QUIET if text in "–0" else "white" if abs(value) > 0.6 * limit else INK
            weight = "bold" if row == column else "normal"
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=10, weight=weight)
    tidy(axes, f"{found.rows:,} pictures, points of each label", x="answer", y="label")
    axes.set_xticks(np.arange(count), list(found.labels), rotation=35, ha="right")
    axes.set_yticks(np.arange(count), list(found.labels))
    axes.spines[:].set_color(LINE)
    return save(figure, path)
