"""``mien data suspects``: labels that are probably wrong, for people to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.evaluate.suspects import Suspects
    from mien.manifest import Manifest
    from mien.scores import Scores


def suspects(
    data: Annotated[Path, typer.Argument(help="Manifest (.csv or .parquet).")],
    scores: Annotated[
        Path | None, typer.Option(help="Saved scores (.npz) of a model that has not learned these labels.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Make such scores: train with this recipe on all other folds.")
    ] = None,
    folds: Annotated[int, typer.Option(help="With --recipe: parts that are left out in turn.", min=2)] = 5,
    split: Annotated[
        str | None, typer.Option(help="With --recipe: the split that is judged; by default train.")
    ] = None,
    runs: Annotated[
        Path | None, typer.Option(help="With --recipe: folder of the runs; the same command goes on from it.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="With --recipe: change one value, part.key=value; repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="With --recipe: auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="With --recipe: CPU threads.", min=1)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the suspects, .csv (with a column 'decision' to fill in) or .json.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="Draw them on a contact sheet, .png or .jpg.")] = None,
    limit: Annotated[int, typer.Option(help="Pictures on the sheet.", min=1)] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find labels that a model contradicts, or that people disagree on. Exit code 1 when there are any."""
    from mien.errors import InputError
    from mien.evaluate.suspects import find_suspects
    from mien.manifest import Manifest
    from mien.scores import Scores

    if scores is not None and recipe is not None:
        raise InputError("--scores and --recipe: name one of them; --recipe makes scores of its own")
    unused = {"--split": split, "--runs": runs, "--set": set_, "--threads": threads}
    if recipe is None and (named := [name for name, value in unused.items() if value]):
        raise InputError(f"{', '.join(named)} without --recipe: they say how scores are made")
    manifest = Manifest.load(data)
    made: Scores | None = None
    if scores is not None:
        made = Scores.load(scores)
    elif recipe is not None:
        made = _out_of_fold(manifest, recipe, set_ or [], folds, split, runs, device, threads, as_json)
    found = find_suspects(manifest, made)
    if out is not None:
        found.save(out, manifest)
    if sheet is not None and len(found):
        from mien.images import write
        from mien.report.suspects import suspect_sheet

        write(sheet, suspect_sheet(manifest, found, limit=limit))
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        _show(found, [path for path in (out, sheet) if path is not None and path.exists()])
    raise typer.Exit(1 if len(found) else 0)


def _out_of_fold(
    manifest: Manifest,
    recipe: str,
    changes: list[str],
    folds: int,
    split: str | None,
    runs: Path | None,
    device: str,
    threads: int | None,
    as_json: bool,
) -> Scores:
    from mien.train.tables import load_recipe

    resolved = load_recipe(recipe, changes)  # mistakes show before anything heavy is loaded
    from mien.train.allocator import keep_memory

    keep_memory()
    from rich.console import Console

    from mien.errors import need

    torch = need("torch", "lab", "training")
    if threads:
        torch.set_num_threads(threads)
    from mien.train.folds import out_of_fold

    return out_of_fold(
        resolved,
        manifest,
        runs or Path("runs") / f"{resolved.name}-folds",
        Console(stderr=True, quiet=as_json),
        folds=folds,
        split=split,
        device=device,
        threads=threads,
    )


def _show(found: Suspects, written: list[Path]) -> None:
    from mien.cli.tables import print_table

    rows = {
        "the model contradicts": len(found.by("model")),
        "people disagree": len(found.by("people")),
        "both": len(found.by("both")),
    }
    print_table("why", {name: {"labels": count} for name, count in rows.items() if count}, ["labels"])
    pairs = {name: {"labels": count} for name, count in list(found.pairs().items())[:12]}
    print_table("label -> the model says", pairs, ["labels"])
    if found.noise is not None:
        typer.echo(
            f"of {found.judged:,} labels the model contradicts {len(found.by('model', 'both')):,}; "
            f"estimated share of wrong labels: {found.noise.rate:.1%}"
        )
    for note in found.notes:
        typer.echo(f"! {note}")
    for path in written:
        typer.echo(f"written: {path}")
    if not len(found):
        typer.echo("no suspects")
