"""``mien synth import``: a generator that StyleGAN2-ADA has trained, as a model file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def import_network(
    network: Annotated[Path, typer.Argument(help="network.pkl of StyleGAN2-ADA (PyTorch), or StyleGAN3's stylegan2.")],
    out: Annotated[Path, typer.Option("--out", help="Model file to write (.onnx).")],
    classes: Annotated[
        str | None, typer.Option(help="Names in the order of the labels it was trained with: angry,happy,...")
    ] = None,
    name: Annotated[str | None, typer.Option(help="In the model's card; by default that of the file.")] = None,
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "unknown",
    one_centre: Annotated[
        bool,
        typer.Option(
            "--one-centre",
            help="Truncate towards the average over all classes, as its makers do, and not towards that of each class.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Bring in a StyleGAN2 generator from a pickle, without running anything in it.

    Only numbers are read; a file that asks for more is refused. The model file is checked against the network.
    """
    from mien.errors import InputError, need

    if out.suffix.lower() != ".onnx":
        raise InputError(f"--out {out}: expected a file name that ends in .onnx")
    need("torch", "lab", "bringing in a network")
    from mien.train.stylegan2_ada import bring_in

    given = tuple(part.strip() for part in classes.split(",")) if classes else ()
    found = bring_in(network, out, given, name=name or "", licence=licence, has_one_centre=one_centre)
    card = found.card
    if as_json:
        content = {
            "model": str(out),
            "bytes": out.stat().st_size,
            "size_px": card.preprocess.size_px,
            "channels": card.preprocess.channels,
            "classes": list(card.classes),
            "licence": card.licence,
            "parity": found.parity,
        }
        print(json.dumps(content, indent=2))
        return
    side, colours = card.preprocess.size_px, "RGB" if card.preprocess.channels == 3 else "grey"
    typer.echo(f"{side} px, {colours}, {', '.join(card.classes) or 'no classes'}")
    typer.echo(f"faces differ from the network's by at most {found.parity:.1e} (white minus black is 2)")
    if card.licence == "unknown":
        typer.echo("licence unknown: say it with --licence; many published networks are not free to use")
    typer.echo(f"written: {out}")
