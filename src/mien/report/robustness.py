"""The pictures of robustness: accuracy over severity, and what the corruptions look like."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from mien.evaluate.conditions import Robustness
from mien.evaluate.corruptions import corrupt
from mien.images import Pixels, resize, write
from mien.report.figure import BLUE, INK, QUIET, YELLOW, new, save, tidy
from mien.report.sheet import Group, Tile, sheet


def plot_robustness(found: Robustness, path: str | os.PathLike[str]) -> Path:
    """Draw accuracy and confidence over severity, one panel per corruption, with the 95 % intervals.

    Args:
        found: a model under all corruptions.
        path: where to; its suffix chooses the format.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    names = found.corruptions
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    title = f"{found.about['model']}: {found.rows:,} faces, mean accuracy {found.mean_accuracy:.1%}"
    figure = new(3.6 * columns + 0.4, 2.7 * rows + 0.6, title)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        steps = [found.clean, *found.of(name)]
        severity, accuracy = [each.severity for each in steps], [each.accuracy for each in steps]
        if found.clean.interval is not None:
            low = [each.interval.low for each in steps if each.interval is not None]
            high = [each.interval.high for each in steps if each.interval is not None]
            panel.fill_between(severity, low, high, color=BLUE, alpha=0.2, linewidth=0)
        panel.plot(severity, accuracy, "o-", color=BLUE, markersize=4, linewidth=1.6, label="accuracy")
        confidence = [each.confidence for each in steps]
        panel.plot(severity, confidence, "--", color=YELLOW, linewidth=1.3, label="mean confidence")
        panel.axhline(found.clean.accuracy, color=QUIET, linewidth=0.8, linestyle=":")
        tidy(panel, name.replace("_", " "), grid="y")
        panel.set_ylim(0, 1)
        panel.set_xticks(severity)
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    for panel in panels[max(0, len(names) - columns) : len(names)]:
        panel.set_xlabel("severity (0: as they are)", fontsize=9.5, color=QUIET)
        panel.tick_params(labelbottom=True)
    panels[0].legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="lower left")
    return save(figure, path)


def plot_examples(found: Robustness, path: str | os.PathLike[str], *, tile_px: int = 96) -> Path:
    """Draw one face under every corruption, as the network gets it.

    Args:
        found: a model under all corruptions.
        path: a picture file.
        tile_px: side of each face.
    """
    seed, face = int(found.about["seed"]), found.example
    groups = []
    for name in found.corruptions:
        tiles = [Tile(_large(face, tile_px), "as it is")]
        for condition in found.of(name):
            corrupted = corrupt(face, name, condition.severity, seed=seed)
            tiles.append(Tile(_large(corrupted, tile_px), f"{condition.severity}: {condition.accuracy:.0%}"))
        groups.append(Group(tiles, name.replace("_", " ")))
    columns = 1 + len(found.of(found.corruptions[0]))
    write(path, sheet(groups, columns=columns, tile_px=tile_px, title="Corruptions, and the accuracy under each"))
    return Path(path)


def _large(face: Pixels, side: int) -> Pixels:
    """Whole multiples show the network's pixels as they are."""
    times = max(1, side // len(face))
    return resize(np.repeat(np.repeat(face, times, 0), times, 1), side, side)
