"""``mien export``: the chosen weights of a run to a model file, and a model file to a smaller one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any, cast

import typer


def export(
    source: Annotated[
        str, typer.Argument(help="Run folder of mien train; or, with --precision, a model: file or name.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Of a run in full precision: copy the model here as well; else: write it here."),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, int8 (a quarter of the size, quicker) or fp16 (half the size).")
    ] = "float32",
    data: Annotated[
        Path | None, typer.Option(help="Manifest whose faces set the ranges of int8 numbers, and compare.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split that the calibration faces are drawn from.")] = "train",
    calibrate: Annotated[int, typer.Option(help="How many faces calibrate.", min=1)] = 512,
    float_first: Annotated[
        int | None,
        typer.Option(
            help="Convolutions at the beginning that stay float32 in an int8 file: more of them lose less and take "
            "longer. By default the one that reads the picture, and a depthwise one right behind it.",
            min=1,
        ),
    ] = None,
    check: Annotated[str, typer.Option(help="Split on which the two files are compared.")] = "val",
    max_loss: Annotated[float, typer.Option(help="Refuse a file that loses more points of accuracy than this.")] = 0.5,
    prior: Annotated[
        str | None,
        typer.Option(
            help="Write into the card which shares the classes had in training: its manifest, or happy=0.4,sad=0.6. "
            "A run of today says so by itself. Of a model without --out the file is changed in place."
        ),
    ] = None,
    detector: Annotated[str, typer.Option(help="How faces are found in rows without a box.")] = "whole",
    seed: Annotated[int, typer.Option(help="Seed of the draw.", min=0)] = 0,
    threads: Annotated[int | None, typer.Option(help="CPU threads; by default all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write a model file with its card inside, checked against what it was made from."""
    from mien.errors import InputError, need

    if precision not in ("float32", "int8", "fp16"):
        raise InputError(f"--precision {precision}: expected float32, int8 or fp16")
    if float_first is not None and precision != "int8":
        raise InputError(f"--float-first {float_first}: is for --precision int8; this is {precision}")
    is_whole, is_model = precision == "float32", not Path(source).is_dir() and _is_model(source)
    if is_whole and is_model and prior is None:
        raise InputError(f"{source}: is a model file already; --precision int8 or fp16 makes a smaller one of it")
    written, difference = (Path(source), 0.0) if is_model else _export_run(source)
    if prior is not None and not is_model:
        _write_prior(written, prior)
    if is_whole:
        if is_model:
            from mien.runtime.models import locate

            written = locate(source)
        if out is not None:
            _copy(written, out)
        written = out or written
        result: dict[str, Any] = {} if is_model else {"parity": difference}
        said = "its card changed" if is_model else f"logits differ from the trained net by at most {difference:.1e}"
    else:
        need("onnx", "lab", "making a smaller file")
        from mien.cli.progress import bar
        from mien.manifest import Manifest
        from mien.train.precision.convert import Faces, Precision, convert

        faces = None if data is None else Faces(Manifest.load(data), split, calibrate, check, detector, seed)
        original = str(written)
        written = out or written.with_name(f"{written.stem}-{precision}.onnx")
        with bar("reading", is_quiet=as_json) as step:
            found = convert(
                original,
                written,
                cast(Precision, precision),
                faces,
                first=float_first,
                max_loss=max_loss,
                threads=threads,
                progress=step,
            )
        result, said = {"precision": precision, **found.to_dict()}, f"{precision}; {found}"
    if prior is not None and is_model:
        _write_prior(written, prior)
    size = written.stat().st_size
    if as_json:
        print(json.dumps({"model": str(written), "bytes": size, **result}))
    else:
        typer.echo(f"{written}: {size / 1e6:.1f} MB, {said}")


def _is_model(source: str) -> bool:
    """True for a file, the name of one, and what can only be meant as one."""
    from mien.runtime.models import available

    return Path(source).is_file() or Path(source).suffix == ".onnx" or source in available()


def _export_run(source: str) -> tuple[Path, float]:
    from mien.errors import need
    from mien.rundir import RunDir

    need("torch", "lab", "exporting a run")
    from mien.train.release import export_run

    folder = RunDir(source)
    return folder.model, export_run(folder)


def _copy(model: Path, to: Path) -> None:
    from mien.atomic import writing

    with writing(to) as temporary:
        shutil.copyfile(model, temporary)


def _write_prior(model: Path, given: str) -> None:
    """Shares of the classes, as pairs or those of a manifest, into a card."""
    from mien.evaluate.stamp import change_card
    from mien.runtime.biases import pairs
    from mien.runtime.network import Network

    card = Network(model, threads=1).card
    if given.endswith((".csv", ".parquet")):
        from mien.errors import need
        from mien.manifest import Manifest

        need("torch", "lab", "knowing what a training showed")
        from mien.train.prior import taught_by

        shares = taught_by(Manifest.load(given), card)
    else:
        counts = dict.fromkeys(card.classes, 0.0)
        for name, share in pairs(given.split(","), "prior").items():
            counts[card.classes[card.labels.index(name)]] = share
        total = sum(counts.values()) or 1.0
        shares = tuple(round(count / total, 6) for count in counts.values())
    change_card(model, prior=shares)
