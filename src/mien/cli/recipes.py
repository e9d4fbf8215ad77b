"""``mien recipes``: the recipes that ship, and a check for one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, show, copy, check and preview recipes.", no_args_is_help=True)


def _summary(path: Path) -> str:
    """The first comment line of a recipe says what it is."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip()


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the shipped recipes."""
    from mien.recipe import shipped

    found = {name: _summary(path) for name, path in shipped().items()}
    if as_json:
        print(json.dumps(found, indent=2))
        return
    width = max(map(len, found))
    for name, line in found.items():
        typer.echo(f"{name:<{width}}  {line}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A recipe's name or file.")],
    resolved: Annotated[bool, typer.Option("--resolved", help="With all defaults filled in.")] = False,
) -> None:
    """Print a recipe."""
    from mien.recipe import locate
    from mien.train.tables import load_recipe

    typer.echo(load_recipe(name).to_yaml() if resolved else locate(name).read_text(encoding="utf-8"), nl=False)


@app.command()
def copy(
    name: Annotated[str, typer.Argument(help="A shipped recipe's name.")],
    out: Annotated[Path, typer.Argument(help="File to write; must not exist yet.")],
) -> None:
    """Copy a recipe, to change it."""
    from mien.atomic import write_text
    from mien.errors import InputError
    from mien.recipe import locate

    if out.exists():
        raise InputError(f"{out}: exists already; choose another name")
    write_text(out, locate(name).read_text(encoding="utf-8"))
    typer.echo(str(out))


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A recipe's name or file.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="part.key=value; repeatable.")] = None,
) -> None:
    """Report all mistakes of a recipe at once."""
    from mien.train.tables import load_recipe

    recipe = load_recipe(name, set_ or [])
    for stage in recipe.stages():
        if len(found := stage.imbalance_corrections()) > 1:
            typer.echo(f"{name}: imbalance is corrected {len(found)} times over ({', '.join(found)})", err=True)
    nets = {"super_resolve": recipe.enhance.net, "gan": "StyleGAN2"}
    typer.echo(f"{name}: fine ({nets.get(recipe.task, recipe.model.backbone)}, {recipe.epochs} epochs)")


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="A recipe's name or file.")],
    data: Annotated[Path, typer.Option(help="Manifest (.csv or .parquet).")],
    out: Annotated[Path, typer.Option(help="Picture to write, .png or .jpg.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="part.key=value; repeatable.")] = None,
    levels: Annotated[bool, typer.Option("--levels", help="Show the levels 1 to 3 beside each other instead.")] = False,
    per_class: Annotated[int, typer.Option(help="Faces of each class.", min=1)] = 1,
    draws: Annotated[int, typer.Option(help="Draws of each face, or of each level.", min=1)] = 8,
    tile_px: Annotated[int, typer.Option(help="Side of each picture.", min=16)] = 72,
    seed: Annotated[int, typer.Option(help="Another seed, other faces and draws.", min=0)] = 0,
) -> None:
    """Draw training pictures as the net will see them: one face per line, each phase by itself."""
    from mien.errors import need
    from mien.train.tables import load_recipe

    need("torch", "lab", "varying pictures")
    recipe = load_recipe(name, set_ or [])
    from mien.images import write
    from mien.manifest import Manifest
    from mien.train.augment.preview import preview as draw

    manifest = Manifest.load(data)
    drawn = draw(recipe, manifest, levels=levels, per_class=per_class, draws=draws, tile_px=tile_px, seed=seed)
    write(out, drawn)
    typer.echo(f"written: {out}")
