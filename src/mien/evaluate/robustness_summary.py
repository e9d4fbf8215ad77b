"""Robustness for people, in a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mien.evaluate.conditions import Condition, Robustness
from mien.evaluate.interval import Interval

#: Pictures that a class needs to be named as the one that loses most.
ENOUGH = 20


def summary(found: Robustness) -> RenderableType:
    """A table and notes, ready for ``rich``."""
    about = found.about
    where = f" on {about['split']}" if about.get("split") else ""
    clean = found.clean
    head = f"{about['model']}{where}: {found.rows:,} faces, {len(found.labels)} classes"
    table = Table("accuracy", *(f"severity {each.severity}" for each in found.of(found.corruptions[0])), "mean", "")
    table.box, table.pad_edge = None, False
    for name in found.corruptions:
        conditions = found.of(name)
        mean = sum(each.accuracy for each in conditions) / len(conditions)
        table.add_row(name.replace("_", " "), *map(_accuracy, conditions), f"{mean:.1%}", _loser(found, conditions[-1]))
    share = f", {found.mean_accuracy / clean.accuracy:.0%} of the accuracy without" if clean.accuracy else ""
    parts: list[RenderableType] = [
        Text(head, style="bold"),
        Text(f"faces as they are: {clean.accuracy:.1%}{_interval(clean.interval)}, confidence {clean.confidence:.1%}"),
        Text(f"mean over all corruptions: {found.mean_accuracy:.1%}{_interval(found.mean_interval)}{share}"),
        Text(),
        table,
        Text("the last column: recall of the class that loses most, as it is and at the last severity", style="dim"),
    ]
    parts += [Text(f"! {note}", style="yellow") for note in found.notes]
    return Group(*parts)


def _loser(found: Robustness, last: Condition) -> str:
    """The class that loses most, among those with enough pictures to tell."""
    before = found.clean.recall
    classes = [label for label in last.recall if found.support[label] >= ENOUGH]
    if not classes:
        return ""
    worst = max(classes, key=lambda label: before[label] - last.recall[label])
    return f"{worst} {before[worst]:.0%} → {last.recall[worst]:.0%}"


def _accuracy(condition: Condition) -> str:
    return f"{condition.accuracy:.1%}{_interval(condition.interval)}"


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f" ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
