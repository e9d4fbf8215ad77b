"""The pictures of a sweep: how the best grew, which values mattered, where the good ones lie."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import InputError
from mien.metric import METRICS
from mien.report.figure import BLUE, GREEN, INK, LINE, QUIET, RED, new, save, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Trials = Sequence[Mapping[str, Any]]


def plot_sweep(summary: Mapping[str, Any], folder: str | os.PathLike[str]) -> list[Path]:
    """Draw ``history.png``, ``values.png`` and, for two values or more, ``parallel.png``.

    Args:
        summary: what ``sweep.json`` holds: ``trials``, ``space``, ``metric``, ``start``, ``best``, ``importance``.
        folder: where the pictures go.

    Raises:
        InputError: no trial is complete.
        MissingExtra: matplotlib is not installed.
    """
    complete = [trial for trial in summary["trials"] if trial["value"] is not None]
    if not complete:
        raise InputError("no trial of the sweep is complete yet, so there is nothing to plot")
    folder = Path(folder)
    drawn = [_history(summary, complete, folder / "history.png"), _values(summary, complete, folder / "values.png")]
    if len(summary["space"]) > 1:
        drawn.append(_parallel(summary, complete, folder / "parallel.png"))
    return drawn


def _history(summary: Mapping[str, Any], complete: Trials, path: Path) -> Path:
    """Every trial in its order, the best so far; beside it, which values mattered."""
    from matplotlib.ticker import MaxNLocator

    importance = summary["importance"]
    figure = new(11 if importance else 7.5, 4.2, _title(summary, complete))
    axes, *beside = figure.subplots(1, 2, width_ratios=(3, 2)).ravel() if importance else [figure.subplots()]
    numbers = [trial["trial"] for trial in complete]
    scores = [trial["value"] for trial in complete]
    best = (np.minimum if METRICS[summary["metric"]].lower_is_better else np.maximum).accumulate(scores)
    axes.step(numbers, best, where="post", color=BLUE, linewidth=1.8, label="best so far")
    axes.scatter(numbers, scores, color=BLUE, s=22, zorder=3, label="complete")
    pruned = [trial for trial in summary["trials"] if trial["state"] == "pruned" and trial["last_value"] is not None]
    if pruned:
        axes.scatter(
            [trial["trial"] for trial in pruned],
            [trial["last_value"] for trial in pruned],
            color=QUIET, marker="x", s=22, label="given up, last epoch",
        )  # fmt: skip
    start = next((trial for trial in complete if trial["trial"] == summary["start"]), None)
    if start is not None:
        axes.axhline(start["value"], color=RED, linewidth=1.2, linestyle="--", label="the recipe as it is")
    axes.legend(fontsize=9, frameon=False, labelcolor=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _scores(axes, "y", summary)
    tidy(axes, f"{_metric(summary)} on {summary['split']}", x="trial", grid="y")
    for below in beside:
        names = list(importance)[::-1]
        below.barh(names, [importance[name] for name in names], 0.6, color=GREEN)
        below.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        tidy(below, "Share in reaching the best trials", grid="x")
    return save(figure, path)


def _values(summary: Mapping[str, Any], complete: Trials, path: Path) -> Path:
    """Every value searched against the metric."""
    from matplotlib.ticker import MaxNLocator

    space = summary["space"]
    columns = min(3, len(space))
    rows = -(-len(space) // columns)
    figure = new(max(4.0 * columns, 6), 0.6 + 3.2 * rows, _title(summary, complete))
    panels = np.atleast_1d(figure.subplots(rows, columns, sharey=True)).ravel()
    for axes, (name, dimension) in zip(panels, space.items(), strict=False):
        places = [_place(dimension, trial["values"][name]) for trial in complete]
        axes.scatter(places, [trial["value"] for trial in complete], color=BLUE, s=24, alpha=0.8, linewidth=0)
        for key, shade, label in (("start", RED, "the recipe as it is"), ("best", GREEN, "best")):
            for trial in complete:
                if trial["trial"] == summary[key]:
                    place = _place(dimension, trial["values"][name])
                    axes.scatter([place], [trial["value"]], color=shade, s=60, label=label, zorder=3)
        if "choices" in dimension:
            texts = [_short(choice) for choice in dimension["choices"]]
            axes.set_xticks(range(len(texts)), texts, rotation=20, ha="right", rotation_mode="anchor")
            axes.set_xlim(-0.5, len(texts) - 0.5)
        else:  # the whole range, so that it shows where nothing was tried
            axes.set_xscale("log" if dimension["is_log"] else "linear")
            axes.set_xlim(*_padded(dimension))
            if dimension["is_whole"] and not dimension["is_log"]:
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _scores(axes, "y", summary)
        tidy(axes, name, grid="both")
    for axes in panels[len(space) :]:
        axes.set_visible(False)
    panels[0].legend(fontsize=8.5, frameon=False, labelcolor=INK)
    return save(figure, path)


def _parallel(summary: Mapping[str, Any], complete: Trials, path: Path) -> Path:
    """Every trial as a line through its values; the better, the darker."""
    space = summary["space"]
    figure = new(max(2.0 * len(space) + 2, 7), 4.4, _title(summary, complete))
    axes = figure.subplots()
    metric = METRICS[summary["metric"]]
    scores = np.array([metric.goodness(trial["value"]) for trial in complete])
    low, high = float(scores.min()), float(scores.max())
    for index in np.argsort(scores):  # the best are drawn last, on top
        trial = complete[index]
        heights = [_height(dimension, trial["values"][name]) for name, dimension in space.items()]
        share = (scores[index] - low) / (high - low) if high > low else 1.0
        is_best = trial["trial"] == summary["best"]
        axes.plot(
            [*heights, share],
            color=GREEN if is_best else BLUE,
            alpha=1.0 if is_best else 0.12 + 0.7 * share**2,
            linewidth=2.6 if is_best else 1.4,
        )
    for place, dimension in enumerate(space.values()):
        axes.axvline(place, color=LINE, linewidth=1, zorder=0)
        for height, text in _marks(dimension):
            axes.annotate(text, (place, height), (4, 0), "data", "offset points", fontsize=8, color=QUIET, va="center")
    last = len(space)
    axes.axvline(last, color=LINE, linewidth=1, zorder=0)
    for height, score in ((0.0, low), (1.0, high)):
        label = metric.text(metric.goodness(score))
        axes.annotate(label, (last, height), (4, 0), "data", "offset points", fontsize=9, color=INK, va="center")
    tidy(axes, "The better a trial, the darker its line; the best is green")
    axes.set_xticks(range(last + 1), [*space, _metric(summary)], fontsize=9)
    axes.set_xlim(-0.1, last + 0.4)
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return save(figure, path)


def _title(summary: Mapping[str, Any], complete: Trials) -> str:
    return f"Sweep of {summary['recipe']}: {len(complete)} complete trials"


def _metric(summary: Mapping[str, Any]) -> str:
    return str(summary["metric"]).replace("_", " ")


def _scores(axes: Axes, which: str, summary: Mapping[str, Any]) -> None:
    getattr(axes, f"{which}axis").set_major_formatter(lambda value, _: METRICS[summary["metric"]].text(value))


def _place(dimension: Mapping[str, Any], value: Any) -> float:
    """Where a value lies on its axis."""
    return float(dimension["choices"].index(value) if "choices" in dimension else value)


def _padded(dimension: Mapping[str, Any]) -> tuple[float, float]:
    """The ends of an axis, a little outside the range."""
    low, high = float(dimension["low"]), float(dimension["high"])
    if dimension["is_log"]:
        factor = (high / low) ** 0.04
        return low / factor, high * factor
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _height(dimension: Mapping[str, Any], value: Any) -> float:
    """The same between 0 and 1."""
    if "choices" in dimension:
        return float(dimension["choices"].index(value) / max(len(dimension["choices"]) - 1, 1))
    low, high = dimension["low"], dimension["high"]
    if dimension["is_log"]:
        return float(np.log(value / low) / np.log(high / low))
    return float((value - low) / (high - low))


def _marks(dimension: Mapping[str, Any]) -> list[tuple[float, str]]:
    if "choices" in dimension:
        return [(_height(dimension, choice), _short(choice)) for choice in dimension["choices"]]
    return [(0.0, f"{dimension['low']:g}"), (1.0, f"{dimension['high']:g}")]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:23]}…"
