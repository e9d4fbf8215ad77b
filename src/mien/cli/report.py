"""``mien report``: everything about a model, or several side by side, as one HTML file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def report(
    sources: Annotated[list[str], typer.Argument(help="Run folders, models (name or file) or saved scores (.npz).")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Manifest: what is measured, where the pictures are, the data card.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Measure on this split; by default all rows.")] = None,
    scores: Annotated[
        list[Path] | None, typer.Option(help="Saved scores of these models, so that nothing runs; repeatable.")
    ] = None,
    audit: Annotated[Path | None, typer.Option(help="What `mien data audit --out audit.json` wrote.")] = None,
    out: Annotated[Path, typer.Option(help="The file, .html.")] = Path("report.html"),
    pictures: Annotated[bool, typer.Option(help="Show faces; a report with faces may not be yours to share.")] = True,
    title: Annotated[str, typer.Option(help="Of the page; by default the models' names.")] = "",
    bootstrap: Annotated[int, typer.Option(help="Draws for the 95 % intervals; 0 for none.", min=0)] = 1000,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a report: numbers, curves, confusions, calibration, examples, data, recipe. One file, no network."""
    from mien.cli.progress import bar
    from mien.errors import InputError
    from mien.manifest import Manifest
    from mien.report.exhibit import exhibit
    from mien.report.html import write_report
    from mien.scores import Scores

    if split is not None and data is None:
        raise InputError(f"--split {split} without --data: name the manifest")
    manifest = None if data is None else Manifest.load(data)
    saved = [Scores.load(path) for path in scores or []]
    found_audit = None if audit is None else _audit(audit)
    with bar("reading", is_quiet=as_json) as step:
        exhibits = [
            exhibit(
                source,
                saved=saved,
                manifest=manifest,
                split=split,
                pictures=pictures,
                explainer=_explainer if pictures else None,
                threads=threads,
                draws=bootstrap,
                progress=step,
            )
            for source in sources
        ]
    used = {each.evaluation.scores.model for each in exhibits if each.evaluation}
    unused = [str(path) for path, each in zip(scores or [], saved, strict=True) if each.model not in used]
    if unused:
        raise InputError(
            f"--scores {unused[0]}: not of one of these models; `mien evaluate MODEL MANIFEST --out` makes them"
        )
    write_report(exhibits, out, manifest=manifest, audit=found_audit, title=title)
    size = out.stat().st_size
    if as_json:
        about = [{"name": each.name, "source": each.source, "remarks": list(each.remarks)} for each in exhibits]
        print(json.dumps({"report": str(out), "bytes": size, "models": about}, indent=2))
        return
    for each in exhibits:
        for remark in each.remarks:
            typer.echo(f"! {each.name}: {remark}")
    if any(each.examples for each in exhibits):
        typer.echo(
            "! The report holds pictures of faces: share it only where their rights allow it, or use --no-pictures."
        )
    typer.echo(f"written: {out} ({size / 1e6:.1f} MB)")


def _explainer(run: Any) -> Any:
    """Grad-CAM of a run; torch loads here, and only for a report with pictures of a run."""
    from mien.train.saliency import Saliency

    return Saliency(run)


def _audit(path: Path) -> dict[str, Any]:
    from mien.errors import InputError

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such audit; `mien data audit MANIFEST --out audit.json` writes one") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: this is no audit; `mien data audit MANIFEST --out audit.json` writes one")
    return found
