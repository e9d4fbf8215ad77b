"""The pictures of a calibration: reliability before and after, risk and coverage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.bias.calibrated import Calibrated
from mien.evaluate.calibration import Calibration
from mien.report.figure import BLUE, GREEN, INK, LINE, QUIET, RED, new, save, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_calibration(found: Calibrated, folder: str | os.PathLike[str]) -> list[Path]:
    """Draw ``reliability.png`` and ``risk_coverage.png`` into a folder.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    folder = Path(folder)
    return [
        plot_reliability(
            {"before": found.before, f"{found.method}, cross-validated": found.after}, folder / "reliability.png"
        ),
        plot_risk_coverage(found, folder / "risk_coverage.png"),
    ]


def plot_reliability(
    sides: dict[str, Calibration],
    path: str | os.PathLike[str],
    title: str = "How often is an answer right, and how sure was the model?",
) -> Path:
    """Draw how often answers are right, over how sure the model is of them, one panel for each side.

    Args:
        sides: name -> calibration.
        path: where to; its suffix chooses the format.
        title: first line.
    """
    figure = new(4.6 * len(sides) + 0.4, 5.6, title)
    panels = figure.subplots(2, len(sides), height_ratios=(4, 1), sharex=True, squeeze=False)
    for column, (name, side) in enumerate(sides.items()):
        upper, lower = panels[:, column]
        bins = side.reliability
        error = 1.96 * np.sqrt(bins.accuracy * (1 - bins.accuracy) / bins.count)  # of the share in one bin
        upper.plot([0, 1], [0, 1], color=LINE, linewidth=1.2, zorder=0)
        upper.vlines(bins.confidence, bins.confidence, bins.accuracy, color=RED, linewidth=4, alpha=0.35)
        upper.errorbar(bins.confidence, bins.accuracy, yerr=error, fmt="o-", color=BLUE, markersize=4, linewidth=1.3)
        tidy(upper, f"{name}: ECE {side.ece:.1%}", y="share that is right" if column == 0 else "", grid="both")
        upper.set_xlim(0, 1.01)
        upper.set_ylim(0, 1.03)
        _rug(lower, side)
        if column == 0:
            lower.set_ylabel("pictures", fontsize=9.5, color=QUIET)
    return save(figure, path)


def _rug(axes: Axes, side: Calibration) -> None:
    """How many rows have which confidence; the two means."""
    selection = side.selection
    rows = np.diff(selection.answered, prepend=0)
    axes.hist(selection.threshold, bins=np.linspace(0, 1, 41).tolist(), weights=rows, color=LINE)
    for value, shade, name in ((side.confidence, RED, "confidence"), (side.accuracy, BLUE, "right")):
        axes.axvline(value, color=shade, linewidth=1.4, label=f"{name} {value:.1%}")
    axes.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="upper left")
    tidy(axes, x="confidence")
    axes.set_yticks([])


def plot_risk_coverage(found: Calibrated, path: str | os.PathLike[str]) -> Path:
    """Draw errors among the answers over the share of pictures that are answered, and the chosen threshold.

    Args:
        found: the calibration.
        path: where to; its suffix chooses the format.
    """
    figure = new(7.2, 4.6, "What is gained by abstaining when unsure?")
    axes = figure.subplots()
    for name, side, shade, line in (("before", found.before, RED, "--"), ("after", found.after, BLUE, "-")):
        selection = side.selection
        label = f"{name}: area {selection.aurc:.4f}"
        axes.plot(selection.coverage, selection.risk, color=shade, linestyle=line, linewidth=1.6, label=label)
    best = np.clip(found.after.selection.coverage - found.after.accuracy, 0, None) / found.after.selection.coverage
    axes.plot(
        found.after.selection.coverage, best, color=LINE, linewidth=1.4, label="if all errors were the least sure"
    )
    threshold = found.threshold
    if threshold is not None and threshold.value is not None:
        axes.axhline(1 - threshold.wanted, color=QUIET, linewidth=0.9, linestyle=":")
        place = threshold.coverage, 1 - threshold.accuracy
        axes.plot(*place, "o", color=GREEN, markersize=7, label=f"abstain below {threshold.value:.2f}")
        axes.annotate(
            f"{threshold.coverage:.0%} answered\n{threshold.accuracy:.1%} right",
            place,
            (12, -16),
            textcoords="offset points",
            ha="left",
            fontsize=9,
            color=INK,
        )
    tidy(axes, x="share of pictures answered", y="share of answers that are wrong", grid="both")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, None)
    axes.legend(fontsize=9, frameon=False, labelcolor=INK, loc="upper left")
    return save(figure, path)
