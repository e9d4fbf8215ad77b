"""``mien sweep``: many trainings that search values of a recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

#: Trials in the table; all are in trials.csv.
ROWS = 10


def sweep(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one (mien recipes list).")],
    data: Annotated[Path, typer.Option("--data", help="Manifest (.csv or .parquet) with splits.")],
    search: Annotated[
        list[str] | None,
        typer.Option(
            help="part.key=form; repeatable. Forms: uniform(0, 0.5), log(1e-4, 1e-2), int(0, 3), logint(16, 256), "
            "choice(adam, adamw); uniform and int take a step as third number."
        ),
    ] = None,
    space: Annotated[Path | None, typer.Option(help="YAML file with part.key: form on each line.")] = None,
    trials: Annotated[int, typer.Option(help="Trials to finish, those of an earlier call included.", min=1)] = 20,
    out: Annotated[Path | None, typer.Option(help="Sweep folder; by default sweeps/<recipe>.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change one value of the recipe: part.key=value; repeatable.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Trials at the same time, each in its own process.", min=1)] = 1,
    sampler: Annotated[str, typer.Option(help="How values are proposed: tpe, random, grid or cmaes.")] = "tpe",
    pruner: Annotated[str, typer.Option(help="When a poor trial is given up: median, hyperband or none.")] = "median",
    seed: Annotated[int, typer.Option(help="Of the search; that of each training is runtime.seed.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads over all jobs.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all results as JSON.")] = False,
) -> None:
    """Search values of a recipe. A search that was stopped goes on when the same command is given again."""
    from mien.train.sweep.space import Space, check_method
    from mien.train.tables import load_recipe

    resolved = load_recipe(recipe, set_ or [])  # mistakes show before anything heavy is loaded
    searched = Space.read(resolved, search or [], space)
    check_method(searched, sampler, pruner)
    from importlib.util import find_spec

    from rich.console import Console

    from mien.cli.progress import bar
    from mien.errors import MissingExtra
    from mien.train.sweep.search import sweep as run

    if find_spec("torch") is None:  # only the processes that train load it
        raise MissingExtra("training needs torch, which is not installed: pip install 'mien[lab]'")
    out = out or Path("sweeps") / resolved.name
    console = Console(stderr=as_json)
    with bar("trials") as progress:
        summary = run(
            searched,
            data,
            out,
            trials=trials,
            jobs=jobs,
            sampler=sampler,
            pruner=pruner,
            seed=seed,
            device=device,
            threads=threads,
            progress=progress,
            say=lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True),
        )
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _show(summary, out, data)


def _show(summary: Mapping[str, Any], out: Path, data: Path) -> None:
    """The best trials as a table, and what they mean."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from mien.metric import METRICS
    from mien.train.sweep.outcome import shown

    console = Console()
    metric, judge = summary["metric"].replace("_", " "), METRICS[summary["metric"]]
    complete = sorted(
        (trial for trial in summary["trials"] if trial["value"] is not None),
        key=lambda trial: -judge.goodness(trial["value"]),
    )
    table = Table(box=box.SIMPLE_HEAD, title=f"the best of {len(complete)} complete trials", title_justify="left")
    table.add_column("trial", justify="right")
    table.add_column(f"{metric} on {summary['split']}", justify="right")
    for name in ("epochs", "seconds", *summary["space"]):
        table.add_column(name, justify="right", overflow="fold")
    for place, trial in enumerate(complete):
        is_start = trial["trial"] == summary["start"]
        if place < ROWS or is_start:
            values = [shown(trial["values"].get(name)) for name in summary["space"]]
            plain = [f"{trial['trial']}{' (start)' if is_start else ''}", judge.text(trial["value"])]
            table.add_row(*plain, str(trial["epochs"]), shown(trial["seconds"]), *values, style="bold" * (place == 0))
    console.print(table)
    counts = ", ".join(f"{count} {state}" for state, count in summary["counts"].items() if count)
    lines = [counts]
    start = next((trial for trial in complete if trial["trial"] == summary["start"]), None)
    if complete and start is not None:
        best, before = (judge.text(trial["value"]) for trial in (complete[0], start))
        above = f"the best has {best}, the recipe as it is {before}"
        lines.append(above if best != before else "no trial is better than the recipe as it is")
    if summary["importance"]:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in list(summary["importance"].items())[:4])
        lines.append(f"what mattered for the best: {shares}")
    if complete:
        tried = summary["counts"]["complete"] + summary["counts"]["pruned"]
        margin = summary["margin"]
        known = f" (an accuracy on {summary['rows']:,} pictures is known to ± {100 * (margin or 0):.1f} points only)"
        model = out / complete[0]["folder"] / "model.onnx"
        lines.append(
            f"The best of {tried} trials was chosen on {summary['split']}, so its number flatters"
            f"{known if margin else ''}: mien evaluate {model} {data} --split test"
        )
        lines.append(f"written: {out / 'best.yaml'}, trials.csv, sweep.json, history.png, values.png")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
