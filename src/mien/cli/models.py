"""``mien models``: which models there are, whether they are sound, and how they come and go."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.model_card import card, show

if TYPE_CHECKING:
    from mien.runtime.shelf import Entry

app = typer.Typer(help="List, show, check, add and download model files.", no_args_is_help=True)


@app.command("list")
def list_(
    time: Annotated[
        bool, typer.Option("--time", help="Time each of them on this machine: a second or two a model.")
    ] = False,
    threads: Annotated[int, typer.Option(help="CPU threads to time with.", min=1)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models that ship, and those in your model store."""
    from mien.cli.progress import bar
    from mien.runtime.shelf import entries
    from mien.store import store_dir

    known, found = entries(), []
    with bar("timing", is_quiet=as_json or not time) as step:
        for number, entry in enumerate(known):
            step("timing", number, len(known))
            found.append(_line(entry, threads if time else None))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    _print(found, threads if time else None)
    typer.echo(f"your own go into {store_dir()}: mien models add FILE", err=True)


def _line(entry: Entry, threads: int | None) -> dict[str, Any]:
    """One model; what cannot be used says why."""
    from mien.errors import ModelError
    from mien.runtime import models
    from mien.runtime.examine import look
    from mien.runtime.measured import headline, per_second

    about: dict[str, Any] = {"name": entry.name, "shipped": entry.is_shipped, "path": str(entry.path), "reason": None}
    if entry.path.is_file():
        about["megabytes"] = round(entry.path.stat().st_size / 1e6, 1)
    about["hidden"] = entry.is_shipped and models.available().get(entry.name, entry.path) != entry.path
    try:
        if not entry.path.is_file():
            raise ModelError("its file is missing")
        found = look(entry.path, threads or 1)
        about["source"] = entry.record.source if entry.record else None
    except ModelError as error:
        return {**about, "reason": str(error).removeprefix(f"{entry.path}: ")}
    about["kind"] = found.kind
    if threads is not None:
        about["per_second"] = {str(count): round(speed, 1) for count, speed in per_second(found).items()}
    if found.card is None:
        return about
    said = headline(found.card)
    return {
        **about,
        "description": found.card.description,
        "classes": list(found.card.classes),
        "scale": found.card.scale,
        "size_px": found.card.preprocess.size_px,
        "licence": found.card.licence,
        "data_licence": found.card.data_licence,
        "headline": {"text": str(said), **said.to_dict()} if said else None,
        "metrics": found.card.metrics,
    }


def _print(found: list[dict[str, Any]], threads: int | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("model", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    for heading in ("answers", "measured", "licence"):
        table.add_column(heading, ratio=1)
    if threads is not None:
        table.add_column("a second", no_wrap=True)
    for item in found:
        name = Text(item["name"], style="" if item["shipped"] else "bold")
        if item["reason"] is not None:
            table.add_row(name, Text("–"), f"{item.get('megabytes', '')}", Text(item["reason"], style="yellow"), "", "")
            continue
        if item["hidden"]:
            name.append(" (hidden)", style="yellow")
        said = (item.get("headline") or {}).get("text", "not measured")
        texts = [Text(_answers(item)), Text(said), Text(item.get("licence", "not stated in the file"))]
        speed = ", ".join(f"{rate:,.0f}" for rate in item.get("per_second", {}).values())
        table.add_row(name, item["kind"], str(item["megabytes"]), *texts, *([speed] if threads is not None else []))
    console.print(table)
    if threads is not None:
        console.print(
            "a second: faces one by one, and 32 together; of a detector pictures of 640 x 480 px", style="dim"
        )


def _answers(item: dict[str, Any]) -> str:
    if item["kind"] == "detector":
        return "boxes and landmarks of faces"
    if item["kind"] == "enhancer":
        return f"faces {item['scale']} times as large"
    names = ", ".join(item["classes"])
    if item["kind"] == "generator":
        return f"drawn faces of {item['size_px']} px{': ' if names else ''}{names}"
    return f"{names}; {item['size_px']} px"


app.command()(show)
app.command()(card)


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Names or paths; by default all there are.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that model files are what they were: SHA-256, card, and one run. Exit code 1 when one is not."""
    from mien.runtime.integrity import verify as run

    found = run(names or ())
    if as_json:
        print(json.dumps([finding.to_dict() for finding in found], indent=2))
    else:
        for finding in found:
            origin = "shipped" if finding.entry.is_shipped else "yours"
            typer.echo(f"{'FAULT' if finding.faults else 'ok':<6} {finding.entry.name} ({origin})")
            for line in [*finding.faults, *([finding.note] if finding.note else [])]:
                typer.echo(f"{'':<6} {line}")
        wrong = sum(bool(finding.faults) for finding in found)
        typer.echo(f"{len(found)} checked, {wrong or 'none'} with a fault")
    if any(finding.faults for finding in found):
        sys.exit(1)


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="Model file, e.g. the model.onnx of a run.")],
    name: Annotated[str | None, typer.Option(help="By which it shall be known; by default the file's.")] = None,
    sha256: Annotated[str, typer.Option(help="What the file's SHA-256 has to be.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of one of that name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put a copy of a model file into your model store, after a look at it; from then on its name will do."""
    from mien.runtime.shelf import add as run

    _tell(run(path, name, sha256=sha256, replace=replace), as_json)


@app.command()
def get(
    url: Annotated[str, typer.Argument(help="https://…; its digest may follow as #sha256=….")],
    sha256: Annotated[str, typer.Option(help="SHA-256 of the file, as its publisher states it.")] = "",
    name: Annotated[str | None, typer.Option(help="By which it shall be known; by default the file's.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of one of that name.")] = False,
    allow_http: Annotated[bool, typer.Option("--allow-http", help="Take plain http:// as well.")] = False,
    max_mb: Annotated[float, typer.Option(help="Refuse larger files.", min=0)] = 1000,
    timeout_s: Annotated[float, typer.Option(help="Seconds to wait without a byte.", min=0.1)] = 30,
    retries: Annotated[
        int, typer.Option(help="Attempts after one that broke off, while they bring nothing new.", min=0)
    ] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Download a model file into your model store. What broke off goes on from there; a wrong file is not kept."""
    from mien.cli.progress import bar
    from mien.errors import InputError
    from mien.runtime.download import Limits
    from mien.runtime.shelf import get as run

    address, _, told = url.partition("#sha256=")
    wanted = sha256 or told
    if not wanted:
        raise InputError(
            f"{url}: --sha256 is missing; without it nobody can tell whether what comes is the right file. If its "
            "publisher states none: download the file, look at it, then `mien models add FILE`"
        )
    limits = Limits(int(max_mb * 1e6), timeout_s, retries, allow_http=allow_http)
    with bar("downloading", is_quiet=as_json, in_bytes=True) as step:
        entry = run(
            address,
            wanted,
            name,
            replace=replace,
            limits=limits,
            progress=lambda done, total: step("downloading", done, total),
        )
    _tell(entry, as_json)


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of a model of yours.")]) -> None:
    """Delete a model from your model store."""
    from mien.runtime.shelf import remove as run

    typer.echo(f"removed: {run(name).path}")


def _tell(entry: Entry, as_json: bool) -> None:
    record = entry.record
    assert record is not None  # it has just been written
    if as_json:
        print(json.dumps({"name": entry.name, "path": str(entry.path), **record.model_dump(mode="json")}, indent=2))
        return
    use = {
        "recognizer": f"mien predict PICTURE --model {entry.name}",
        "enhancer": f"mien enhance FOLDER --model {entry.name} --out NEW",
        "generator": f"mien synth sample --model {entry.name} --out NEW",
        "detector": "mien predict PICTURE --detector yunet",
    }
    typer.echo(f"added: {entry.name} ({record.kind}, {record.bytes / 1e6:.1f} MB) as {entry.path}")
    typer.echo(f"SHA-256 {record.sha256}")
    typer.echo(f"use it: {use[record.kind]}")
