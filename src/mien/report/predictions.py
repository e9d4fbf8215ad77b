"""Pictures of single answers: a face, all probabilities, and what the label says."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError
from mien.images import Pixels
from mien.prediction import Prediction
from mien.report.figure import BLUE, GREEN, INK, LINE, QUIET, RED, new, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Inches: side of a face, width of the bars beside it, of the names between the two, and of the gaps; heads and feet.
FACE, BARS, GAP, HEAD, FOOT = 1.45, 1.0, 0.16, 0.28, 0.26
#: More faces than this fit on no page.
MOST = 100


def plot_predictions(
    faces: Sequence[Pixels],
    predictions: Sequence[Prediction],
    path: str | os.PathLike[str],
    *,
    labels: Sequence[str] | None = None,
    captions: Sequence[str] | None = None,
    columns: int = 4,
    title: str = "",
) -> Path:
    """Draw faces with their answers, all probabilities as bars; one face alone is drawn larger.

    Args:
        faces: (H, W, 3) uint8 RGB each.
        predictions: one per face.
        path: ``.png``, ``.svg`` or ``.pdf``.
        labels: what the data say, one per face; empty where nothing is known. A right answer is marked with a tick and
            green, a wrong one with a cross and red; abstaining is neither.
        captions: a line below each face, such as its file's name; by default the label.
        columns: faces in a row.
        title: first line.

    Raises:
        InputError: no face, more than 100, or lists of different lengths.
    """
    count = len(faces)
    if not 0 < count <= MOST:
        raise InputError(f"{count} faces to draw; expected 1 to {MOST}")
    for name, given in (("predictions", predictions), ("labels", labels), ("captions", captions)):
        if given is not None and len(given) != count:
            raise InputError(f"{len(given)} {name} for {count} faces")
    if columns < 1:
        raise InputError(f"columns is {columns}: expected at least 1")
    across = min(columns, count)
    scale, letters = (1.9, 1.45) if count == 1 else (1.0, 1.0)
    names_width = 0.085 * max(len(name) for prediction in predictions for name in prediction.labels) + 0.1
    cell_width, cell_height = FACE + names_width + BARS + 2 * GAP, HEAD + FACE + FOOT + GAP
    width, height = across * cell_width + GAP, math.ceil(count / across) * cell_height + GAP
    top = 0.45 / scale if title else 0.0
    figure = new(width * scale, (height + top) * scale, title)
    figure.set_layout_engine("none")
    for index, (face, prediction) in enumerate(zip(faces, predictions, strict=True)):
        row, column = divmod(index, across)
        label = labels[index] if labels is not None else ""
        caption = captions[index] if captions is not None else f"label: {label}" if label else ""
        left, upper = GAP + column * cell_width, top + GAP + row * cell_height
        _cell(figure, face, prediction, label, caption, (left, upper), (width, height + top), names_width, letters)
    return save(figure, path)


def _cell(
    figure: Figure,
    face: Pixels,
    prediction: Prediction,
    label: str,
    caption: str,
    corner: tuple[float, float],
    size: tuple[float, float],
    names_width: float,
    letters: float,
) -> None:
    """One face; ``corner`` is its upper left and ``size`` the figure's, in inches before scaling."""
    left, upper = corner
    width, height = size

    def place(x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
        return x / width, 1 - (y + high) / height, wide / width, high / height

    known = prediction.labels.find(label) if label else None
    is_right = known is not None and prediction.labels.names[known] == prediction.label
    is_judged = bool(label) and not prediction.is_abstained
    mark, shade = ("", BLUE) if not is_judged else ("✓ ", GREEN) if is_right else ("✗ ", RED)
    picture = figure.add_axes(place(left, upper + HEAD, FACE, FACE))
    picture.imshow(face, interpolation="nearest" if max(face.shape[:2]) < 100 else "antialiased")
    picture.set_anchor("NW")
    picture.set_axis_off()
    answer = f"unsure: {prediction.label}" if prediction.is_abstained else prediction.label
    x, y, _, _ = place(left, upper + HEAD - 0.07, 0, 0)
    text = f"{mark}{answer} {prediction.confidence:.0%}"
    figure.text(x, y, text, fontsize=10 * letters, color=shade if is_judged else INK, weight="bold", va="bottom")
    x, y, _, _ = place(left, upper + HEAD + FACE + 0.05, 0, 0)
    figure.text(x, y, caption, fontsize=8 * letters, color=QUIET, va="top")
    bars = figure.add_axes(place(left + FACE + names_width, upper + HEAD, BARS, FACE))
    bars.set_axis_off()
    bars.set_xlim(0, 1.45)
    count = len(prediction.labels)
    bars.set_ylim(count - 0.5, -0.5)
    best = int(prediction.probabilities.argmax())
    small = min(8.0, 90 / count) * letters
    for index, (name, value) in enumerate(zip(prediction.labels, prediction.probabilities.tolist(), strict=True)):
        bars.barh(index, 1, 0.62, color=LINE, alpha=0.45)
        bars.barh(index, value, 0.62, color=shade if index == best else QUIET)
        weight = "bold" if index in (best, known) else "normal"
        bars.text(-0.06, index, name, fontsize=small, color=INK, weight=weight, ha="right", va="center")
        bars.text(1.04, index, f"{value:.0%}", fontsize=small, color=QUIET, va="center")
