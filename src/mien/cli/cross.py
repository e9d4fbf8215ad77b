"""``mien cross``: train on some domains, test on others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mien.train.allocator import keep_memory


def cross(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one (mien recipes list).")],
    data: Annotated[Path, typer.Option("--data", help="Manifest of all domains; rows without a split are dealt.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the runs and results; the same call goes on there.")],
    domain: Annotated[str, typer.Option(help="Column that says where a picture is from.")] = "domain",
    content: Annotated[
        str | None, typer.Option(help="A second column, what the pictures are about: tells cross-content apart.")
    ] = None,
    group: Annotated[
        str, typer.Option(help="Columns whose values stay in one split, as those of subject do, e.g. video,category.")
    ] = "",
    trainings: Annotated[
        str, typer.Option(help="Some of alone (each group), without (all but one domain), all.")
    ] = "alone,without,all",
    seeds: Annotated[str, typer.Option(help="Seeds of each training: 0,1,2 tells luck from difference.")] = "0",
    equal: Annotated[
        bool, typer.Option("--equal", help="As many training pictures of each class from every group.")
    ] = False,
    labels: Annotated[
        str | None, typer.Option(help="Classes: a known set (fer7 ...) or names; by default those all groups have.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Deal all rows 80/10/10, whatever split they have.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change one value of the recipe: part.key=value; repeatable.")
    ] = None,
    by_subject: Annotated[bool, typer.Option("--by-subject", help="Draw whole persons, not single rows.")] = False,
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals.", min=2)] = 1000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Train on each domain, on all but one and on all, and test every model on every domain."""
    from mien.cli.scoring import labels_of, seeds_of
    from mien.train.tables import load_recipe

    resolved, numbers = load_recipe(recipe, set_ or []), seeds_of(seeds)
    keep_memory()
    from rich.console import Console

    from mien.atomic import write_text
    from mien.errors import need
    from mien.evaluate.cross import cross as matrix
    from mien.evaluate.cross_summary import summary
    from mien.manifest import Manifest
    from mien.report.cross import plot_cross
    from mien.train.cross import deal, train_matrix

    torch = need("torch", "lab", "training")
    if threads:
        torch.set_num_threads(threads)
    dealt = deal(
        Manifest.load(data),
        resolved,
        domain=domain,
        content=content,
        group=[name.strip() for name in group.split(",") if name.strip()],
        labels=labels_of(labels),
        again=again,
        equal=equal,
    )
    kinds = [kind.strip() for kind in trainings.split(",")]
    scores = train_matrix(
        resolved, dealt, out, Console(stderr=as_json), kinds=kinds, seeds=numbers, device=device, threads=threads
    )
    found = matrix(scores, domain=domain, content=content, draws=bootstrap, by_subject=by_subject, notes=dealt.notes)
    text = json.dumps(found.to_dict(), indent=2, allow_nan=False)
    write_text(out / "cross.json", text + "\n")
    write_text(out / "cross.csv", found.to_csv())
    plot_cross(found, out / "cross.png")
    if as_json:
        print(text)
        return
    console = Console()
    console.print(summary(found), highlight=False)
    for name in ("cross.json", "cross.csv", "cross.png"):
        console.print(f"written: {out / name}", highlight=False, soft_wrap=True)
