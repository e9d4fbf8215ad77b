"""``mien models``: which models there are, and what they say of themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mien.card import Card

app = typer.Typer(help="List and show model files.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the models that ship, and those in your model store."""
    from mien.runtime.models import available
    from mien.store import store_dir

    found = [_line(name, path) for name, path in available().items()]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for item in found:
        typer.echo(f"{item['name']:<14} {item['megabytes']:>6} MB  {item['reason'] or item['description']}")
        if item["reason"] is None:
            what = ", ".join(item["classes"]) or f"{item['kind']}, x{item['scale']}"
            typer.echo(f"{'':<14} {what}; {item['size_px']} px; licence {item['licence']}")
    typer.echo(f"your own go into {store_dir()}", err=True)


def _line(name: str, path: Path) -> dict[str, Any]:
    """One model; the store also holds files without a card, e.g. a detector's: they say why."""
    from mien.errors import ModelError
    from mien.runtime.session import Opened

    about: dict[str, Any] = {"name": name, "megabytes": round(path.stat().st_size / 1e6, 1), "path": str(path)}
    try:
        card = Opened(path, threads=1).card
    except ModelError as error:
        return {**about, "description": "", "reason": str(error).removeprefix(f"{path}: ")}
    return {
        **about,
        "description": card.description,
        "reason": None,
        "kind": card.kind,
        "classes": list(card.classes),
        "scale": card.scale,
        "size_px": card.preprocess.size_px,
        "licence": card.licence,
        "data_licence": card.data_licence,
        "metrics": card.metrics,
    }


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="Name or path of a model.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole card as JSON.")] = False,
) -> None:
    """Show a model's card."""
    from mien.runtime.session import Opened

    network = Opened(model, threads=1)
    card = network.card
    if as_json:
        about = {"path": str(network.path), "sha256": network.digest, "bytes": network.path.stat().st_size}
        print(json.dumps({**about, **card.model_dump(mode="json")}, indent=2))
        return
    rows = {
        "name": card.name,
        "what": card.description,
        **(_recognizer(card) if card.kind == "recognizer" else _enhancer(card)),
        "licence": card.licence,
        "of its data": card.data_licence,
        "meant for": card.intended_use,
        "not for": card.forbidden_use,
        "file": f"{network.path} ({network.path.stat().st_size / 1e6:.1f} MB)",
        "sha256": network.digest,
    }
    for name, value in rows.items():
        typer.echo(f"{name:<15} {value}")
    for name, value in card.metrics.items():
        typer.echo(f"{'metrics: ' + name:<15} {json.dumps(value)}")


def _recognizer(card: Card) -> dict[str, str]:
    return {
        "classes": ", ".join(card.classes),
        "input": f"{card.preprocess.size_px} px, {'grey' if card.preprocess.channels == 1 else 'RGB'}, "
        f"margin {card.preprocess.margin:g}",
        **({"fused of": ", ".join(card.members)} if card.members else {}),
        "mirror image": "averaged" if card.flip else "not used",
        **_biases(card),
        "temperature": f"{card.temperature:g}",
        "abstains below": f"{card.threshold:g}",
    }


def _enhancer(card: Card) -> dict[str, str]:
    return {
        "kind": card.kind,
        "enlarges": f"x{card.scale}; trained on {card.preprocess.size_px} px, takes any size",
    }


def _biases(card: Card) -> dict[str, str]:
    """What is added to the logits of some classes, when there is anything."""
    added = [f"{name} {bias:+.2f}" for name, bias in zip(card.classes, card.biases, strict=False) if bias]
    return {"added to logits": ", ".join(added)} if added else {}


@app.command()
def card(
    model: Annotated[str, typer.Argument(help="Name or path of a model.")] = "default",
    out: Annotated[Path | None, typer.Option(help="Markdown file to write; by default it is printed.")] = None,
) -> None:
    """Write a model's card as Markdown: only what was measured; what was not is named."""
    from mien.atomic import write_text
    from mien.report.enhancer_card import enhancer_card
    from mien.report.model_card import model_card
    from mien.runtime.network import Network
    from mien.runtime.session import Opened

    opened = Opened(model, threads=1)
    text = enhancer_card(opened) if opened.card.kind == "enhancer" else model_card(Network(model, threads=1))
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)
    typer.echo(f"written: {out}")
