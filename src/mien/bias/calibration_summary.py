"""A calibration for people, in a terminal."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mien.bias.calibrated import Calibrated, Change
from mien.evaluate.selective import Threshold

#: What the numbers are called, and whether they are shares.
NAMES = {
    "nll": ("negative log-likelihood", False),
    "brier": ("Brier score", False),
    "ece": ("calibration error (ECE)", True),
    "classwise_ece": ("class-wise ECE", True),
}


def summary(found: Calibrated) -> RenderableType:
    """Tables and notes, ready for ``rich``."""
    about = found.about
    where = f" on {about['split']}" if about.get("split") else ""
    head = f"{about['model']}{where}: {found.after.rows:,} pictures, {len(found.labels)} classes"
    parts: list[RenderableType] = [Text(head, style="bold"), _numbers(found), Text()]
    before, after = found.before, found.after
    side = "more often right than it says" if before.confidence < before.accuracy else "less often right than it says"
    parts += [
        Text(
            f"mean confidence {before.confidence:.1%} → {after.confidence:.1%}; right are {before.accuracy:.1%}: "
            f"before, the model is {side}"
        ),
        Text(f"a perfectly calibrated model would show an ECE of {after.ece_floor:.1%} on so many pictures"),
        Text(f"after: cross-validated, {found.folds} folds; intervals (95 %) are of the difference"),
        Text(),
        *_card(found),
    ]
    if found.threshold is not None and found.checked is not None:
        parts += _threshold(found.threshold, found.checked, found.folds)
    parts += [Text(f"! {note}", style="yellow") for note in found.notes]
    return Group(*parts)


def _numbers(found: Calibrated) -> Table:
    names = [found.method, *(name for name in found.changes if name != found.method)]
    table = Table("", "before", *names, box=None, pad_edge=False)
    for key, (name, is_share) in NAMES.items():
        before = found.changes[found.method][key].before
        cells = (_change(found.changes[method][key], is_share) for method in names)
        table.add_row(name, _number(before, is_share), *cells)
    table.add_row("accuracy", f"{found.before.accuracy:.1%}", f"{found.after.accuracy:.1%}")
    table.add_row("area under risk-coverage", f"{found.before.selection.aurc:.4f}", f"{found.after.selection.aurc:.4f}")
    return table


def _change(change: Change, is_share: bool) -> str:
    text = _number(change.after, is_share)
    if math.isnan(change.low):
        return text
    if is_share:
        return f"{text}  ({100 * change.low:+.1f} to {100 * change.high:+.1f})"
    return f"{text}  ({change.low:+.3f} to {change.high:+.3f})"


def _number(value: float, is_share: bool) -> str:
    return f"{value:.1%}" if is_share else f"{value:.3f}"


def _card(found: Calibrated) -> list[RenderableType]:
    if not found.fits_card:
        scales = ", ".join(f"{name} {scale:.2f}" for name, scale in zip(found.labels, found.scale, strict=True))
        return [Text(f"scale of each class: {scales}; a card has one temperature, so this cannot be written")]
    lines: list[RenderableType] = [Text(f"temperature {found.old_temperature:.3f} → {found.temperature:.3f}")]
    if found.method != "temperature":
        lines.append(Text("biases " + ", ".join(f"{name} {value:+.2f}" for name, value in found.biases.items())))
    return lines


def _threshold(threshold: Threshold, checked: tuple[float, float], folds: int) -> list[RenderableType]:
    if threshold.value is None:
        return []
    coverage, accuracy = checked
    held_out = f"; cross-validated ({folds} folds): {coverage:.1%} answered, {accuracy:.1%} right" if coverage else ""
    what = f"abstain below a confidence of {threshold.value:.3f}: {threshold.coverage:.1%} are answered, "
    if threshold.value == 0:
        what = f"no need to abstain for {threshold.wanted:.1%}: "
    return [
        Text(f"{what}{threshold.accuracy:.1%} of the answers are right{held_out}"),
        Text(
            f"on pictures like these at least {threshold.bound:.1%} are right with {threshold.certainty:.0%} certainty"
        ),
    ]
