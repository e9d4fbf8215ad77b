"""The pictures of chosen biases: what was tried, where the good ones lie, what the answers become."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.bias.tuning import Tuning
from mien.report.figure import BLUE, GREEN, INK, LINE, QUIET, RED, YELLOW, new, save, tidy
from mien.scores import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Classes in the pairwise picture: more make panels too small to read.
MOST = 5
COLOURS = "viridis"


def plot_bias(tuning: Tuning, scores: Scores, folder: str | os.PathLike[str]) -> list[Path]:
    """Draw ``space.png``, ``distribution.png``, for two classes or more ``heat.png``, with labels ``recall.png``.

    Args:
        tuning: what was found.
        scores: the rows that it was found on.
        folder: where the pictures go.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    folder = Path(folder)
    classes = _widest(tuning)
    drawn = [_space(tuning, classes, folder / "space.png")]
    if len(classes) > 1:
        drawn.append(_heat(tuning, scores, classes[:2], folder / "heat.png"))
    drawn.append(_distribution(tuning, folder / "distribution.png"))
    if tuning.in_sample.recall:
        drawn.append(_recall(tuning, folder / "recall.png"))
    return drawn


def _widest(tuning: Tuning) -> list[str]:
    """The classes searched, those with the largest biases first."""
    sizes = {name: abs(tuning.by_class[name]) for name in tuning.classes}
    return sorted(tuning.classes, key=lambda name: -sizes[name])[:MOST]


def _title(tuning: Tuning) -> str:
    return (
        f"{tuning.objective.name.replace('_', ' ')}, {tuning.method.replace('_', ' ')}: {len(tuning.values):,} trials"
    )


def _space(tuning: Tuning, classes: Sequence[str], path: Path) -> Path:
    """Every trial, for each pair of classes; the lighter, the better."""
    is_kept = tuning.values >= 0
    size = max(len(classes) - 1, 1)
    figure = new(1.5 + 2.6 * size, 1.2 + 2.3 * size, _title(tuning))
    panels = figure.subplots(size, size, squeeze=False)
    trials = tuning.trials
    order = np.argsort(tuning.values, kind="stable")  # the best are drawn last, on top
    shown = None
    for row in range(size):
        for column in range(size):
            axes = panels[row, column]
            if column > row:
                axes.set_visible(False)
                continue
            first = tuning.labels.index(classes[column])
            heights, chosen, name = tuning.values, float("nan"), tuning.objective.name.replace("_", " ")
            if len(classes) > 1:
                second = tuning.labels.index(classes[row + 1])
                heights, chosen, name = trials[:, second], float(tuning.biases[second]), classes[row + 1]
            lost = order[~is_kept[order]]
            axes.scatter(trials[lost, first], heights[lost], color=LINE, s=9, linewidth=0)
            good = order[is_kept[order]]
            shown = axes.scatter(
                trials[good, first], heights[good], c=tuning.values[good], cmap=COLOURS, s=13, linewidth=0
            )
            if len(classes) > 1:
                _marks(axes, float(tuning.biases[first]), chosen)
            tidy(axes, x=classes[column] if row == size - 1 else "", y=name if column == 0 else "", grid="both")
    if shown is not None:
        bar = figure.colorbar(shown, ax=panels.ravel().tolist(), shrink=0.8)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=8.5, color=LINE)
    if not is_kept.all():
        figure.text(0.99, 0.99, "grey: too much accuracy lost", ha="right", va="top", fontsize=8.5, color=QUIET)
    return save(figure, path)


def _heat(tuning: Tuning, scores: Scores, classes: Sequence[str], path: Path) -> Path:
    """The objective over the biases of two classes, the others as chosen."""
    first, second = classes
    across, up, values = tuning.landscape(scores, first, second)
    figure = new(6.4, 5.2, f"{tuning.objective.name.replace('_', ' ')} for biases of {first} and {second}")
    axes = figure.subplots()
    kept: NDArray[np.float64] = np.where(values >= 0, values, np.nan)
    axes.set_facecolor(LINE)
    drawn = axes.pcolormesh(across, up, np.ma.masked_invalid(kept), cmap=COLOURS, shading="nearest")
    _marks(axes, float(tuning.biases[tuning.labels.index(first)]), float(tuning.biases[tuning.labels.index(second)]))
    axes.legend(fontsize=9, frameon=True, loc="lower left", labelcolor=INK)
    bar = figure.colorbar(drawn, ax=axes)
    bar.outline.set_visible(False)
    note = "" if np.isfinite(kept).all() else "; grey: too much accuracy lost"
    title = f"others as chosen{note}" if len(tuning.classes) > 2 else note.removeprefix("; ")
    tidy(axes, title, x=f"added to the logit of {first}", y=f"added to the logit of {second}")
    return save(figure, path)


def _marks(axes: Axes, across: float, up: float) -> None:
    axes.scatter([0], [0], marker="o", s=55, facecolor="none", edgecolor=RED, linewidth=1.6, zorder=4, label="no bias")
    axes.scatter([across], [up], marker="*", s=130, color=RED, edgecolor="white", zorder=5, label="chosen")


def _distribution(tuning: Tuning, path: Path) -> Path:
    """Shares of the answers without and with biases, beside the target and the labels."""
    side = tuning.in_sample
    bars: dict[str, tuple[str, NDArray[np.float64]]] = {}
    if tuning.objective.name == "distribution" and tuning.objective.shares is not None:
        bars["target"] = (YELLOW, tuning.objective.shares)
    if side.before[:-1].any():
        bars["labels"] = (QUIET, side.before[:-1].sum(axis=1) / side.before[:-1].sum())
    bars["answers without biases"] = (BLUE, side.before.sum(axis=0) / side.rows)
    bars["answers with them"] = (GREEN, side.after.sum(axis=0) / side.rows)
    figure = new(max(6.5, 1.2 + 1.0 * len(tuning.labels)), 4.0, "Which answers are given")
    axes = figure.subplots()
    width = 0.84 / len(bars)
    places = np.arange(len(tuning.labels))
    for number, (name, (shade, shares)) in enumerate(bars.items()):
        axes.bar(places + (number - (len(bars) - 1) / 2) * width, shares, width * 0.92, color=shade, label=name)
    axes.set_xticks(places, list(tuning.labels))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(fontsize=9, frameon=False, labelcolor=INK)
    tidy(axes, f"{side.rows:,} pictures", grid="y")
    return save(figure, path)


def _recall(tuning: Tuning, path: Path) -> Path:
    """Recall of each class without and with biases, on rows that did not choose them when there are such."""
    side = tuning.cross_validated or tuning.in_sample
    names = list(side.recall)[::-1]
    figure = new(7.6, 1.5 + 0.42 * len(names), "Recall without and with biases")
    axes = figure.subplots()
    for place, name in enumerate(names):
        gain = side.recall[name]
        shade = GREEN if gain.gain >= 0 else RED
        axes.plot([gain.before, gain.after], [place, place], color=shade, linewidth=2.5, zorder=2)
        if np.isfinite(gain.low):
            # of the difference, so around the new value
            axes.plot([gain.before + gain.low, gain.before + gain.high], [place] * 2, color=LINE, linewidth=7, zorder=1)
        axes.scatter([gain.before], [place], color="white", edgecolor=INK, s=38, zorder=3)
        axes.scatter([gain.after], [place], color=shade, s=46, zorder=4)
    rows = side.before.sum(axis=1)
    axes.set_yticks(range(len(names)), [f"{name}  ({int(rows[tuning.labels.index(name)]):,})" for name in names])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlim(0, 1.02)
    which = (
        f"cross-validated in {tuning.folds} folds" if tuning.cross_validated else "on the rows that chose the biases"
    )
    tidy(axes, f"{which}; ring: without, dot: with, band: 95 % interval of the change", grid="x")
    return save(figure, path)
