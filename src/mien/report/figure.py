"""What all figures have in common: size, colours, quiet axes, a file that appears whole.

Drawn through matplotlib's objects, never through pyplot: no window, no global state, safe in threads.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mien.atomic import writing
from mien.errors import InputError, need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, LINE = "#22242a", "#6b7280", "#d9dbe0"
#: Source: P. Tol, "Colour Schemes", SRON technical note 09-002, issue 3.2 (2021): "bright" for a few things that are
#: compared, "muted" for many. Both are told apart with any of the common forms of colour blindness.
BLUE, RED, GREEN, YELLOW = "#4477AA", "#EE6677", "#228833", "#CCBB44"
MUTED = ("#332288", "#CC6677", "#117733", "#DDAA33", "#4499CC", "#882255", "#44AA99", "#999933", "#AA4499")
STYLES = ("-", "--", ":", "-.")
SUFFIXES = (".png", ".svg", ".pdf")


def colour(index: int) -> str:
    """Colour of the class with this index."""
    return MUTED[index % len(MUTED)]


def style(index: int) -> str:
    """Line style of the class with this index: changes when the colours start again."""
    return STYLES[index // len(MUTED) % len(STYLES)]


def new(width: float, height: float, title: str = "") -> Figure:
    """An empty figure, in inches, on white."""
    need("matplotlib", "lab", "drawing a plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title, fontsize=13, color=INK, fontweight="bold")
    return figure


def tidy(axes: Axes, title: str = "", *, x: str = "", y: str = "", grid: str = "") -> None:
    """Quiet lines, readable letters.

    Args:
        axes: what to tidy.
        title: above the axes, left.
        x: name of the horizontal axis.
        y: name of the vertical axis.
        grid: "x", "y", "both" or nothing.
    """
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(LINE)
    axes.tick_params(colors=INK, labelsize=9, length=3, color=LINE)
    axes.set_title(title, fontsize=11, color=INK, loc="left")
    axes.set_xlabel(x, fontsize=9.5, color=QUIET)
    axes.set_ylabel(y, fontsize=9.5, color=QUIET)
    axes.set_axisbelow(True)
    if grid == "x":
        axes.xaxis.grid(True, color=LINE, linewidth=0.6)
    elif grid == "y":
        axes.yaxis.grid(True, color=LINE, linewidth=0.6)
    elif grid == "both":
        axes.grid(True, color=LINE, linewidth=0.6)


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure; its suffix chooses the format.

    Raises:
        InputError: the suffix is none of ``SUFFIXES``.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{target}: a plot is written as {', '.join(SUFFIXES)}")
    with writing(target) as temporary:
        figure.savefig(temporary, format=target.suffix.lower()[1:])
    return target
