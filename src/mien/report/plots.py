"""Pictures of an evaluation: confusion matrix, numbers per class, ROC and precision-recall curves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics import Metrics, mean
from mien.evaluate.ranking import Ranking
from mien.report.figure import BLUE, GREEN, INK, LINE, QUIET, YELLOW, colour, new, save, style, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve: TypeAlias = Callable[[Ranking], tuple[NDArray[np.float64], NDArray[np.float64]]]


def plot_all(metrics: Metrics, folder: str | os.PathLike[str], title: str = "") -> list[Path]:
    """Draw every picture of this module into a folder: ``confusion.png``, ``classes.png``, ``curves.png``."""
    folder = Path(folder)
    return [
        plot_confusion(metrics, folder / "confusion.png", title),
        plot_classes(metrics, folder / "classes.png", title),
        plot_curves(metrics, folder / "curves.png", title),
    ]


def plot_confusion(metrics: Metrics, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw the confusion matrix: per cent of each label as shade and number, counts below them."""
    count = len(metrics.labels)
    side = 2.6 + 0.72 * count
    figure = new(side + 0.6, side, title)
    axes = figure.subplots()
    percent = metrics.confusion_percent
    axes.imshow(np.nan_to_num(percent), cmap="Blues", vmin=0, vmax=100, aspect="equal")
    for row in range(count):
        for column in range(count):
            cell, share = metrics.confusion[row, column], percent[row, column]
            ink = "white" if share > 55 else QUIET if cell == 0 else INK
            if metrics.support[row] == 0:
                axes.text(column, row, "–", ha="center", va="center", color=QUIET, fontsize=10)
                continue
            weight = "bold" if row == column else "normal"
            axes.text(
                column, row - 0.13, f"{share:.0f}%", ha="center", va="center", color=ink, fontsize=11, weight=weight
            )
            axes.text(column, row + 0.22, f"{cell:,}", ha="center", va="center", color=ink, fontsize=8)
    names = list(metrics.labels)
    tidy(axes, f"{metrics.rows:,} pictures, accuracy {metrics.accuracy:.1%}, balanced {metrics.balanced_accuracy:.1%}")
    rows = [f"{name}\n{support:,}" for name, support in zip(names, metrics.support, strict=True)]
    axes.set_xticks(range(count), names, rotation=40, ha="right", rotation_mode="anchor", fontsize=10)
    axes.set_yticks(range(count), rows, fontsize=10)
    axes.set_xlabel("answer of the model", fontsize=10, color=QUIET)
    axes.set_ylabel("label", fontsize=10, color=QUIET)
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return save(figure, path)


def plot_classes(metrics: Metrics, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw precision, recall and F1 of every class as bars, and how many pictures each has."""
    count = len(metrics.labels)
    figure = new(10, 1.8 + 0.55 * count, title)
    bars, support = figure.subplots(1, 2, width_ratios=(4, 1), sharey=True)
    places = np.arange(count)
    series = (("precision", metrics.precision, BLUE), ("recall", metrics.recall, YELLOW), ("F1", metrics.f1, GREEN))
    for offset, (name, values, shade) in zip((-0.26, 0.0, 0.26), series, strict=True):
        bars.barh(places + offset, np.nan_to_num(values), 0.24, color=shade, label=name)
        for place, value in zip(places, values, strict=True):
            text = "–" if np.isnan(value) else f"{value:.0%}"
            bars.text(np.nan_to_num(value) + 0.006, place + offset, text, va="center", fontsize=8, color=INK)
    tidy(bars, f"macro F1 {metrics.macro_f1:.1%}, balanced accuracy {metrics.balanced_accuracy:.1%}", grid="x")
    bars.set_xlim(0, 1.06)
    bars.set_xticks(np.arange(0, 1.01, 0.2))
    bars.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bars.set_yticks(places, list(metrics.labels), fontsize=10)
    bars.set_ylim(count - 0.5, -0.5)
    bars.legend(fontsize=9, frameon=False, labelcolor=INK, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.06))
    support.barh(places, metrics.support, 0.5, color=LINE)
    for place, number in zip(places, metrics.support, strict=True):
        support.text(0, place, f" {number:,}", va="center", fontsize=9, color=INK)
    tidy(support, "pictures")
    support.set_xticks([])
    support.tick_params(left=False, labelleft=False)
    return save(figure, path)


def plot_curves(metrics: Metrics, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw ROC and precision-recall of every class against the rest, with the areas under them."""
    figure = new(12, 4.8 if title else 4.5, title)
    roc, precision_recall = figure.subplots(1, 2)
    _curves(roc, metrics, Ranking.roc, metrics.roc_auc)
    roc.plot([0, 1], [0, 1], color=LINE, linewidth=1, zorder=0)
    tidy(
        roc, f"ROC, mean area {mean(metrics.roc_auc):.3f}", x="false positive rate", y="true positive rate", grid="both"
    )
    _curves(precision_recall, metrics, Ranking.precision_recall, metrics.pr_auc)
    tidy(
        precision_recall,
        f"Precision and recall, mean average precision {mean(metrics.pr_auc):.3f}",
        x="recall",
        y="precision",
        grid="both",
    )
    for axes in (roc, precision_recall):
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.02)
        axes.set_aspect("equal")
    return save(figure, path)


def _curves(axes: Axes, metrics: Metrics, curve: Curve, areas: NDArray[np.float64]) -> None:
    for index, (name, ranking) in enumerate(zip(metrics.labels, metrics.rankings, strict=True)):
        if ranking.is_defined:
            across, up = curve(ranking)
            label = f"{name} {areas[index]:.3f}"
            axes.plot(across, up, color=colour(index), linestyle=style(index), linewidth=1.5, label=label)
        else:
            axes.plot([], [], color=colour(index), linestyle=style(index), linewidth=1.5, label=f"{name} –")
    axes.legend(
        fontsize=9, frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.6
    )
