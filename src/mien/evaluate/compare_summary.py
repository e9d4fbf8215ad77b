"""A comparison for people, in a terminal."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mien.evaluate.compare import METRICS, Comparison, Pair, Standing
from mien.evaluate.groups_summary import p_text
from mien.evaluate.significance import Estimate


def summary(found: Comparison) -> RenderableType:
    """Tables, and in words what they say, ready for ``rich``."""
    head = f"{found.rows:,} pictures that all have scored, {len(found.labels)} classes"
    parts: list[RenderableType] = [Text(head, style="bold"), _standings(found), Text()]
    if len(found.pairs) == 1:
        parts += [Text(f"by class, {found.pairs[0].second} minus {found.pairs[0].first}", style="bold")]
        parts += [_classes(found, found.pairs[0]), Text()]
        if shifts := moved(found, found.pairs[0]):
            parts += [Text("answers that changed most, in points of the label", style="bold")]
            parts += [*(Text(f"  {line}") for line in shifts), Text()]
    else:
        parts += [Text("second minus first, in points", style="bold"), _pairs(found), Text()]
    parts += [Text(verdict(each, len(found.pairs))) for each in found.pairs]
    many = ", adjusted for the number of pairs (Holm)" if len(found.pairs) > 1 else ""
    parts.append(
        Text(f"p of accuracy: {found.test}{many}; intervals: 95 %, the same pictures drawn for all", style="dim")
    )
    parts += [Text(f"! {note}", style="yellow") for note in found.notes]
    return Group(*parts)


def verdict(each: Pair, pairs: int = 1) -> str:
    """What a pair amounts to, in a sentence."""
    gap = each.differences["accuracy"]
    half = min(100.0, 100 * max(gap.high - gap.value, gap.value - gap.low))
    only = ""
    if each.only_first is not None:
        only = f"; {each.only_second:,} pictures only {each.second} has right, {each.only_first:,} only {each.first}"
    p = f"p {p_text(each.adjusted)}"
    if each.better is None:
        limit = f"; differences below about {half:.1f} points cannot be seen here" if half >= 0.05 else ""
        head = f"{each.second} against {each.first}: no difference shown"
        return f"{head} ({points(gap)} points of accuracy, {p}{only}){limit}"
    side = each.first if each.better == each.second else each.second
    if gap.value < 0:
        gap = Estimate(-gap.value, -gap.high, -gap.low)
    return f"{each.better} is better than {side}: {points(gap)} points of accuracy, {p}{only}"


def moved(found: Comparison, each: Pair, most: int = 4) -> list[str]:
    """The answers in which most pictures went elsewhere; changes below 1 point of the label's are left out."""
    cells = [
        (float(each.confusion_points[row, column]), int(found.support[row]), label, answer)
        for row, label in enumerate(found.labels)
        for column, answer in enumerate(found.labels)
        if abs(each.confusion_points[row, column]) >= 1
    ]
    cells.sort(key=lambda cell: -abs(cell[0] * cell[1]))  # 2 of 19 pictures are 10 points, and little to go by
    return [
        f"{label} {f'answered as {answer}' if label != answer else 'found'}: {change:+.1f} "
        f"({abs(change) * rows / 100:.0f} of {rows:,} pictures)"
        for change, rows, label, answer in cells[:most]
    ]


def points(value: Estimate) -> str:
    """A difference of shares in points: ``+1.2 (0.4 to 2.0)``."""
    middle, low, high = (round(100 * number, 1) + 0.0 for number in (value.value, value.low, value.high))  # no -0.0
    return f"{middle:+.1f} ({low:.1f} to {high:.1f})"


def _standings(found: Comparison) -> Table:
    table = Table("", *(arm.name for arm in found.arms), box=None, pad_edge=False)
    for metric in METRICS:
        table.add_row(metric.replace("_", " ").replace("f1", "F1"), *(_share(arm, metric) for arm in found.arms))
    table.add_row("negative log-likelihood", *(f"{arm.nll:.3f}" for arm in found.arms))
    if any(arm.runs > 1 for arm in found.arms):
        table.add_row("trainings", *(str(arm.runs) for arm in found.arms))
        spreads = (
            "–" if math.isnan(arm.spread["accuracy"]) else f"{100 * arm.spread['accuracy']:.2f} points"
            for arm in found.arms
        )
        table.add_row("  accuracy varies between them by", *spreads)
    rows = {
        "ms per face": ["" if arm.ms_per_face is None else f"{arm.ms_per_face:.2f}" for arm in found.arms],
        "model file": ["" if arm.model_bytes is None else f"{arm.model_bytes / 1e6:.1f} MB" for arm in found.arms],
        "training": ["" if arm.train_seconds is None else f"{arm.train_seconds:,.0f} s" for arm in found.arms],
    }
    for name, texts in rows.items():
        if any(texts):
            table.add_row(name, *texts)
    return table


def _share(arm: Standing, metric: str) -> str:
    value = arm.numbers[metric]
    return f"{value.value:.1%}  ({100 * value.low:.1f} to {100 * value.high:.1f})"


def _classes(found: Comparison, each: Pair) -> Table:
    first, second = found.arms
    table = Table("class", "pictures", f"recall {first.name}", second.name, "difference", "F1", box=None)
    table.pad_edge = False
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for index, name in enumerate(found.labels):
        if name not in each.recall:
            continue
        is_clear = each.recall[name].is_clear
        shares = (f"{arm.recall[index]:.1%}" for arm in (first, second))
        f1 = f"{100 * each.f1[name].value:+.1f}"
        row = (name, f"{found.support[index]:,}", *shares, points(each.recall[name]), f1)
        table.add_row(*row, style="bold" if is_clear else "")
    return table


def _pairs(found: Comparison) -> Table:
    table = Table(
        "first", "second", *(metric.replace("_", " ").replace("f1", "F1") for metric in METRICS), "p", box=None
    )
    table.pad_edge = False
    for each in found.pairs:
        shown = (points(each.differences[metric]) for metric in METRICS)
        table.add_row(each.first, each.second, *shown, p_text(each.adjusted), style="bold" if each.better else "")
    return table
