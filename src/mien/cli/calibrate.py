"""``mien calibrate``: probabilities that fit what comes true, and when to abstain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    source: Annotated[str, typer.Argument(help="Scores (.npz) of mien evaluate, or a model (name or file).")],
    manifest: Annotated[Path | None, typer.Argument(help="With a model: manifest (.csv or .parquet) to score.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split, e.g. val; not the one that trained.")] = None,
    method: Annotated[
        str,
        typer.Option(
            help="temperature, bias (a temperature and a bias per class) or vector (to compare; fits no card)."
        ),
    ] = "temperature",
    accuracy: Annotated[
        float | None, typer.Option(help="Find the confidence below which to abstain for this accuracy, e.g. 0.95.")
    ] = None,
    certainty: Annotated[
        float, typer.Option(help="With which that accuracy is to be reached on pictures drawn like these.")
    ] = 0.95,
    labels: Annotated[
        str | None, typer.Option(help="Classes to answer with: a known set (fer7 ...) or names: happy,sad,neutral.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Of the cross-validation.", min=2)] = 5,
    bins: Annotated[int, typer.Option(help="Bins of equal mass of the calibration errors.", min=2)] = 15,
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals; 0 for none.", min=0)] = 1000,
    seed: Annotated[int, typer.Option(help="Of folds and draws.", min=0)] = 0,
    card: Annotated[
        Path | None, typer.Option(help="Write temperature, biases and threshold into the card of this model file.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write all numbers here (.json).")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for plots (PNG).")] = None,
    detector: Annotated[str, typer.Option(help="With a model, for rows without a box.")] = "whole",
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Fit a temperature on saved scores: calibration before and after on rows that did not fit it, and a threshold."""
    from mien.bias.calibrate import METHODS
    from mien.bias.calibrate import calibrate as run
    from mien.cli.scoring import labels_of, scores_of
    from mien.errors import InputError

    METHODS.entry(method)  # mistakes show before a network runs
    if bootstrap == 1:
        raise InputError("--bootstrap 1: an interval needs at least 2 draws; 0 leaves intervals out")
    scores = scores_of("calibrate", source, manifest, split, detector, threads, is_quiet=as_json)
    found = run(
        scores,
        method=method,
        labels=labels_of(labels),
        accuracy=accuracy,
        certainty=certainty,
        folds=folds,
        bins=bins,
        draws=bootstrap,
        seed=seed,
    )
    written = []
    if out is not None:
        found.save(out)
        written.append(out)
    if card is not None:
        found.write_card(card)
        written.append(card)
    if pictures is not None:
        from mien.report.calibration import plot_calibration

        written += plot_calibration(found, pictures)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, allow_nan=False))
        return
    from rich.console import Console

    from mien.bias.calibration_summary import summary

    console = Console()
    console.print(summary(found), highlight=False)
    for path in written:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
