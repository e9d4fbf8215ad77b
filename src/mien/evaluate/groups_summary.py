"""Groups for people, in a terminal."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mien.evaluate.groups import GroupNumbers, Groups

#: A p-value below this is called more than chance.
LEVEL = 0.05
#: Groups shown: the largest.
SHOWN = 40


def summary(found: Groups) -> RenderableType:
    """A table and what it says, ready for ``rich``."""
    table = Table(
        found.column, "pictures", "accuracy", "at its classes", "balanced", "macro F1", "confidence", "p", box=None
    )
    table.pad_edge = False
    for column in table.columns[1:]:
        column.justify = "right"
    for group in found.groups[:SHOWN]:
        table.add_row(*_row(group), style="dim" if group.is_small else "")
    parts: list[RenderableType] = [Text(f"by {found.column}", style="bold"), table]
    if len(found.groups) > SHOWN:
        parts.append(Text(f"… and {len(found.groups) - SHOWN} smaller groups; --json has all of them"))
    return Group(*parts, *(Text(line) for line in _says(found)))


def _row(group: GroupNumbers) -> tuple[str, ...]:
    interval = group.intervals.get("accuracy")
    accuracy = f"{group.accuracy:.1%}"
    if interval is not None:
        accuracy += f" ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
    return (
        group.name or "(none)",
        f"{group.rows:,}",
        accuracy,
        f"{group.expected:.1%}",
        f"{group.balanced_accuracy:.1%}",
        f"{group.macro_f1:.1%}",
        f"{group.confidence:.1%}",
        "few" if group.is_small else "–" if math.isnan(group.adjusted) else p_text(group.adjusted),
    )


def _says(found: Groups) -> list[str]:
    """What the table amounts to."""
    worst = found.worst
    if worst is None:
        return ["every group has too few pictures to be compared"]
    lines = [
        f"worst: {worst.name or '(none)'} with {worst.accuracy:.1%}; "
        f"{100 * found.spread:.1f} points between the best and the worst"
    ]
    if math.isnan(found.p_value):
        return [*lines, "only one group has enough pictures: nothing to compare"]
    far = [
        f"{group.name or '(none)'} ({100 * (group.accuracy - group.expected):+.1f} points)"
        for group in found.tested
        if group.adjusted < LEVEL
    ]
    verdict = "more than chance" if found.p_value < LEVEL else "no difference shown beyond chance"
    lines.append(f"given their classes, differences between the groups: {verdict} (p {p_text(found.p_value)})")
    if far:
        lines.append(f"other than their classes make expect: {', '.join(far)}")
    lines.append("p: permutation test within classes, adjusted for the number of groups (Holm)")
    return lines


def p_text(value: float) -> str:
    """A p-value as it is written: never 0."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
