"""The picture of groups: accuracy of each with its interval, beside what its classes make expect."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from mien.evaluate.groups import Groups
from mien.report.figure import BLUE, INK, LINE, QUIET, RED, new, save, tidy

#: Groups drawn: the largest.
MOST = 30


def plot_groups(found: Groups, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw the accuracy of every group, the best at the top; groups with few pictures are grey.

    Args:
        found: numbers by a column.
        path: where to; its suffix chooses the format.
        title: above the picture.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    shown = sorted(found.groups[:MOST], key=lambda group: group.accuracy)
    figure = new(8.5, 1.7 + 0.36 * len(shown), title)
    axes = figure.subplots()
    axes.axvline(found.accuracy, color=LINE, linewidth=1.4, zorder=0)
    for place, group in enumerate(shown):
        shade = QUIET if group.is_small else BLUE
        interval = group.intervals.get("accuracy")
        if interval is not None:
            axes.hlines(place, interval.low, interval.high, color=shade, linewidth=2.2, alpha=0.45)
        axes.plot(group.accuracy, place, "o", color=shade, markersize=6, label="accuracy" if place == 0 else None)
        label = "if only the mix of classes differed" if place == 0 else None
        axes.plot(group.expected, place, "|", color=RED, markersize=13, markeredgewidth=1.8, label=label)
    names = [f"{group.name or '(none)'}  {group.rows:,}{' (few)' if group.is_small else ''}" for group in shown]
    few = "" if len(shown) == len(found.groups) else f", the {len(shown)} largest of {len(found.groups)} groups"
    tidy(axes, f"accuracy by {found.column}{few}", grid="x")
    axes.set_yticks(np.arange(len(shown)), names, fontsize=9.5)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    low = min(group.accuracy if not group.intervals else group.intervals["accuracy"].low for group in shown)
    axes.set_xlim(max(0.0, min(low - 0.05, 0.5)), 1.01)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(fontsize=8.5, frameon=False, labelcolor=INK, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    return save(figure, path)
