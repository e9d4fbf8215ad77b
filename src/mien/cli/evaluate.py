"""``mien evaluate``: a model and a manifest to scores, numbers and pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import Prior, scores_file

if TYPE_CHECKING:
    from mien.evaluate.evaluation import Evaluation
    from mien.evaluate.groups import Groups


def evaluate(
    model: Annotated[str, typer.Argument(help="Model (name or file), or scores (.npz) that were saved before.")],
    manifest: Annotated[
        Path | None, typer.Argument(help="Manifest (.csv or .parquet); with saved scores only for columns of --by.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only this split; by default all rows.")] = None,
    labels: Annotated[
        str | None, typer.Option(help="Classes to answer with: a known set (fer7 ...) or names: happy,sad,neutral.")
    ] = None,
    prior: Prior = "training",
    detector: Annotated[
        str, typer.Option(help="For rows without a box: whole (the picture is the face) ...")
    ] = "whole",
    without_leaks_from: Annotated[
        str | None, typer.Option(help="Measure again without pictures that this split has too, e.g. train.")
    ] = None,
    near: Annotated[
        bool, typer.Option("--near/--identical", help="Leaks are near duplicates too, or identical pictures only.")
    ] = True,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Numbers by this column as well: domain, subject, origin or one of yours. May be repeated."),
    ] = None,
    smallest: Annotated[int, typer.Option(help="Groups with fewer pictures are shown, not tested.", min=1)] = 30,
    out: Annotated[Path | None, typer.Option(help="Save the scores here (.npz).", callback=scores_file)] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for plots and the surest mistakes (PNG).")] = None,
    flip: Annotated[
        bool | None,
        typer.Option("--flip/--no-flip", help="Average with the mirror image; by default as the card says."),
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the numbers into the model's card as well.")] = False,
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals; 0 for none.", min=0)] = 1000,
    by_subject: Annotated[bool, typer.Option("--by-subject", help="Draw whole persons, not single rows.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the draws.", min=0)] = 0,
    batch_size: Annotated[int, typer.Option(help="Faces per run of the network.", min=1)] = 64,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    device: Annotated[str, typer.Option(help="auto (a CUDA card where there is one), cuda, openvino or cpu.")] = "auto",
    engine: Annotated[str, typer.Option(help="threads, or ray: a Ray cluster.")] = "threads",
    workers: Annotated[
        int | None,
        typer.Option(help="Pictures read (ray: calls made) at the same time; by default one per core.", min=1),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Measure a model on labelled pictures: numbers with intervals, per class, confusion matrix, pictures."""
    from mien.errors import InputError
    from mien.evaluate.evaluation import Evaluation
    from mien.labels import Labels
    from mien.scores import Scores

    if bootstrap == 1:
        raise InputError("--bootstrap 1: an interval needs at least 2 draws; 0 leaves intervals out")
    if card and prior != "training":
        raise InputError(f"--card keeps the numbers of the answers that everybody gets: leave --prior {prior} out")
    names = [name.strip() for name in labels.split(",")] if labels else []
    wanted = None if not names else Labels.named(names[0]) if len(names) == 1 else Labels(tuple(names))
    written = [] if out is None else [out]
    if model.endswith(".npz"):
        made_then = {
            "MANIFEST": None if by else manifest,
            "--split": split,
            "--without-leaks-from": without_leaks_from,
            "--flip": flip,
            "--device": None if device == "auto" else device,
            "--engine": None if engine == "threads" else engine,
            "--workers": workers,
        }
        wrong = [name for name, value in {**made_then, "--card": card or None}.items() if value is not None]
        if wrong:
            raise InputError(f"{model} is saved scores: {', '.join(wrong)} cannot change them; name a model instead")
        scores = Scores.load(model)
        if manifest is not None:
            from mien.evaluate.join import with_columns
            from mien.manifest import Manifest

            scores = with_columns(scores, Manifest.load(manifest))
        if out is not None:
            scores.save(out)
        evaluation = Evaluation.of(
            scores, labels=wanted, prior=prior, draws=bootstrap, seed=seed, by_subject=by_subject
        )
        written += _draw(evaluation, pictures)
    else:
        if manifest is None:
            raise InputError(f"mien evaluate {model}: name a manifest too; `mien data scan FOLDER` makes one")
        from mien.cli.progress import bar
        from mien.evaluate.run import evaluate as run
        from mien.manifest import Manifest
        from mien.runtime.network import Network
        from mien.runtime.shelf import check_changeable

        network, data = Network(model, threads, device), Manifest.load(manifest)
        if card:
            check_changeable(network.path)  # before the long work, not after it
        with bar("reading", is_quiet=as_json) as step:
            evaluation = run(
                network,
                data,
                split=split,
                detector=detector,
                batch_size=batch_size,
                threads=threads,
                flip=flip,
                labels=wanted,
                prior=prior,
                without_leaks_from=without_leaks_from,
                near=near,
                draws=bootstrap,
                seed=seed,
                by_subject=by_subject,
                out=out,
                engine=engine,
                workers=workers,
                progress=step,
            )
        if card:
            from mien.evaluate.stamp import stamp

            stamp(network.path, evaluation)
            written.append(network.path)
        written += _draw(evaluation, pictures)
        if pictures is not None:
            from mien.report.mistakes import plot_mistakes

            title = f"{evaluation.title}: the surest mistakes"
            drawn = plot_mistakes(evaluation, data, network.card.preprocess, pictures / "mistakes.png", title=title)
            written += [drawn] if drawn else []
    groups = [
        evaluation.by(column, smallest=smallest, draws=bootstrap, seed=seed, by_subject=by_subject)
        for column in by or []
    ]
    if pictures is not None and groups:
        from mien.report.groups import plot_groups

        written += [
            plot_groups(found, pictures / f"by_{re.sub('[^A-Za-z0-9-]', '_', found.column)}.png", evaluation.title)
            for found in groups
        ]
    _show(evaluation, groups, written, as_json)


def _draw(evaluation: Evaluation, folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    from mien.report.plots import plot_all

    return plot_all(evaluation.raw.metrics, folder, evaluation.title)


def _show(evaluation: Evaluation, groups: list[Groups], written: list[Path], as_json: bool) -> None:
    if as_json:
        content = evaluation.to_dict()
        if groups:
            content["groups"] = [found.to_dict() for found in groups]
        print(json.dumps(content, indent=2, allow_nan=False))
        return
    from rich.console import Console

    from mien.evaluate.groups_summary import summary as by_group
    from mien.evaluate.summary import summary

    console = Console()
    console.print(summary(evaluation), highlight=False)
    for found in groups:
        console.print()
        console.print(by_group(found), highlight=False)
    for path in written:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
