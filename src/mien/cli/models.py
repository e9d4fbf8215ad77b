"""``mien models``: which models there are, and what they say of themselves."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

app = typer.Typer(help="List and show model files.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the models that ship, and those in your model store."""
    from mien.runtime.models import available
    from mien.runtime.network import Network

    found: list[dict[str, Any]] = []
    for name, path in available().items():
        card = Network(path, threads=1).card
        found.append(
            {
                "name": name,
                "megabytes": round(path.stat().st_size / 1e6, 1),
                "classes": list(card.classes),
                "size_px": card.preprocess.size_px,
                "licence": card.licence,
                "description": card.description,
                "path": str(path),
            }
        )
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for item in found:
        typer.echo(f"{item['name']:<12} {item['megabytes']:>6} MB  {item['size_px']} px  {item['description']}")
        typer.echo(f"{'':<12} {', '.join(item['classes'])}")


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="Name or path of a model.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole card as JSON.")] = False,
) -> None:
    """Show a model's card."""
    from mien.runtime.network import Network

    network = Network(model, threads=1)
    card = network.card
    if as_json:
        about = {"path": str(network.path), "sha256": network.digest, "bytes": network.path.stat().st_size}
        print(json.dumps({**about, **card.model_dump(mode="json")}, indent=2))
        return
    rows = {
        "name": card.name,
        "what": card.description,
        "classes": ", ".join(card.classes),
        "input": f"{card.preprocess.size_px} px, {'grey' if card.preprocess.channels == 1 else 'RGB'}, "
        f"margin {card.preprocess.margin:g}",
        "mirror image": "averaged" if card.flip else "not used",
        "temperature": f"{card.temperature:g}",
        "abstains below": f"{card.threshold:g}",
        "licence": card.licence,
        "meant for": card.intended_use,
        "not for": card.forbidden_use,
        "file": f"{network.path} ({network.path.stat().st_size / 1e6:.1f} MB)",
        "sha256": network.digest,
    }
    for name, value in rows.items():
        typer.echo(f"{name:<15} {value}")
    for name, value in card.metrics.items():
        typer.echo(f"{'metrics: ' + name:<15} {json.dumps(value)}")
