"""``mien export``: the chosen weights of a run to a model file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of mien train.")],
    out: Annotated[Path | None, typer.Option("--out", help="Copy the model here as well.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write a run's best weights as ONNX, with the card inside, and check it against the trained net."""
    from mien.atomic import writing
    from mien.errors import need
    from mien.rundir import RunDir

    need("torch", "lab", "exporting a run")
    from mien.train.release import export_run

    folder = RunDir(run)
    difference = export_run(folder)
    written = folder.model
    if out is not None:
        with writing(out) as temporary:
            shutil.copyfile(written, temporary)
        written = out
    if as_json:
        print(json.dumps({"model": str(written), "bytes": written.stat().st_size, "parity": difference}))
    else:
        size = written.stat().st_size / 1e6
        typer.echo(f"{written}: {size:.1f} MB, output differs from the trained net by at most {difference:.1e}")
