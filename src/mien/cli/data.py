"""``mien data``: make, split, count and check manifests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.audit import audit
from mien.cli.frames import frames
from mien.cli.progress import bar
from mien.cli.suspects import suspects
from mien.cli.tables import print_table

if TYPE_CHECKING:
    from mien.labels import Labels
    from mien.manifest import Manifest

app = typer.Typer(help="Make, split, count and check manifests.", no_args_is_help=True)

_Manifest = Annotated[Path, typer.Argument(help="Manifest (.csv or .parquet).")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Labels = Annotated[
    str | None, typer.Option(help="A known set (fer7, ferplus8, basic4 ...) or names in order: angry,happy,sad.")
]
_Seed = Annotated[int, typer.Option(help="Another seed, another outcome.", min=0)]


@app.command()
def scan(
    path: Annotated[Path, typer.Argument(help="Folder of class folders, CSV, FER2013 CSV or .npz.")],
    out: Annotated[Path, typer.Option(help="Manifest to write, .csv or .parquet.")],
    source: Annotated[str, typer.Option(help="auto, folder, csv, fer2013 or npz.")] = "auto",
    labels: _Labels = None,
    label: Annotated[
        str | None,
        typer.Option(help="csv, npz: column or array of labels. fer2013, npz: ferplus (the votes)."),
    ] = None,
    image: Annotated[str | None, typer.Option(help="csv, npz: column or array of pictures.")] = None,
    images: Annotated[Path | None, typer.Option(help="csv: folder that its paths start from.")] = None,
    votes: Annotated[Path | None, typer.Option(help="fer2013: the FER+ file, when it is not beside the CSV.")] = None,
    subject_from: Annotated[
        str | None,
        typer.Option(help=r"folder, csv: regular expression for the person in a file name, e.g. '^(.+)_\d+'."),
    ] = None,
    domain: Annotated[str, typer.Option(help="Written into every row.")] = "",
    origin: Annotated[str, typer.Option(help="Written into every row: real, enhanced or synthetic.")] = "",
    as_json: _Json = False,
) -> None:
    """Read a data set and write its manifest."""
    from mien.data.sources import scan as read_source

    given = {"label": label, "image": image, "images": images, "votes": votes, "subject_from": subject_from}
    options = {name: value for name, value in given.items() if value is not None}
    notes: list[str] = []
    with bar("reading", is_quiet=as_json) as step:
        manifest = read_source(
            path,
            out,
            source=source,
            labels=_labels(labels),
            domain=domain,
            origin=origin,
            say=notes.append,
            progress=lambda done, total: step("reading", done, total),
            **options,
        )
    _written(manifest, out, notes, as_json)


@app.command()
def split(
    data: _Manifest,
    out: Annotated[Path | None, typer.Option(help="Manifest to write; by default the same file.")] = None,
    shares: Annotated[str, typer.Option(help="Share of each split.")] = "train=0.8,val=0.1,test=0.1",
    of: Annotated[str, typer.Option(help="Deal the rows of this split, e.g. train; by default rows without one.")] = "",
    again: Annotated[bool, typer.Option("--all", help="Deal all rows, whatever split they have.")] = False,
    group: Annotated[str, typer.Option(help="Columns whose values stay together, e.g. subject or subject,video.")] = "",
    by: Annotated[str, typer.Option(help="Give values of a column to splits: domain:press=test,web=train.")] = "",
    seed: _Seed = 0,
    as_json: _Json = False,
) -> None:
    """Deal rows to splits: stratified by label, groups kept whole, given splits kept."""
    from mien.data.split import ALL, split_by
    from mien.data.split import split as deal
    from mien.errors import InputError
    from mien.manifest import Manifest

    manifest = Manifest.load(data)
    if by:
        column, colon, pairs = by.partition(":")
        if not colon:
            raise InputError(f"--by {by}: expected column:value=split,value=split, e.g. domain:press=test,web=train")
        manifest = split_by(manifest, column, _pairs("--by", pairs))
    else:
        try:
            parts = {name: float(value) for name, value in _pairs("--shares", shares).items()}
        except ValueError:
            raise InputError(f"--shares {shares}: expected numbers, e.g. train=0.8,val=0.2") from None
        groups = [name for name in group.split(",") if name]
        manifest = deal(manifest, parts, of=ALL if again else of, group=groups, seed=seed)
    manifest.save(out or data)
    _written(manifest, out or data, [], as_json)


@app.command()
def merge(
    manifests: Annotated[
        list[str], typer.Argument(help="Manifests; NAME=MANIFEST fills the column domain: web=a.csv press=b.csv.")
    ],
    out: Annotated[Path, typer.Option(help="Manifest to write, .csv or .parquet.")],
    as_json: _Json = False,
) -> None:
    """Put the rows of several manifests into one."""
    from mien.errors import InputError
    from mien.manifest import Manifest

    if len(manifests) < 2:
        raise InputError(f"nothing to merge {manifests[0]} with: name two manifests or more")
    parts = []
    for text in manifests:
        name, equals, path = text.partition("=")
        part = Manifest.load(path if equals else text)
        parts.append(part.with_columns(domain=name) if equals else part)
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    merged.save(out)
    _written(merged, out, [], as_json)


@app.command()
def stats(
    data: _Manifest,
    sample: Annotated[int, typer.Option(help="Pictures opened to tell sizes and colour.", min=0)] = 500,
    as_json: _Json = False,
) -> None:
    """Count pictures by class, split and domain; sizes, votes, people."""
    from mien.data.stats import stats as count
    from mien.manifest import Manifest

    found = count(Manifest.load(data), sample=sample)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    print_table("class", found.classes, found.splits())
    if found.domains:
        print_table("domain", found.domains, list(found.classes))
    typer.echo(f"pictures: {found.rows}" + _few(found.origins, "; origin: "))
    if found.imbalance is not None:
        typer.echo(f"largest class / smallest class: {found.imbalance:.1f}")
    if found.subjects["people"]:
        typer.echo(f"people: {found.subjects['people']}, named in {found.subjects['rows']} rows")
    if found.sampled:
        typer.echo(
            f"of {found.sampled} opened: {found.grey:.0%} grey, {found.unreadable} unreadable"
            + _few(found.sizes_px, "; ")
        )
    if found.votes is not None:
        typer.echo(
            f"votes: {found.votes['votes_per_picture']:.1f} per picture, "
            f"entropy {found.votes['entropy_bits']:.2f} bits, "
            f"more than half agree on {found.votes['more_than_half_agree']:.1%}"
        )


@app.command()
def boxes(
    data: _Manifest,
    out: Annotated[Path, typer.Option(help="Manifest to write, .csv or .parquet.")],
    detector: Annotated[str, typer.Option(help="Which detector finds the faces.")] = "libfacedetection",
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default one per core.", min=1)] = None,
    as_json: _Json = False,
) -> None:
    """Find the face in each picture, for training on photographs. Rows without one are left out and told."""
    from mien.data.boxes import locate
    from mien.manifest import Manifest

    with bar("looking", is_quiet=as_json) as step:
        found = locate(
            Manifest.load(data),
            detector,
            threads=threads,
            progress=lambda done, total: step("looking for faces", done, total),
        )
    found.manifest.save(out)
    notes = [f"left out: {problem}" for problem in found.problems.values()]
    if found.crowded:
        several = "picture has" if len(found.crowded) == 1 else "pictures have"
        notes.append(f"{len(found.crowded)} {several} more than one face, the largest counts: {found.crowded[0]} ...")
    _written(found.manifest, out, notes, as_json)


app.command()(audit)
app.command()(suspects)
app.command()(frames)


@app.command()
def sheet(
    data: _Manifest,
    out: Annotated[Path, typer.Option(help="Picture to write, .png or .jpg.")],
    per_class: Annotated[int, typer.Option(help="Pictures of each class.", min=1)] = 16,
    tile_px: Annotated[int, typer.Option(help="Side of each picture.", min=16)] = 72,
    seed: _Seed = 0,
) -> None:
    """Draw a random sample of each class on one contact sheet."""
    from mien.images import write
    from mien.manifest import Manifest
    from mien.report.pictures import class_sheet

    write(out, class_sheet(Manifest.load(data), per_class=per_class, tile_px=tile_px, seed=seed))
    typer.echo(f"written: {out}")


@app.command()
def toy(
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    count: Annotated[int, typer.Option(help="Pictures.", min=1)] = 2000,
    labels: _Labels = None,
    size_px: Annotated[int, typer.Option(help="Side of the pictures.", min=16)] = 48,
    subjects: Annotated[int, typer.Option(help="People.", min=1)] = 50,
    domains: Annotated[int, typer.Option(help="Looks: studio, webcam, comic, night.", min=1, max=4)] = 1,
    folders: Annotated[bool, typer.Option("--folders", help="One PNG per picture in class folders.")] = False,
    seed: _Seed = 0,
    as_json: _Json = False,
) -> None:
    """Draw cartoon faces with known labels: a data set to try every command with."""
    from mien.data.toy import draw

    with bar("drawing", is_quiet=as_json) as step:
        manifest = draw(
            out,
            count,
            labels=_labels(labels),
            size_px=size_px,
            subjects=subjects,
            domains=domains,
            seed=seed,
            as_folders=folders,
            progress=lambda done, total: step("writing", done, total),
        )
    _written(manifest, out / "faces.csv", [], as_json)


def _labels(text: str | None) -> Labels | None:
    from mien.labels import Labels

    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    return Labels(tuple(names)) if len(names) > 1 else Labels.named(text.strip())


def _pairs(option: str, text: str) -> dict[str, str]:
    from mien.errors import InputError

    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not pairs or not all(equals and value.strip() for _, equals, value in pairs):
        raise InputError(f"{option} {text}: expected name=value,name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _written(manifest: Manifest, out: Path, notes: list[str], as_json: bool) -> None:
    from mien.data.stats import stats as count

    found = count(manifest, sample=0)
    if as_json:
        about = {"manifest": str(out), "digest": manifest.digest(), "rows": len(manifest), "notes": notes}
        print(json.dumps({**about, "labels": manifest.labels.id, "classes": found.classes}, indent=2))
        return
    for note in notes:
        typer.echo(note, err=True)
    print_table("class", found.classes, found.splits())
    typer.echo(f"written: {out} ({len(manifest)} pictures, {manifest.labels.id}, digest {manifest.digest()})")


def _few(counts: dict[str, int], before: str) -> str:
    return before + ", ".join(f"{name} ({count})" for name, count in counts.items()) if counts else ""
