"""``mien compare``: models side by side on the same pictures, and whether the difference is more than chance."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mien.evaluate.compare import Comparison

#: Between the trainings of one arm and those of the next.
VERSUS = "vs"


def compare(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Saved scores (.npz), run folders or models, each an arm; with `vs` between them, each side is one: "
            "compare a-0 a-1 vs b-0 b-1."
        ),
    ] = None,
    arm: Annotated[
        list[str] | None, typer.Option(help="NAME=PATH,PATH: several trainings of one recipe as one arm; repeatable.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Manifest to score models and runs on; saved scores need none.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    labels: Annotated[
        str | None, typer.Option(help="Classes to answer with: a known set (fer7 ...) or names: happy,sad,neutral.")
    ] = None,
    detector: Annotated[
        str, typer.Option(help="For rows without a box: whole (the picture is the face) ...")
    ] = "whole",
    match: Annotated[
        str | None, typer.Option(help="Column that says which pictures belong together; by default their names.")
    ] = None,
    by_subject: Annotated[bool, typer.Option("--by-subject", help="Draw whole persons, not single rows.")] = False,
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals.", min=2)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the draws.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for comparison.json, pictures and the scores made.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Compare models on the same pictures: numbers side by side, by class, and what of it may be chance."""
    from mien.cli.scoring import arm_of, labels_of
    from mien.errors import InputError
    from mien.evaluate.compare import compare as run

    wanted = _arms(sources or [], arm or [])
    if len(wanted) < 2:
        raise InputError("nothing to compare: name two models, runs or scores, or two sides with vs between them")
    arms, histories = [], {}
    for name, paths in wanted.items():
        keep = None if out is None else out / "scores"
        found, logs = arm_of(name, paths, data, split, detector, threads, keep=keep, is_quiet=as_json)
        arms.append(found)
        if any(logs):
            histories[name] = logs
    comparison = run(arms, labels=labels_of(labels), match=match, draws=bootstrap, seed=seed, by_subject=by_subject)
    show(comparison, histories, out, as_json=as_json)


def show(comparison: Comparison, histories: dict[str, Any], out: Path | None, *, as_json: bool) -> None:
    """Write the files of a comparison and print it.

    Args:
        comparison: the numbers.
        histories: name of an arm -> the log of each of its trainings; drawn when two arms or more have one.
        out: folder for comparison.json and the pictures, or None.
        as_json: print JSON in place of tables.
    """
    written: list[Path] = []
    if out is not None:
        from mien.atomic import write_text
        from mien.report.compare import plot_comparison

        write_text(out / "comparison.json", json.dumps(comparison.to_dict(), indent=2, allow_nan=False) + "\n")
        written = [out / "comparison.json", *plot_comparison(comparison, out)]
        if len(histories) > 1:
            from mien.report.history import plot_histories

            written.append(plot_histories(histories, out / "history.png"))
    if as_json:
        print(json.dumps(comparison.to_dict(), indent=2, allow_nan=False))
        return
    from rich.console import Console

    from mien.evaluate.compare_summary import summary

    console = Console()
    console.print(summary(comparison), highlight=False)
    for path in written:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


def _arms(sources: list[str], named: list[str]) -> dict[str, list[str]]:
    """Name -> paths of each arm."""
    from mien.errors import InputError

    sides: list[list[str]] = [[]]
    for source in sources:
        if source == VERSUS:
            sides.append([])
        else:
            sides[-1].append(source)
    if len(sides) == 1:
        sides = [[source] for source in sources]
    elif not all(sides):
        raise InputError(f"nothing stands on one side of {VERSUS}")
    arms = dict(zip(_names(sides), sides, strict=True)) if sides else {}
    for text in named:
        name, equals, paths = text.partition("=")
        if not equals or not name.strip() or not paths.strip():
            raise InputError(f"--arm {text}: expected NAME=PATH,PATH")
        if name.strip() in arms:
            raise InputError(f"--arm {text}: there is another arm of this name")
        arms[name.strip()] = [path.strip() for path in paths.split(",") if path.strip()]
    return arms


def _names(sides: list[list[str]]) -> list[str]:
    """Short and different names: the last part of the path, or as much of it as tells them apart."""
    from mien.errors import InputError

    whole = [_common(side) for side in sides]
    bare = [_bare(text) for text in whole]
    for texts in (bare, whole):  # a.npz beside a.onnx: the ending is all that tells them apart
        parts = [Path(text).parts for text in texts]
        for length in range(1, max((len(each) for each in parts), default=0) + 1):
            names = ["/".join(each[-length:]).lstrip("/") for each in parts]
            if len(set(names)) == len(names):
                return names
    twice = next(text for text in whole if whole.count(text) > 1)
    raise InputError(f"two sides are called {twice}; name them with --arm NAME={','.join(sides[whole.index(twice)])}")


def _common(paths: list[str]) -> str:
    """What the trainings of an arm have in common: runs/a-0 and runs/a-1 are runs/a."""
    if len(paths) == 1:
        return paths[0]
    shared = os.path.commonprefix(paths)  # noqa: RUF071  # by characters is meant
    place = max(shared.rfind(mark) for mark in "-_./")
    return shared[:place] if place > 0 else f"{_bare(paths[0])} …"


def _bare(path: str) -> str:
    return path.removesuffix(".npz").removesuffix(".onnx")
