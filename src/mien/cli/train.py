"""``mien train``: a recipe and a manifest to a run folder with a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mien.train.allocator import keep_memory


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one (mien recipes list).")],
    data: Annotated[Path, typer.Option("--data", help="Manifest (.csv or .parquet) with splits.")],
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; by default runs/<recipe>.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change one value of the recipe: part.key=value; repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads.", min=1)] = None,
    devices: Annotated[
        int, typer.Option(min=1, help="Devices on this machine, one process each; they share batches.")
    ] = 1,
    nodes: Annotated[
        int,
        typer.Option(min=1, help="Machines; each runs this command, under torchrun or SLURM, with one shared --out."),
    ] = 1,
    compile_: Annotated[bool, typer.Option("--compile", help="Compile the net: a slower start, then quicker.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace an earlier run instead of resuming it.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the log as JSON lines instead of a progress bar.")
    ] = False,
) -> None:
    """Train a model. A run that was stopped goes on where it was when the same command is given again."""
    from mien.train.tables import load_recipe

    resolved = load_recipe(recipe, set_ or [])  # mistakes show before anything heavy is loaded
    keep_memory()
    from rich.console import Console

    from mien.errors import need
    from mien.train.shortcut import say, start

    torch = need("torch", "lab", "training")
    if threads:
        torch.set_num_threads(threads)
    console = Console(stderr=as_json)
    run = start(
        resolved,
        data,
        out,
        console,
        device=device,
        devices=devices,
        nodes=nodes,
        compiled=compile_,
        fresh=fresh,
        as_json=as_json,
    ).run
    if all(os.environ.get(rank, "0") == "0" for rank in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")):
        say(console, f"model: {run.model}   log: {run.log}   curves: {run.history}")
