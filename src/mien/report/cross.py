"""The picture of a matrix of trainings and tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.evaluate.cross import Cross
from mien.evaluate.domains import WITHIN
from mien.report.figure import INK, LINE, new, save, tidy

if TYPE_CHECKING:
    from matplotlib.patches import Patch


def plot_cross(found: Cross, path: str | os.PathLike[str], metric: str = "balanced_accuracy", title: str = "") -> Path:
    """Draw the matrix: rows have learned from, columns are tested on; framed where the training has seen the group.

    Args:
        found: the numbers.
        path: where to; its suffix chooses the format.
        metric: accuracy, balanced_accuracy or macro_f1.
        title: above the picture.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    names = [*(str(group) for group in found.groups), "mean", "worst"]
    values = np.array(
        [
            [
                *(found.cells[training.name, group].numbers[metric].value for group in found.groups),
                found.mean[training.name][metric].value,
                found.cells[training.name, found.worst[training.name]].numbers[metric].value,
            ]
            for training in found.trainings
        ]
    )
    height, width = values.shape
    figure = new(2.6 + 1.05 * width, 1.7 + 0.55 * height, title)
    axes = figure.subplots()
    low, high = float(values.min()), float(values.max())
    axes.imshow(values, cmap="Blues", vmin=low - 0.4 * (high - low) - 0.01, vmax=high + 0.01, aspect="auto")
    for row, training in enumerate(found.trainings):
        for column in range(width):
            is_dark = values[row, column] > low + 0.55 * (high - low)
            shade, weight = "white" if is_dark else INK, "normal"
            if column < len(found.groups) and training.relation(found.groups[column]) == WITHIN:
                axes.add_patch(_frame(column, row))
                weight = "bold"
            text = f"{values[row, column]:.1%}"
            axes.text(column, row, text, ha="center", va="center", color=shade, fontsize=10, weight=weight)
    axes.axvline(len(found.groups) - 0.5, color="white", linewidth=5)
    tidy(axes, metric.replace("_", " ").replace("f1", "F1"), x="tested on (framed: seen in training)", y="learned from")
    axes.set_xticks(np.arange(width), names)
    axes.set_yticks(np.arange(height), [training.name for training in found.trainings])
    axes.spines[:].set_color(LINE)
    return save(figure, path)


def _frame(column: int, row: int) -> Patch:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor=INK, linewidth=1.1)
