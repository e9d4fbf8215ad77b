"""Chosen biases for people, in a terminal."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mien.bias.gain import Effect, Gain
from mien.bias.tuning import Tuning


def summary(tuning: Tuning, checked: Effect | None = None) -> RenderableType:
    """Tables and notes, ready for ``rich``.

    Args:
        tuning: what was found.
        checked: the effect on other rows, measured afterwards.
    """
    loss = tuning.objective.max_accuracy_loss
    points = "" if loss is None else f"{100 * loss:g} point{'' if loss == 0.01 else 's'}"
    floor = points and f", at most {points} of accuracy lost"
    head = (
        f"{tuning.method} for {tuning.objective.name.replace('_', ' ')}{floor}: "
        f"{tuning.in_sample.rows:,} pictures, {len(tuning.values):,} trials"
    )
    sides = {"chosen on these rows": tuning.in_sample}
    if tuning.cross_validated is not None:
        sides[f"cross-validated, {tuning.folds} folds"] = tuning.cross_validated
    if checked is not None:
        sides[f"checked on {checked.rows:,} others"] = checked
    parts: list[RenderableType] = [Text(head, style="bold"), _gains(sides), Text(), _classes(tuning, sides), Text()]
    if tuning.share < 1:
        parts.append(Text(f"shrunk to {tuning.share:.0%}: what the search found was best so on rows it had not seen"))
    parts += [Text(f"! {note}", style="yellow") for note in tuning.notes]
    return Group(*parts)


def _gains(sides: dict[str, Effect]) -> Table:
    """Every number before and after; the interval is that of the difference."""
    table = Table("", *sides, box=None, pad_edge=False)
    names = dict.fromkeys(name for side in sides.values() for name in side.gains)
    for name in names:
        table.add_row(name.replace("_", " "), *(_gain(side.gains.get(name)) for side in sides.values()))
    return table


def _classes(tuning: Tuning, sides: dict[str, Effect]) -> Table:
    honest = list(sides.values())[-1]
    columns = ["class", "factor", "added to the logit"]
    if honest.recall:
        columns += ["recall before → after", f"({list(sides)[-1]})"]
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[1:3]:
        column.justify = "right"
    for name, bias in tuning.by_class.items():
        gain = honest.recall.get(name)
        row = [name, f"× {tuning.factors[name]:.2f}", f"{bias:+.2f}"]
        if honest.recall and gain is not None:
            row += [f"{gain.before:.0%} → {gain.after:.0%}", _difference(gain)]
        table.add_row(*row)
    return table


def _gain(gain: Gain | None) -> str:
    if gain is None or math.isnan(gain.before):
        return "–"
    return f"{gain.before:.1%} → {gain.after:.1%}  {_difference(gain)}"


def _difference(gain: Gain) -> str:
    text = f"{100 * gain.gain:+.1f}"
    return text if math.isnan(gain.low) else f"{text} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
