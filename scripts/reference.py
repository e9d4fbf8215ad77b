"""Write docs/reference.md: every verb, table, label set and recipe, read from the code itself.

python scripts/reference.py            write it
python scripts/reference.py --check    exit with 1 when it is not up to date
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

import mien
from mien.cli.app import app
from mien.labels import LABEL_SETS
from mien.recipe import Recipe, shipped
from mien.table import Table

TARGET = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = """# Reference

Written by `make docs` from the code: do not edit it by hand. `mien VERB --help` says the same.
"""


def cell(text: str) -> str:
    """Text that does not break a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def rows(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> Iterator[str]:
    """A markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for line in lines:
        yield f"| {' | '.join(cell(value) for value in line)} |"
    yield ""


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that can be run, with its full name. Any: typer brings its own copy of click."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for child, found in command.commands.items():
        if not found.hidden:
            yield from commands(found, f"{name} {child}")


def parameter(item: Any) -> tuple[str, ...]:
    """One option or argument: its names, its help, its default."""
    is_option = item.param_type_name == "option"
    names = [*item.opts, *item.secondary_opts] if is_option else [(item.metavar or item.name).upper()]
    if item.required:
        default = "required"
    elif isinstance(item.default, (str, int, float)) and not isinstance(item.default, bool):
        default = f"`{item.default}`"
    else:
        default = ""
    return ", ".join(f"`{name}`" for name in names), item.help or "", default


def verbs() -> Iterator[str]:
    """A section per verb."""
    yield "## Verbs\n"
    for name, command in commands(typer.main.get_command(app), "mien"):
        yield f"### `{name}`\n"
        yield f"{' '.join((command.help or '').split())}\n"
        parameters = [item for item in command.params if item.name != "help"]
        if parameters:
            yield from rows(("Argument", "What", "Default"), [parameter(item) for item in parameters])


def tables() -> list[Table]:
    """Every table of the package, found by looking; of the training side only the page that loads no torch."""
    found: dict[int, Table] = {}
    for module in pkgutil.walk_packages(mien.__path__, "mien."):
        is_training = module.name.startswith("mien.train.") and module.name != "mien.train.tables"
        if is_training or module.name == "mien.__main__":
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Table):
                found.setdefault(id(value), value)
    return sorted(found.values(), key=lambda table: table.kind)


def names() -> Iterator[str]:
    """A section per table."""
    yield "## Names\n"
    for table in tables():
        yield f"### {table.kind.capitalize()}\n"
        yield from rows(("Name", "What"), [(f"`{name}`", table.entry(name).help) for name in table])
    yield "### Label set\n"
    yield from rows(
        ("Name", "Classes, in order"), [(f"`{name}`", ", ".join(classes)) for name, classes in LABEL_SETS.items()]
    )


def recipes() -> Iterator[str]:
    """The shipped recipes, and what a recipe holds when it says nothing."""
    yield "## Recipes\n"
    lines = []
    for name, path in shipped().items():
        first = path.read_text(encoding="utf-8").splitlines()[0]
        lines.append((f"`{name}`", first.removeprefix("#").strip()))
    yield from rows(("Name", "What"), lines)
    yield "Everything a recipe may say, with the values it has when it does not:\n"
    yield f"```yaml\n{Recipe().to_yaml().rstrip()}\n```\n"


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *verbs(), *names(), *recipes()]).rstrip() + "\n"


def main() -> None:
    """Write the page, or compare."""
    if "--check" in sys.argv[1:]:
        if not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != page():
            sys.exit(f"{TARGET.name} is not up to date: make docs")
        return
    TARGET.write_text(page(), encoding="utf-8")
    print(TARGET)


if __name__ == "__main__":
    main()
