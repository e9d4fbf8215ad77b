"""``mien arms``: train the arms of an experiment and compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.train.allocator import keep_memory


def arms(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one (mien recipes list).")],
    arm: Annotated[
        list[str], typer.Option(help="NAME=MANIFEST for an arm with data of its own, or NAME; twice or more.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the runs and results; the same call goes on there.")],
    data: Annotated[Path | None, typer.Option("--data", help="Manifest of the arms that name none.")] = None,
    change: Annotated[
        list[str] | None, typer.Option(help="NAME:part.key=value changes the recipe of one arm; repeatable.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Manifest to score all arms on; by default each arm's own, matched by name.")
    ] = None,
    split: Annotated[str, typer.Option(help="Whose pictures are scored.")] = "test",
    match: Annotated[
        str | None, typer.Option(help="Column that says which pictures of the arms belong together (original ...).")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of each arm; one tells little.")] = "0,1,2",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change one value in all arms: part.key=value; repeatable.")
    ] = None,
    by_subject: Annotated[bool, typer.Option("--by-subject", help="Draw whole persons, not single rows.")] = False,
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals.", min=2)] = 1000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Train one recipe on different data, or with different values, and compare what comes of it."""
    from mien.cli.scoring import seeds_of
    from mien.errors import InputError
    from mien.manifest import Manifest
    from mien.train.tables import load_recipe

    wanted = _arms(arm, data)
    changes: dict[str, list[str]] = {name: [] for name in wanted}
    for text in change or []:
        name, colon, value = text.partition(":")
        if not colon or name not in changes:
            raise InputError(
                f"--change {text}: expected NAME:part.key=value, where NAME is one of {', '.join(changes)}"
            )
        changes[name].append(value)
    recipes = {name: load_recipe(recipe, [*(set_ or []), *own]) for name, own in changes.items()}
    numbers = seeds_of(seeds)
    keep_memory()
    from rich.console import Console

    from mien.cli.compare import show
    from mien.errors import need
    from mien.evaluate.compare import compare
    from mien.rundir import RunDir
    from mien.train.arms import ArmPlan, train_arms

    torch = need("torch", "lab", "training")
    if threads:
        torch.set_num_threads(threads)
    found = train_arms(
        [ArmPlan(name, recipes[name], Manifest.load(path)) for name, path in wanted.items()],
        out,
        Console(stderr=as_json),
        split=split,
        test=None if test is None else Manifest.load(test),
        seeds=numbers,
        device=device,
        threads=threads,
    )
    comparison = compare(found, match=match, draws=bootstrap, by_subject=by_subject)
    histories = {each.name: [RunDir(out / each.name / f"seed-{seed}").epochs() for seed in numbers] for each in found}
    show(comparison, histories, out, as_json=as_json)


def _arms(texts: list[str], data: Path | None) -> dict[str, Path]:
    """Name -> manifest."""
    from mien.errors import InputError

    found: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not name or "/" in name or (equals and not path):
            raise InputError(f"--arm {text}: expected NAME=MANIFEST, or NAME")
        if name in found:
            raise InputError(f"--arm {text}: there is another arm of this name")
        if not equals and data is None:
            raise InputError(f"--arm {text}: which data? Name a manifest, {name}=faces.csv, or --data for all arms")
        found[name] = Path(path) if equals else data  # type: ignore[assignment]  # data is given, seen above
    return found
