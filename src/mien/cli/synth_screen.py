"""``mien synth distance`` and ``mien synth screen``: how good drawn faces are, and which of them to keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mien.synth.measure import Measured, Numbers
    from mien.synth.screen import Screened


def distance(
    real: Annotated[Path, typer.Argument(help="Manifest of photographs (.csv or .parquet).")],
    synthetic: Annotated[Path, typer.Argument(help="Manifest of drawn faces.")],
    split: Annotated[str | None, typer.Option(help="Only this split of the real ones; by default all rows.")] = None,
    features: Annotated[
        str, typer.Option(help="Recognizer (name or file), or an ONNX file of a feature net, such as Inception.")
    ] = "default",
    values: Annotated[
        str | None,
        typer.Option("--range", help="Of a feature net that does not say it: values of black and white, e.g. -1,1."),
    ] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="A line for every class.")] = False,
    sample: Annotated[
        int | None, typer.Option(help="Only so many faces of each set, drawn with the seed.", min=16)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Write all numbers here (.json).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Measure how far drawn faces are from real ones: FID, KID, precision and recall.

    Beside each number stands what real faces get against other real ones.
    """
    from mien.atomic import write_text
    from mien.cli.progress import bar
    from mien.manifest import Manifest
    from mien.runtime.features import Features
    from mien.synth.measure import measure

    photographs, drawn = Manifest.load(real), Manifest.load(synthetic)
    if split is not None:
        photographs = photographs.split(split)
    look = Features(features, values=_range(values), threads=threads, device=device)
    with bar("real faces", is_quiet=as_json) as step:
        found = measure(
            photographs,
            drawn,
            features=look,
            per_class=per_class,
            sample=sample,
            seed=seed,
            threads=threads,
            progress=step,
        )
    text = json.dumps(found.to_dict(), indent=2, allow_nan=False)
    if out is not None:
        write_text(out, text + "\n")
    if as_json:
        print(text)
        return
    _show(found)
    if out is not None:
        typer.echo(f"written: {out}")


def _range(text: str | None) -> tuple[float, float] | None:
    from mien.errors import InputError

    if text is None:
        return None
    try:
        low, high = (float(value) for value in text.split(","))
    except ValueError:
        raise InputError(f"--range {text}: expected two numbers, black and white, e.g. -1,1") from None
    return low, high


def _show(found: Measured) -> None:
    from rich.console import Console

    console = Console()
    console.print(f"{found.features}, {found.size:,} features", style="bold", highlight=False)
    table = _table("faces", "real", "other", "FID", "KID x 1000 (95 %)", "precision", "recall")
    for line in found.lines:
        table.add_row(line.name, *_numbers(line.drawn))
        table.add_row("  real against real", *_numbers(line.reference), style="dim")
    console.print(table, highlight=False)
    for note in found.notes:
        console.print(f"! {note}", style="yellow", highlight=False)


def _numbers(found: Numbers) -> list[str]:
    kid = found.kernel
    return [
        f"{found.real:,}",
        f"{found.other:,}",
        f"{found.frechet:.4g}",
        f"{1000 * kid.mean:.2f} ± {1000 * (kid.high - kid.mean):.2f}",
        f"{found.precision:.1%}",
        f"{found.recall:.1%}",
    ]


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def screen(
    synthetic: Annotated[Path, typer.Argument(help="Manifest of drawn faces (.csv or .parquet).")],
    real: Annotated[Path, typer.Option("--real", help="Manifest of the photographs the generator learned from.")],
    out: Annotated[
        Path, typer.Option("--out", help="Manifest of the faces that pass; NAME.dropped.csv lists the rest.")
    ],
    split: Annotated[str | None, typer.Option(help="Only this split of the real ones; by default all rows.")] = None,
    detector: Annotated[str, typer.Option(help="Must find exactly one face; none for no look.")] = "libfacedetection",
    sharpness: Annotated[
        float, typer.Option(help="As sharp as this percentile of real faces; 0 for any.", min=0, max=99.9)
    ] = 5.0,
    model: Annotated[str, typer.Option(help="Recognizer (name or file) that reads the faces.")] = "default",
    agree: Annotated[
        float, typer.Option(help="Least probability of a face's own label; 0 for any.", min=0, max=1)
    ] = 0.5,
    copies: Annotated[
        bool, typer.Option("--copies/--no-copies", help="Leave out what shows a real photograph again.")
    ] = True,
    duplicates: Annotated[
        bool, typer.Option("--duplicates/--no-duplicates", help="Of drawn faces that show the same, keep one.")
    ] = True,
    cap: Annotated[
        int | None, typer.Option(help="At most so many of a class: those whose label is the most probable.", min=1)
    ] = None,
    reference: Annotated[int, typer.Option(help="So many real faces are checked as well.", min=1)] = 1000,
    sheet: Annotated[Path | None, typer.Option(help="Draw kept and dropped faces on a sheet, .png or .jpg.")] = None,
    seed: Annotated[int, typer.Option(help="Of the reference and of the sheet.", min=0)] = 0,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Keep the drawn faces that pass for faces of their class, and list the others with their reasons.

    Every check is made of real faces too, to see what it leaves out of those. Exit code 1 when no face passes.
    """
    from mien.cli.progress import bar
    from mien.errors import InputError
    from mien.manifest import Manifest
    from mien.synth.rules import Rules
    from mien.synth.screen import screen as run

    for path in (real, synthetic):
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError(f"--out {out}: would replace the manifest it is made from; choose another name")
    photographs, drawn = Manifest.load(real), Manifest.load(synthetic)
    if split is not None:
        photographs = photographs.split(split)
    rules = Rules(None if detector == "none" else detector, sharpness, agree, copies, duplicates, cap)
    with bar("real faces", is_quiet=as_json) as step:
        found = run(
            drawn,
            photographs,
            rules=rules,
            model=model,
            reference=reference,
            seed=seed,
            threads=threads,
            progress=step,
        )
    written = [out, found.save(out)]
    if sheet is not None:
        _draw(found, sheet, seed)
        written.append(sheet)
    if as_json:
        print(json.dumps({**found.to_dict(), "written": [str(path) for path in written]}, indent=2))
    else:
        _tell(found)
        for path in written:
            typer.echo(f"written: {path}")
    raise typer.Exit(0 if len(found.kept) else 1)


def _draw(found: Screened, path: Path, seed: int) -> None:
    """The sheet, in a file that says that a model drew what is on it."""
    from mien.atomic import write_bytes
    from mien.images import write
    from mien.provenance import encode_synthetic
    from mien.report.screened import screened_sheet

    drawn = screened_sheet(found, seed=seed)
    if path.suffix.lower() == ".png":
        write_bytes(path, encode_synthetic(drawn, {"sheet": "screened"}))
    else:
        write(path, drawn)


def _tell(found: Screened) -> None:
    from rich.console import Console

    from mien.synth.rules import REASONS

    console = Console()
    real = {name: sum(line[name] for line in found.reference.values()) for name in ("drawn", *REASONS, "kept")}
    drawn = {name: sum(line[name] for line in found.table.values()) for name in real}
    seen = [reason for reason in REASONS if drawn[reason] or real[reason]]
    table = _table("drawn for", "faces", *seen, "kept")
    for label, line in found.table.items():
        table.add_row(label, *(f"{line[name]:,}" for name in ("drawn", *seen, "kept")))
    for title, line in (("all", drawn), ("real faces", real)):
        shares = [f"{line[name] / line['drawn']:.1%}" for name in (*seen, "kept")]
        table.add_row(title, f"{line['drawn']:,}", *shares, style="bold" if title == "all" else "dim")
    console.print(table, highlight=False)
    console.print(
        "a face can have several reasons; of real faces a copy is another row that shows the same photograph",
        style="dim",
        highlight=False,
    )
    for note in found.notes:
        console.print(f"! {note}", style="yellow", highlight=False)


def inception(
    weights: Annotated[Path, typer.Argument(help="Your weights of inception_v3: a .pth with a state dict.")],
    out: Annotated[Path, typer.Option("--out", help="ONNX file for `mien synth distance --features`.")],
) -> None:
    """Turn weights of Inception v3, which do not come with mien, into a feature net.

    Takes torchvision's file, and pt_inception-2015-12-05, with which published FIDs are measured.
    """
    from mien.errors import need

    need("torchvision", "lab", "reading weights of inception_v3")
    from mien.train.inception import export_inception

    found = export_inception(weights, out)
    which = (
        "as published FIDs use it" if found.is_published else "torchvision's: not for comparison with published FIDs"
    )
    typer.echo(f"written: {out}; inception_v3, {which}")
