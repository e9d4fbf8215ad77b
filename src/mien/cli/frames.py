"""``mien data frames``: the faces in videos, as pictures and a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.progress import bar
from mien.cli.tables import print_table


def frames(
    sources: Annotated[list[Path], typer.Argument(help="Videos, and folders that are searched for them.")],
    out: Annotated[Path, typer.Option(help="Folder for faces/ and faces.csv; the same call goes on there.")],
    every: Annotated[str, typer.Option(help="Frames looked at: one of so many (5), or one in a time (1s).")] = "1s",
    scene: Annotated[
        float, typer.Option(help="Only frames that differ by this share from the one before: cuts change 0.1 to 0.4.")
    ] = 0.0,
    best: Annotated[
        float, typer.Option(help="Keep only the sharpest face of each so many seconds; 0 keeps all.")
    ] = 0.0,
    smallest_px: Annotated[int, typer.Option(help="Leave smaller faces out.", min=1)] = 40,
    sharpness: Annotated[float, typer.Option(help="Leave faces out that are less sharp (the column says it).")] = 0.0,
    margin: Annotated[float, typer.Option(help="Cut out more than the face: a share of its longer side.")] = 0.4,
    largest: Annotated[bool, typer.Option("--largest", help="Keep only the largest face of a frame.")] = False,
    detector: Annotated[str, typer.Option(help="Which detector finds the faces.")] = "libfacedetection",
    columns_from: Annotated[
        str | None,
        typer.Option(help="Regular expression on each video's path; its named groups become columns."),
    ] = None,
    about: Annotated[
        Path | None, typer.Option(help="CSV with a column video (path, name or stem); its others become columns.")
    ] = None,
    labels: Annotated[str | None, typer.Option(help="A known set (fer7 ...) or names in order.")] = None,
    domain: Annotated[str, typer.Option(help="Written into every row.")] = "",
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Cut the faces out of videos. Exit code 1 when a video is broken; what could be read of it is kept."""
    from dataclasses import asdict

    from mien.cli.scoring import labels_of
    from mien.data.frames import frames as run
    from mien.data.frames import read_about
    from mien.data.picking import Picking
    from mien.runtime.video import Every

    picking = Picking(Every.parse(every), scene, best, smallest_px, sharpness, margin, largest, detector)
    with bar("videos", is_quiet=as_json) as step:
        manifest, reports = run(
            sources,
            out,
            picking,
            columns_from=columns_from,
            about=None if about is None else read_about(about),
            labels=labels_of(labels),
            domain=domain,
            workers=workers,
            progress=step,
        )
    broken = [report for report in reports if report.problem]
    if as_json:
        print(json.dumps({"faces": len(manifest), "videos": [asdict(report) for report in reports]}, indent=2))
    else:
        print_table(
            "video",
            {
                report.video: {"seconds": round(report.seconds), "frames": report.frames, "faces": report.faces}
                for report in reports
            },
            ["seconds", "frames", "faces"],
        )
        for report in broken:
            typer.echo(f"problem: {report.problem}")
        typer.echo(f"written: {out / 'faces.csv'}, {len(manifest):,} faces from {len(reports)} videos")
    raise typer.Exit(bool(broken))
