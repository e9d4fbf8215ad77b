"""``mien robustness``: how much worse the answers get when pictures do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def robustness(
    model: Annotated[str, typer.Argument(help="Model (name or file).")],
    manifest: Annotated[Path, typer.Argument(help="Manifest (.csv or .parquet).")],
    split: Annotated[str | None, typer.Option(help="Only this split; by default all rows.")] = None,
    sample: Annotated[int | None, typer.Option(help="Only so many rows, drawn with the seed.", min=1)] = None,
    corruptions: Annotated[
        str | None, typer.Option(help="Some of blur,noise,jpeg,darkness,low_resolution,rotation; by default all.")
    ] = None,
    severities: Annotated[str, typer.Option(help="From 1 (hardly visible) to 5 (bad).")] = "1,2,3,4,5",
    labels: Annotated[
        str | None, typer.Option(help="Classes to answer with: a known set (fer7 ...) or names: happy,sad,neutral.")
    ] = None,
    detector: Annotated[
        str, typer.Option(help="For rows without a box: whole (the picture is the face) ...")
    ] = "whole",
    out: Annotated[Path | None, typer.Option(help="Write all numbers here (.json).")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for the curves and an example of each (PNG).")] = None,
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals; 0 for none.", min=0)] = 1000,
    seed: Annotated[int, typer.Option(help="Of sample, corruptions and draws.", min=0)] = 0,
    batch_size: Annotated[int, typer.Option(help="Faces per run of the network.", min=1)] = 64,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Measure a model on faces that are blurred, noisy, compressed, dark, small or turned."""
    from mien.atomic import write_text
    from mien.cli.progress import bar
    from mien.cli.scoring import labels_of
    from mien.errors import InputError
    from mien.evaluate.robustness import robustness as run
    from mien.manifest import Manifest

    try:
        levels = [int(level) for level in severities.split(",")]
    except ValueError:
        raise InputError(f"--severities {severities}: expected numbers from 1 to 5, e.g. 1,3,5") from None
    with bar("classifying", is_quiet=as_json) as step:
        found = run(
            model,
            Manifest.load(manifest),
            split=split,
            corruptions=None if corruptions is None else [name.strip() for name in corruptions.split(",")],
            severities=levels,
            sample=sample,
            labels=labels_of(labels),
            detector=detector,
            batch_size=batch_size,
            threads=threads,
            draws=bootstrap,
            seed=seed,
            progress=lambda done, total: step("classifying", done, total),
        )
    written = []
    if out is not None:
        write_text(out, json.dumps(found.to_dict(), indent=2, allow_nan=False) + "\n")
        written.append(out)
    if pictures is not None:
        from mien.report.robustness import plot_examples, plot_robustness

        written += [
            plot_robustness(found, pictures / "robustness.png"),
            plot_examples(found, pictures / "corruptions.png"),
        ]
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, allow_nan=False))
        return
    from rich.console import Console

    from mien.evaluate.robustness_summary import summary

    console = Console()
    console.print(summary(found), highlight=False)
    for path in written:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
