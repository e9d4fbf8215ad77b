"""The curves of a training: loss, accuracy, rate, recall of every class."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.report.figure import BLUE, GREEN, INK, LINE, QUIET, RED, colour, new, save, style, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Records = Sequence[Mapping[str, Any]]


def plot_history(records: Records, path: str | os.PathLike[str], title: str = "Training") -> Path:
    """Draw the log of a run, one panel each for loss, accuracy, learning rate and the recall of every class.

    An enhancer has PSNR and SSIM in place of accuracy and recall.

    Args:
        records: one per epoch, in the order of the epochs, as ``RunDir.epochs()`` gives them: ``epoch``, ``phase``,
            ``train`` (loss, accuracy), ``val`` (loss, accuracy, balanced_accuracy, macro_f1, recall by class),
            ``lr`` (a number, or one per part), ``best``. What is missing is not drawn.
        path: ``.png``, ``.svg`` or ``.pdf``.
        title: first line.

    Raises:
        InputError: no record, or a suffix that cannot be written.
        MissingExtra: matplotlib is not installed.
    """
    if not records:
        raise InputError("no epoch has ended yet, so there is no history to plot")
    epochs = np.array([record.get("epoch", number) for number, record in enumerate(records, 1)], float)
    figure = new(11, 7.5, title)
    loss, accuracy, rate, recall = figure.subplots(2, 2).ravel()
    _lines(loss, epochs, records, {"training": ("train.loss", BLUE), "validation": ("val.loss", RED)})
    tidy(loss, "Loss", grid="y")
    series = {
        "training": ("train.accuracy", BLUE),
        "validation": ("val.accuracy", RED),
        "validation, balanced": ("val.balanced_accuracy", GREEN),
        "validation, macro F1": ("val.macro_f1", QUIET),
    }
    if is_enhancer := any("psnr" in record.get("val", {}) for record in records):
        series = {"validation": ("val.psnr", RED), "bicubic interpolation": ("val.bicubic_psnr", QUIET)}
    _lines(accuracy, epochs, records, series)
    tidy(accuracy, "PSNR, dB" if is_enhancer else "Accuracy", grid="y")
    _rates(rate, epochs, records)
    tidy(rate, "Learning rate", x="epoch", grid="y")
    if is_enhancer:
        likes = {"validation": ("val.ssim", RED), "bicubic interpolation": ("val.bicubic_ssim", QUIET)}
        _lines(recall, epochs, records, likes)
    else:
        _recalls(recall, epochs, records)
    tidy(recall, "SSIM" if is_enhancer else "Recall on validation, by class", x="epoch", grid="y")
    for axes in (loss, accuracy, rate, recall):
        _mark(axes, epochs, records)
    for axes in () if is_enhancer else (accuracy, recall):
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return save(figure, path)


def series_of(records: Records, key: str) -> NDArray[np.float64]:
    """One number per record under a dotted key such as ``val.recall.happy``; nan where it is missing."""
    found = np.full(len(records), np.nan)
    for row, record in enumerate(records):
        value: Any = record
        for part in key.split(".", 2):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found[row] = value
    return found


def _lines(axes: Axes, epochs: NDArray[np.float64], records: Records, series: Mapping[str, tuple[str, str]]) -> None:
    for name, (key, shade) in series.items():
        _line(axes, epochs, series_of(records, key), name, shade)
    if axes.get_lines():
        axes.legend(fontsize=9, frameon=False, labelcolor=INK)


def _line(
    axes: Axes, epochs: NDArray[np.float64], values: NDArray[np.float64], name: str, shade: str, **how: Any
) -> None:
    if np.isfinite(values).any():
        few: dict[str, Any] = {"marker": "o", "markersize": 3.5} if len(epochs) <= 15 else {}
        axes.plot(epochs, values, color=shade, linewidth=1.8, label=name, **few, **how)


def _rates(axes: Axes, epochs: NDArray[np.float64], records: Records) -> None:
    parts = dict.fromkeys(part for record in records if isinstance(lr := record.get("lr"), Mapping) for part in lr)
    keys = [(str(part), f"lr.{part}") for part in parts] or [("", "lr")]
    for index, (name, key) in enumerate(keys):
        _line(axes, epochs, series_of(records, key), name, BLUE if len(keys) == 1 else colour(index))
    if len(keys) > 1:
        axes.legend(fontsize=9, frameon=False, labelcolor=INK)
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.get_lines()] or [np.empty(0)])
    positive = values[values > 0]
    if positive.size and positive.max() / positive.min() > 10:
        axes.set_yscale("log")
    elif positive.size:
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)


def _recalls(axes: Axes, epochs: NDArray[np.float64], records: Records) -> None:
    """One line per class, with its name at its end instead of a legend to look up."""
    names = dict.fromkeys(name for record in records for name in (record.get("val") or {}).get("recall") or {})
    ends = []
    for index, name in enumerate(names):
        values = series_of(records, f"val.recall.{name}")
        _line(axes, epochs, values, name, colour(index), linestyle=style(index))
        last = np.flatnonzero(np.isfinite(values))
        if len(last):
            ends.append((float(values[last[-1]]), name, colour(index)))
    places = _apart([end[0] for end in ends], gap=0.052)
    for place, (_, name, shade) in zip(places, ends, strict=True):
        axes.annotate(
            name,
            (1.01, place / 1.02),
            xycoords="axes fraction",
            color=shade,
            fontsize=9,
            va="center",
            annotation_clip=False,
        )


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """Places close to ``values``, from 0 to 1 and at least ``gap`` from each other where there is room for all."""
    order = sorted(range(len(values)), key=values.__getitem__)
    places = [0.0] * len(values)
    floor = 0.0
    for index in order:
        places[index] = max(values[index], floor)
        floor = places[index] + gap
    ceiling = 1.0
    for index in reversed(order):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    return places


def _mark(axes: Axes, epochs: NDArray[np.float64], records: Records) -> None:
    """Where a phase begins, and the epoch that was kept."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
    phases = [str(record.get("phase") or "") for record in records]
    top = axes.get_xaxis_transform()
    for row, name in enumerate(phases):
        if name and (row == 0 or name != phases[row - 1]):
            start = epochs[row] if row == 0 else (epochs[row - 1] + epochs[row]) / 2
            if row:
                axes.axvline(start, color=QUIET, linewidth=0.8, linestyle=":")
            axes.text(start, 0.01, f" {name}", transform=top, fontsize=8, color=QUIET, va="bottom")
    best = [epoch for epoch, record in zip(epochs, records, strict=True) if record.get("best") is True]
    if best:
        axes.axvline(best[-1], color=LINE, linewidth=5, zorder=0)
        axes.text(best[-1], 1.0, "best", transform=top, fontsize=8, color=QUIET, ha="center", va="bottom")


def plot_histories(runs: Mapping[str, Sequence[Records]], path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw the curves of several recipes together; each has a colour, and a line for each of its trainings.

    Args:
        runs: name -> the log of each training, as for :func:`plot_history`.
        path: ``.png``, ``.svg`` or ``.pdf``.
        title: first line.

    Raises:
        InputError: no epoch of any run.
        MissingExtra: matplotlib is not installed.
    """
    if not any(records for logs in runs.values() for records in logs):
        raise InputError("no epoch of these runs has ended, so there is no history to plot")
    panels = {
        "Loss, training": "train.loss",
        "Loss, validation": "val.loss",
        "Accuracy, validation": "val.accuracy",
        "Balanced accuracy, validation": "val.balanced_accuracy",
    }
    figure = new(11, 7.5, title)
    shades = (BLUE, RED) if len(runs) == 2 else tuple(colour(index) for index in range(len(runs)))
    for axes, (name, key) in zip(figure.subplots(2, 2).ravel(), panels.items(), strict=True):
        for shade, (arm, logs) in zip(shades, runs.items(), strict=True):
            for number, records in enumerate(logs):
                epochs = np.array([record.get("epoch", row) for row, record in enumerate(records, 1)], float)
                _line(axes, epochs, series_of(records, key), arm if number == 0 else "_", shade, alpha=0.85)
        is_share = "ccuracy" in name
        tidy(axes, name, x="epoch" if is_share else "", grid="y")
        if is_share:
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        if axes.get_lines():
            axes.legend(fontsize=9, frameon=False, labelcolor=INK)
    return save(figure, path)
