"""``mien synth``: faces of nobody, drawn by a generator, and put beside photographs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.synth_import import import_network
from mien.cli.synth_screen import distance, inception, screen
from mien.cli.tables import print_table

app = typer.Typer(help="Draw faces of nobody with a generator, and mix them into data.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
#: Faces of each class on a contact sheet.
SHEET_FACES = 12


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Folder; one with faces of the same generator and seed grows.")],
    plan: Annotated[Path | None, typer.Argument(help="YAML file that says all of it; options change it.")] = None,
    model: Annotated[str | None, typer.Option(help="Name or path of a generator; by default faces48.")] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="So many of a class: fear=500; repeatable.")
    ] = None,
    each: Annotated[
        int | None, typer.Option("--each", "--all", help="So many of every class that --class does not name.", min=0)
    ] = None,
    count: Annotated[int | None, typer.Option(help="So many of a generator without classes.", min=0)] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other faces; by default 0.")] = None,
    truncation: Annotated[
        float | None, typer.Option(help="1 (the default): all variety; less: cleaner faces, more alike; 0: averages.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Written into every row; by default train.")] = None,
    domain: Annotated[str | None, typer.Option(help="Written into every row; by default synthetic.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Also draw some faces of each class on this PNG.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default one per core.", min=1)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace what an earlier job left in --out.")] = False,
    as_json: _Json = False,
) -> None:
    """Draw faces: PNG files in class folders, and a manifest.

    The same generator, seed, class and number give the same face. A job that was stopped goes on when the same command
    is given again; asking for more draws what is missing. Every file says in its metadata that it is synthetic.
    """
    from mien.cli.answers import check_suffix
    from mien.cli.progress import bar
    from mien.synth.plan import Plan
    from mien.synth.sample import sample as run

    if sheet is not None:
        check_suffix(sheet, (".png", ".PNG"))
    changes: dict[str, Any] = {
        "model": model,
        "classes": _counts(classes) if classes else None,
        "each": each,
        "count": count,
        "seed": seed,
        "truncation": truncation,
        "split": split,
        "domain": domain,
    }
    wanted = Plan.load({} if plan is None else plan, changes)
    with bar("drawing", is_quiet=as_json) as step:
        found = run(
            wanted,
            out,
            threads=threads,
            device=device,
            fresh=fresh,
            progress=lambda done, total: step("drawing", done, total),
        )
    content = found.to_dict()
    if sheet is not None:
        _draw_sheet(found.manifest, sheet, wanted.seed)
        content["sheet"] = str(sheet)
    if as_json:
        print(json.dumps(content, indent=2))
        return
    print_table("class", {name or "any": {"pictures": number} for name, number in found.classes.items()}, ["pictures"])
    typer.echo(
        f"{content['pictures']:,} pictures of {found.generator}, {found.drawn:,} of them drawn now; "
        f"{found.seconds:.1f} s, {content['images_per_second']:,} images/s"
    )
    typer.echo(f"written: {found.manifest}")
    if sheet is not None:
        typer.echo(f"written: {sheet}")


@app.command()
def mix(
    real: Annotated[Path, typer.Argument(help="Manifest with a train split.")],
    synthetic: Annotated[Path, typer.Argument(help="Manifest of drawn faces, e.g. of mien synth sample.")],
    out: Annotated[Path, typer.Option(help="Manifest to write, .csv or .parquet.")],
    share: Annotated[float | None, typer.Option(help="Of train that drawn faces make up in the end, e.g. 0.3.")] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="With --share: of every class that share.")] = False,
    balance: Annotated[
        bool, typer.Option("--balance", help="Instead of --share: fill classes up to the largest one.")
    ] = False,
    cap: Annotated[int | None, typer.Option(help="With --balance: fill up to so many rows instead.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Another seed takes others.", min=0)] = 0,
    as_json: _Json = False,
) -> None:
    """Add drawn faces to the train split of a manifest; val and test keep real faces alone.

    With the same seed a larger share has all pictures of a smaller one.
    """
    from mien.errors import InputError
    from mien.manifest import Manifest
    from mien.synth.mix import mix as run

    for path in (real, synthetic):
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError(f"--out {out}: would replace the manifest it is made from; choose another name")
    found = run(
        Manifest.load(real),
        Manifest.load(synthetic),
        share,
        per_class=per_class,
        balance=balance,
        cap=cap,
        seed=seed,
    )
    found.manifest.save(out)
    if as_json:
        print(json.dumps({"manifest": str(out), **found.to_dict()}, indent=2))
        return
    for note in found.notes:
        typer.echo(note, err=True)
    rows = {
        name: {
            "before": before,
            "added": added,
            "after": before + added,
            "added %": round(100 * added / (before + added)),
        }
        for name, (before, added) in found.classes.items()
    }
    print_table("class (train)", rows, ["before", "added", "after", "added %"])
    typer.echo(f"written: {out}; {found.added:,} synthetic pictures, {found.share:.1%} of train")


for command in (screen, distance, inception):
    app.command()(command)
app.command("import")(import_network)


def _counts(texts: list[str]) -> dict[str, int]:
    from mien.errors import InputError

    found: dict[str, int] = {}
    for text in texts:
        name, equals, number = (part.strip() for part in text.rpartition("="))
        if not equals or not name or not number.isdecimal():
            raise InputError(f"--class {text}: expected a class and how many, e.g. fear=500")
        if name in found:
            raise InputError(f"--class {text}: {name} is there twice")
        found[name] = int(number)
    return found


def _draw_sheet(manifest: Path, path: Path, seed: int) -> None:
    """Some faces of each class, in a file that says what they are, as theirs do."""
    from mien.atomic import write_bytes
    from mien.manifest import Manifest
    from mien.provenance import encode_synthetic
    from mien.report.pictures import class_sheet

    drawn = Manifest.load(manifest)
    about = {"generator": drawn.frame["generator"].iloc[0], "seed": seed}
    write_bytes(path, encode_synthetic(class_sheet(drawn, per_class=SHEET_FACES), about))
