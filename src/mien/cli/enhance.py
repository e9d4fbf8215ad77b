"""``mien enhance``: a manifest or a folder of small faces to large ones."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer


def enhance(
    source: Annotated[Path, typer.Argument(help="Manifest (.csv or .parquet), or a folder of pictures.")],
    out: Annotated[Path, typer.Option("--out", help="New folder; one that holds the same job goes on.")],
    model: Annotated[
        str, typer.Option(help="subpixel, srcnn, enhanced_srcnn, bicubic, lanczos, or name or path of an enhancer.")
    ] = "subpixel",
    size: Annotated[str, typer.Option(help="Side in pixels, or HEIGHTxWIDTH.")] = "224",
    sharpen: Annotated[float, typer.Option(help="How much sharper: 0 not at all, 1 a lot.")] = 0.0,
    contrast: Annotated[float, typer.Option(help="Factor on the contrast.")] = 1.0,
    margin: Annotated[
        float, typer.Option(help="Faces with a box are cut out with so much more around, as a share of the side.")
    ] = 0.0,
    split: Annotated[
        list[str] | None, typer.Option(help="Only this split; repeatable. By default all of them.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Pictures on the sheet of before and after; 0 draws none.", min=0)] = 8,
    workers: Annotated[
        int | None, typer.Option(help="Batches at the same time; by default one per core.", min=1)
    ] = None,
    batch: Annotated[int, typer.Option(help="Pictures per batch.", min=1)] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    engine: Annotated[str, typer.Option(help="threads, or ray: a Ray cluster.")] = "threads",
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace what an earlier job left in --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make face pictures larger and clearer, into a new folder with its own manifest.

    Originals are only read. A job that was stopped goes on when the same command is given again. A picture that cannot
    be read is told of in failed.csv, and the others are done all the same; exit code 2 only when none could be.
    """
    from mien.cli.progress import bar
    from mien.enhance.engines import Plan
    from mien.enhance.finish import Finish
    from mien.enhance.folder import enhance as run
    from mien.enhance.folder import manifest_of
    from mien.errors import InputError
    from mien.manifest import Manifest

    for name, value in (("--sharpen", sharpen), ("--contrast", contrast)):
        if not 0 <= value <= 5:
            raise InputError(f"{name} {value:g}: expected 0 to 5")
    manifest = manifest_of(source)
    if split:
        for name in split:
            manifest.split(name)  # says which there are
        manifest = manifest.where(split=split)
    plan = Plan(model, _size(size), Finish(sharpen=sharpen, contrast=contrast), margin, device)
    with bar("enhancing", is_quiet=as_json) as step:
        found = run(
            manifest,
            out,
            plan,
            engine=engine,
            workers=workers,
            batch=batch,
            fresh=fresh,
            progress=lambda done, total: step("enhancing", done, total),
        )
    content = found.to_dict()
    if samples and found.done:
        from mien.report.enhanced import enhancement_sheet

        drawn = enhancement_sheet(
            manifest, Manifest.load(found.manifest), out / "before-after.png", samples=samples, margin=margin
        )
        content["sheet"] = str(drawn)
    if as_json:
        print(json.dumps(content, indent=2))
    else:
        typer.echo(
            f"{found.done:,} pictures, {found.before:,} of them from an earlier run; {found.seconds:.1f} s, "
            f"{content['images_per_second']:,} images/s"
        )
        for image, reason in found.failed[:10]:
            typer.echo(f"left out: {image}: {reason}")
        if len(found.failed) > 10:
            typer.echo(f"... and {len(found.failed) - 10:,} more: {found.folder / 'failed.csv'}")
        typer.echo(f"written: {found.manifest}")
        if "sheet" in content:
            typer.echo(f"written: {content['sheet']}")
    if found.failed and not found.done:
        sys.exit(2)


def _size(text: str) -> int | tuple[int, int]:
    from mien.errors import InputError

    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text.strip())
    if found is None:
        raise InputError(f"--size {text}: expected a side in pixels, or HEIGHTxWIDTH")
    return int(found[1]) if found[2] is None else (int(found[1]), int(found[2]))
