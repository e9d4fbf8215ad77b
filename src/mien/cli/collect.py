"""``mien collect``: search for videos, and download what may be downloaded."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.progress import bar

if TYPE_CHECKING:
    from mien.collect.download import Result
    from mien.collect.search import Found

app = typer.Typer(help="Search for videos, and download those that you have the right to.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def search(
    queries: Annotated[
        list[str] | None,
        typer.Argument(help="What to search for; CATEGORY=WORDS fills the column category: angry='angry reaction'."),
    ] = None,
    out: Annotated[Path, typer.Option(help="CSV of the videos.")] = Path("videos.csv"),
    table: Annotated[Path | None, typer.Option(help="CSV with a column query, and category or not.")] = None,
    most: Annotated[int, typer.Option("--max", help="Videos of each query at most.", min=1)] = 50,
    licence: Annotated[str, typer.Option(help="creativeCommon, youtube or any.")] = "creativeCommon",
    shortest: Annotated[float | None, typer.Option(help="Seconds at least.", min=0)] = None,
    longest: Annotated[float | None, typer.Option(help="Seconds at most.", min=0)] = None,
    after: Annotated[str, typer.Option(help="Published on this day or later: 2025-12-31.")] = "",
    before: Annotated[str, typer.Option(help="Published before this day.")] = "",
    language: Annotated[str, typer.Option(help="Prefer results in a language: en.")] = "",
    region: Annotated[str, typer.Option(help="Only what can be seen in a country: DE.")] = "",
    definition: Annotated[str, typer.Option(help="any, high or standard.")] = "any",
    order: Annotated[str, typer.Option(help="relevance, date, viewCount, rating or title.")] = "relevance",
    quota: Annotated[int, typer.Option(help="Units to spend: a search costs 100, details 1.", min=1)] = 10_000,
    as_json: _Json = False,
) -> None:
    """Search YouTube; the key comes from the environment variable YOUTUBE_API_KEY.

    Exit code 1 when the quota ended before the search; the same command goes on.
    """
    from mien.collect.api import YouTube
    from mien.collect.search import Query, Wanted, read_queries
    from mien.collect.search import search as run

    asked = [Query.parse(text) for text in queries or []] + ([] if table is None else read_queries(table))
    wanted = Wanted(licence, shortest, longest, after, before, language, region, definition, order)
    try:
        with YouTube(quota) as youtube, bar("videos", is_quiet=as_json) as step:
            found = run(asked, out, wanted, most=most, youtube=youtube, progress=step)
    except KeyboardInterrupt:
        print("mien: stopped; the same command goes on with the next page", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        about = {"table": None if found.stopped else str(out), "units": found.units, "searches": found.searches}
        videos = [asdict(video) for video in found.videos]
        print(json.dumps({**about, "stopped": found.stopped, "left": found.left, "videos": videos}, indent=2))
    else:
        _tell(found, out, len(asked))
    raise typer.Exit(found.stopped is not None)


@app.command()
def download(
    listing: Annotated[Path, typer.Argument(help="CSV of a search, or any with a column url.")],
    out: Annotated[Path, typer.Option(help="Folder for the videos and downloads.csv; the same call goes on there.")],
    right: Annotated[
        bool,
        typer.Option("--i-have-the-right", help="You have the right to; without it the command says what that means."),
    ] = False,
    any_licence: Annotated[
        bool, typer.Option("--any-licence", help="Also videos whose licence is not known to be an open one.")
    ] = False,
    tallest: Annotated[int, typer.Option(help="Pixels of height at most, of the versions there are.", min=16)] = 720,
    largest: Annotated[str, typer.Option(help="Leave larger files out: 500M.")] = "",
    longest: Annotated[float | None, typer.Option(help="Leave longer videos out, in seconds.", min=0)] = None,
    rate: Annotated[str, typer.Option(help="Bytes per second at most: 2M.")] = "",
    sleep: Annotated[float, typer.Option(help="Seconds between two videos.", min=0)] = 5.0,
    as_json: _Json = False,
) -> None:
    """Download videos, without sound where it can be left out. Exit code 1 when one failed; the others are done."""
    from mien.collect.download import TABLE
    from mien.collect.download import download as run
    from mien.collect.fetch import Limits

    limits = Limits(tallest, _bytes("--largest", largest), longest, _bytes("--rate", rate), any_licence)
    try:
        with bar("videos", is_quiet=as_json) as step:
            results = run(
                listing,
                out,
                limits,
                has_right=right,
                pause_s=sleep,
                progress=step,
                say=lambda text: typer.echo(text, err=True),
            )
    except KeyboardInterrupt:
        print(f"mien: stopped; {out / TABLE} has the videos that were tried, the same command goes on", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"table": str(out / TABLE), "videos": [result.row() for result in results]}, indent=2))
    else:
        _report(results, out / TABLE)
    raise typer.Exit(any(result.status == "failed" for result in results))


def _tell(found: Found, out: Path, queries: int) -> None:
    from mien.cli.tables import print_table

    counts: dict[str, dict[str, int]] = {}
    for video in found.videos:
        row = counts.setdefault(video.category or "(none)", {"videos": 0, "minutes": 0})
        row["videos"] += 1
        row["minutes"] += video.duration_s
    for row in counts.values():
        row["minutes"] = round(row["minutes"] / 60)
    print_table("category", counts, ["videos", "minutes"])
    if found.unclear:
        typer.echo(f"{found.unclear} videos were found for several categories (category has all of them, as in a|b)")
    typer.echo(f"quota: {found.searches} searches, {found.units:,} units")
    if found.stopped:
        typer.echo(f"stopped: {found.stopped}")
        typer.echo(
            f"{found.left} of {queries} queries are not done. The same command goes on where this one stopped, "
            f"tomorrow or with another --quota; a smaller --max ends it with fewer. {out} is written when all are done."
        )
    else:
        typer.echo(f"written: {out} ({len(found.videos)} videos)")
        name = quote(str(out))
        typer.echo(
            f"next: look at it, delete rows that you do not want, then mien collect download {name} --out videos"
        )


def _report(results: list[Result], table: Path) -> None:
    counts = Counter(result.status for result in results)
    size = sum(result.size_bytes for result in results)
    for result in results:
        if result.status == "failed":
            typer.echo(f"failed: {result.link.url}: {result.reason}")
    skipped = Counter(result.reason for result in results if result.status == "skipped")
    for reason, count in skipped.most_common(10):
        typer.echo(f"skipped: {count} ({reason})")
    typer.echo(f"written: {table} ({counts['ok']} ok, {counts['skipped']} skipped, {counts['failed']} failed)")
    if counts["ok"]:
        minutes = sum(result.seconds or 0 for result in results) / 60
        typer.echo(f"in the folder: {size / 1e6:,.1f} MB, {minutes:.1f} minutes")
        folder, about = quote(str(table.parent)), quote(str(table))
        typer.echo(f"next: mien data frames {folder} --out faces --about {about} --domain web")


def _bytes(option: str, text: str) -> int | None:
    """``2M`` as 2,097,152; None for nothing."""
    from mien.errors import InputError

    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)i?[bB]?", text.strip())
    if match is None or float(match[1]) <= 0:
        raise InputError(f"{option} {text}: expected bytes such as 800K, 2M or 1.5G")
    power: int = " kmg".index(match[2].lower() or " ")
    return int(float(match[1]) * 1024**power)
