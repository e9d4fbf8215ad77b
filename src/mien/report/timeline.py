"""A picture of a video: the perceived expression of each person over time."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.report.figure import INK, QUIET, colour, new, save, tidy
from mien.runtime.timeline import Timeline

#: People in one picture; those who were read most often are drawn.
MOST = 8


def plot_timeline(timeline: Timeline, path: str | os.PathLike[str], title: str = "", most: int = MOST) -> Path:
    """Draw a panel per person: how the probabilities of all classes share the height, over time; white is absence.

    Args:
        timeline: of one video.
        path: ``.png``, ``.svg`` or ``.pdf``.
        title: first line.
        most: people that are drawn; those who were read most often, in the order in which they came.

    Raises:
        InputError: there is no reading, or a suffix that cannot be written.
        MissingExtra: matplotlib is not installed.
    """
    if not timeline.tracks:
        raise InputError(f"{path}: no face was found, so there is no timeline to plot")
    chosen = sorted(sorted(timeline.tracks.values(), key=lambda track: -track.readings)[:most], key=lambda t: t.number)
    left_out = len(timeline.tracks) - len(chosen)
    figure = new(11, 1.3 + 1.25 * len(chosen) + (0.3 if title else 0), title)
    panels = figure.subplots(len(chosen), 1, sharex=True, squeeze=False)[:, 0]
    shades = [colour(index) for index in range(len(timeline.labels))]
    for axes, track in zip(panels, chosen, strict=True):
        for times, shares in _pieces(*timeline.series(track.number), gap_s=max(1.0, 1.5 * timeline.step_s)):
            axes.stackplot(times, shares.T, colors=shades, linewidth=0)
        tidy(axes, y=f"person {track.number}")
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.5, 1])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    panels[-1].set_xlim(0, max(track.last_s for track in timeline.tracks.values()) + timeline.step_s)
    panels[-1].set_xlabel("time" if not left_out else f"time; {left_out} more who were seen less", color=QUIET)
    panels[-1].xaxis.set_major_formatter(lambda value, _: _clock(value))
    from matplotlib.patches import Patch

    handles = [Patch(color=shade, label=name) for shade, name in zip(shades, timeline.labels, strict=True)]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(len(handles), 8),
        fontsize=9,
        frameon=False,
        labelcolor=INK,
    )
    return save(figure, path)


def _pieces(
    times: NDArray[np.float64], shares: NDArray[np.float64], gap_s: float
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Cut where nobody was seen; a single reading becomes a thin column."""
    cuts = np.flatnonzero(np.diff(times) > gap_s) + 1
    pieces = []
    for part, rows in zip(np.split(times, cuts), np.split(shares, cuts), strict=True):
        if len(part) == 1:
            part, rows = np.array([part[0] - gap_s / 20, part[0] + gap_s / 20]), np.repeat(rows, 2, axis=0)
        pieces.append((part, rows))
    return pieces


def _clock(seconds: float) -> str:
    """``7.5 s``, and ``2:05`` from a minute on."""
    return f"{seconds:g} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02}"
