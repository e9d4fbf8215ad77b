"""A matrix of trainings and tests for people, in a terminal."""

from __future__ import annotations

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mien.evaluate.compare_summary import points
from mien.evaluate.cross import Cross
from mien.evaluate.domains import WITHIN
from mien.evaluate.significance import Estimate


def summary(found: Cross, metric: str = "balanced_accuracy") -> RenderableType:
    """Matrix and scenarios, ready for ``rich``."""
    seeds = f", mean of {found.runs} seeds" if found.runs > 1 else ""
    title = f"{metric.replace('_', ' ')}{seeds}; rows: learned from, columns: tested on"
    parts: list[RenderableType] = [Text(title, style="bold"), _matrix(found, metric), Text()]
    parts += [Text("scenarios: means over cells, 95 % intervals", style="bold"), _scenarios(found, metric), Text()]
    parts.append(Text("dim cells: other pictures of that group were learned from", style="dim"))
    parts.append(Text("* in points: learned from one group and tested on the same", style="dim"))
    parts += [Text(f"! {note}", style="yellow") for note in found.notes]
    return Lines(*parts)


def _matrix(found: Cross, metric: str) -> Table:
    table = Table("", *(str(group) for group in found.groups), "mean", "worst", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    rows = (found.cells[found.trainings[0].name, group].rows for group in found.groups)
    table.add_row("pictures", *(f"{count:,}" for count in rows), "", "", style="dim")
    for training in found.trainings:
        cells = [found.cells[training.name, group] for group in found.groups]
        shown = [
            Text(f"{cell.numbers[metric].value:.1%}", style="dim" if cell.relation == WITHIN else "") for cell in cells
        ]
        low = found.cells[training.name, found.worst[training.name]].numbers[metric].value
        table.add_row(
            training.name,
            *shown,
            f"{found.mean[training.name][metric].value:.1%}",
            f"{low:.1%}",
        )
    return table


def _scenarios(found: Cross, metric: str) -> Table:
    table = Table("learned from", "tested", "cells", _name(metric), "against within*", box=None, pad_edge=False)
    for scenario in found.scenarios:
        gap = "" if scenario.lost is None else points(scenario.lost[metric])
        number = _share(scenario.numbers[metric])
        table.add_row(_NAMES[scenario.kind], scenario.relation, str(scenario.cells), number, gap)
    return table


_NAMES = {"alone": "one group", "without": "all but one", "all": "all"}


def _name(metric: str) -> str:
    return metric.replace("_", " ").replace("f1", "F1")


def _share(value: Estimate) -> str:
    return f"{value.value:.1%} ({100 * value.low:.1f} to {100 * value.high:.1f})"
