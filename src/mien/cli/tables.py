"""Counts as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def print_table(title: str, rows: Mapping[str, Mapping[str, int]], columns: Sequence[str]) -> None:
    """Print name -> column -> count; nothing when there are no rows.

    Args:
        title: above the names.
        rows: what is missing counts as 0.
        columns: in this order.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(title, *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, counts in rows.items():
        table.add_row(name, *(str(counts.get(column, 0)) for column in columns))
    if rows:
        Console().print(table)
