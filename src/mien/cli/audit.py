"""``mien data audit``: what is wrong with a data set, and a manifest without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.progress import bar
from mien.cli.tables import print_table


def audit(
    data: Annotated[Path, typer.Argument(help="Manifest (.csv or .parquet).")],
    out: Annotated[Path | None, typer.Option(help="Write all findings, .csv or .json.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Draw findings on a contact sheet, .png or .jpg.")] = None,
    fix: Annotated[
        Path | None,
        typer.Option(
            "--fix",
            "--clean",
            help="Write a manifest without bad, repeated, leaking pictures, and beside it each change and its reason.",
        ),
    ] = None,
    conflicts: Annotated[
        str, typer.Option(help="Identical pictures with different labels: drop, or the label of the majority.")
    ] = "drop",
    reviewed: Annotated[
        Path | None, typer.Option(help="Suspects (.csv) whose column 'decision' says keep, drop or relabel; for --fix.")
    ] = None,
    aside: Annotated[
        Path | None, typer.Option(help="Write a manifest in which leaked val and test rows have the split 'leaked'.")
    ] = None,
    near: Annotated[bool, typer.Option(help="Look for near duplicates too.")] = True,
    limit: Annotated[int, typer.Option(help="Findings of each kind on the sheet.", min=1)] = 24,
    threads: Annotated[int | None, typer.Option(help="Threads that decode; all cores by default.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find damaged, blank, repeated, leaking and contradicting pictures. Exit code 1 when there are any."""
    from mien.data.audit import KINDS, set_aside
    from mien.data.audit import audit as examine
    from mien.data.fix import RULES
    from mien.data.fix import fix as mend
    from mien.errors import InputError
    from mien.manifest import Manifest
    from mien.table import did_you_mean

    if reviewed is not None and fix is None:
        raise InputError("--reviewed without --fix: name the manifest to write, e.g. --fix clean.csv")
    if conflicts not in RULES:
        raise InputError(f"--conflicts {conflicts}: {did_you_mean(conflicts, list(RULES))}")
    manifest = Manifest.load(data)
    with bar("reading", is_quiet=as_json) as step:
        result = examine(manifest, near=near, threads=threads, progress=step)
    written = [path for path in (out, sheet, aside) if path is not None]
    if out is not None:
        result.save(out, manifest)
    if sheet is not None and any(finding.rows for finding in result.findings):
        from mien.images import write
        from mien.report.pictures import audit_sheet

        write(sheet, audit_sheet(manifest, result, limit=limit))
    fixed: dict[str, int] = {}
    if fix is not None:
        mended = mend(manifest, result, conflicts=conflicts, reviewed=reviewed)
        written += [fix, mended.save(fix)]
        fixed = mended.counts()
    moved: dict[str, int] = {}
    if aside is not None:
        parted, moved = set_aside(manifest, result, near=near)
        parted.save(aside)
    leaks = result.leaks()
    if as_json:
        print(json.dumps({**result.to_dict(), "leaked": leaks, "fixed": fixed, "set_aside": moved}, indent=2))
        raise typer.Exit(1 if result.findings else 0)
    counts = result.counts()
    print_table("found", {kind: counts[kind] for kind in KINDS if counts[kind]["findings"]}, ["findings", "rows"])
    for finding in [*result.of("unreadable")[:5], *result.of("balance")]:
        typer.echo(f"{finding.kind}: {finding.why}")
    for line in leaks:
        typer.echo(
            f"{line['rows']} of {line['of']} pictures of {line['split']} are also in {line['against']} "
            f"({line['identical']} identical)"
        )
    for what, count in fixed.items():
        typer.echo(f"{what}: {count}")
    for split, count in moved.items():
        typer.echo(f"set aside: {count} of {split}")
    for file in written:
        if file.exists():
            typer.echo(f"written: {file}")
    if not result.findings:
        typer.echo(f"{len(result)} pictures, nothing found")
    raise typer.Exit(1 if result.findings else 0)
