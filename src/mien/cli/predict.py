"""``mien predict``: pictures, folders and patterns to perceived expressions."""

from __future__ import annotations

import csv
import glob
import io
import itertools
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from mien.runtime.recognizer import Recognizer
    from mien.runtime.stream import Answer

#: Rows that the table on the screen shows; --json, --output and --annotated have them all.
SHOWN = 200


def predict(
    sources: Annotated[list[str], typer.Argument(help="Pictures, folders or patterns such as 'photos/*.jpg'.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Name or path; repeat it to average several models.")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="How faces are found; 'whole' when each picture is one face.")
    ] = None,
    labels: Annotated[str | None, typer.Option(help="Answer over these classes, e.g. fer7.")] = None,
    flip: Annotated[
        bool | None, typer.Option("--flip/--no-flip", help="Average each face with its mirror image, or not.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Abstain below this confidence (0 to 1).")] = None,
    bias: Annotated[
        list[str] | None,
        typer.Option(
            help="What the probability of a class is multiplied by: angry=4.5,neutral=2.8 (or repeated, or further "
            "words); or a file of mien bias. Instead of the biases in the model's card."
        ),
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="Folder for pictures with boxes and answers, or the file for one.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File for all results: .json, .jsonl or .csv.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of the network.", min=1)] = None,
    batch_size: Annotated[int, typer.Option(help="Faces per run of the network.", min=1)] = 32,
    top: Annotated[int | None, typer.Option(help="Show only so many of the likeliest classes.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Read the expression that people would see in every face.

    A file that cannot be read, and a picture without a face, becomes a row with its reason; the others are answered
    all the same. Exit code 2 only when no picture at all could be read.
    """
    from mien.faces import DEFAULT
    from mien.runtime.biases import Biases
    from mien.runtime.models import DEFAULT as DEFAULT_MODEL
    from mien.runtime.recognizer import Recognizer

    if output is not None:
        _check_suffix(output)
    biases = None
    if bias:
        sources, further = _split_off_biases(sources)
        biases = Biases.parse([*bias, *further])
    paths = list(_expand(sources))
    if annotated is not None:
        _check_annotated(annotated, len(paths))
    recognizer = Recognizer(
        model or DEFAULT_MODEL,
        detector=detector or DEFAULT,
        labels=labels,
        flip=flip,
        threshold=threshold,
        threads=threads,
        batch_size=batch_size,
        biases=biases,
    )
    answers = _run(recognizer, paths, is_quiet=as_json)
    if annotated is not None:
        _annotate(answers, annotated)
    content: dict[str, Any] = {
        "model": [network.card.name for network in recognizer.networks],
        "labels": list(recognizer.labels),
    }
    if biases is not None:
        content["biases"] = {"factors" if biases.are_factors else "logits": dict(biases.values)}
    content["pictures"] = [answer.to_dict() for answer in answers]
    if output is not None:
        _write(output, content, answers)
    if as_json:
        print(json.dumps(content, indent=2))
    else:
        _show(recognizer, answers, [path for path in (annotated, output) if path is not None], top)
    if all(answer.error for answer in answers):
        sys.exit(2)


def _split_off_biases(sources: list[str]) -> tuple[list[str], list[str]]:
    """The words after ``--bias angry=4.5 neutral=2.8`` come as sources; no picture has such a name."""
    further = [word for word in sources if re.fullmatch(r"[^=/]+=[-+.\deE]+", word) and not os.path.exists(word)]
    rest = [word for word in sources if word not in further]
    if not rest:
        from mien.errors import InputError

        raise InputError(f"no picture among {' '.join(sources)}: name pictures, folders or patterns")
    return rest, further


def _check_suffix(path: Path) -> None:
    from mien.errors import InputError

    if path.suffix not in (".json", ".jsonl", ".csv"):
        raise InputError(f"--output {path}: the name must end with .json, .jsonl or .csv")


def _check_annotated(path: Path, count: int) -> None:
    from mien.errors import InputError
    from mien.images import SUFFIXES

    if path.suffix.lower() in SUFFIXES and not path.is_dir() and count != 1:
        raise InputError(f"--annotated {path}: one file for {count} pictures; give a folder")


def _expand(sources: Sequence[str]) -> Iterator[str]:
    """Files stay, folders become the pictures below them, patterns what they match; each file once."""
    from mien.errors import InputError
    from mien.images import find

    seen: set[str] = set()
    for source in sources:
        if os.path.isdir(source):
            found = [str(path) for path in find(source)]
            if not found:
                raise InputError(f"{source}: a folder without pictures")
        elif any(sign in source for sign in "*?[") and not os.path.exists(source):
            found = [path for path in sorted(glob.glob(source, recursive=True)) if os.path.isfile(path)]
            if not found:
                raise InputError(f"{source}: matches no file")
        else:
            found = [source]
        for path in found:
            if path not in seen:
                seen.add(path)
                yield path


def _run(recognizer: Recognizer, paths: list[str], is_quiet: bool) -> list[Answer]:
    from rich.console import Console
    from rich.progress import track

    stream = recognizer.stream(paths)
    if len(paths) < 10:
        return list(stream)
    console = Console(stderr=True)
    bar = track(stream, "reading faces", total=len(paths), console=console, transient=True, disable=is_quiet)
    return list(bar)


def _annotate(answers: Sequence[Answer], target: Path) -> None:
    """Draw every picture that could be read; names keep the source's, with a number where two are alike."""
    from mien.images import SUFFIXES, read, write
    from mien.runtime.draw import annotate

    is_file = target.suffix.lower() in SUFFIXES and not target.is_dir()
    taken: set[str] = set()
    for answer in answers:
        if answer.error is not None:
            continue
        stem = Path(answer.source.replace(".npy#", "-")).stem
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name)
        write(target if is_file else target / f"{name}.jpg", annotate(read(answer.source), answer.readings))


def _write(path: Path, content: object, answers: Sequence[Answer]) -> None:
    from mien.atomic import write_text

    if path.suffix == ".json":
        write_text(path, json.dumps(content, indent=2) + "\n")
    elif path.suffix == ".jsonl":
        write_text(path, "".join(json.dumps(answer.to_dict()) + "\n" for answer in answers))
    else:
        write_text(path, _csv(answers))


def _csv(answers: Sequence[Answer]) -> str:
    """One row per face; one with a reason for a picture without."""
    names = next((reading.prediction.labels.names for answer in answers for reading in answer.readings), ())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "face", "x1", "y1", "x2", "y2", "label", "confidence", "abstained", "reason", *names])
    for answer in answers:
        for number, reading in enumerate(answer.readings, start=1):
            found = reading.prediction
            box = [round(float(value), 1) for value in reading.face.box]
            shares = [round(float(value), 6) for value in found.probabilities]
            label, confidence = found.label, round(found.confidence, 6)
            writer.writerow([answer.source, number, *box, label, confidence, found.is_abstained, "", *shares])
        if answer.reason:
            writer.writerow([answer.source, *[""] * 8, answer.reason, *[""] * len(names)])
    return text.getvalue()


def _show(recognizer: Recognizer, answers: Sequence[Answer], written: Sequence[Path], top: int | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    names = recognizer.labels.names
    is_narrow = console.width < 40 + sum(max(len(name), 4) + 2 for name in names)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("picture", no_wrap=True, overflow="ellipsis", min_width=8)
    table.add_column("face", justify="right", min_width=4)
    table.add_column("perceived", no_wrap=True, min_width=max(map(len, names)))
    table.add_column("conf.", justify="right", min_width=5)
    if top is None:
        for name in names:
            table.add_column(name[:4] if is_narrow else name, justify="right", style="dim", min_width=4)
    else:
        table.add_column("likeliest", style="dim")
    rows = list(itertools.islice(_rows(answers), SHOWN))
    name_of = _short_names([answer.source for answer in answers])
    for answer, number in rows:
        picture = Text(name_of[answer.source])  # as text: brackets in a name are no markup
        if number is None:
            table.add_row(picture, "–", Text("no answer", style="yellow"))
            continue
        found = answer.readings[number].prediction
        label = f"({found.label}?)" if found.is_abstained else found.label
        if top is not None:
            shares = [Text("  ".join(f"{name} {share:.0%}" for name, share in found.top(top)))]
        else:
            best = int(found.probabilities.argmax())
            shares = [
                Text(f"{share:.0%}", style="bold green" if index == best else "")
                for index, share in enumerate(found.probabilities)
            ]
        table.add_row(picture, str(number + 1), label, f"{found.confidence:.0%}", *shares)
    console.print(table)
    _tell(console, answers, rows, written)


def _rows(answers: Sequence[Answer]) -> Iterator[tuple[Answer, int | None]]:
    """One row per face, and one without a face for a picture that has no answer."""
    for answer in answers:
        yield from ((answer, number) for number in range(len(answer.readings)))
        if answer.reason:
            yield answer, None


def _tell(
    console: Console, answers: Sequence[Answer], rows: Sequence[tuple[Answer, int | None]], written: Sequence[Path]
) -> None:
    """Reasons, counts and files below the table."""
    from rich.text import Text

    faces = sum(len(answer.readings) for answer in answers)
    shown = sum(number is not None for _, number in rows)
    if shown < faces:
        console.print(f"… the first {shown} of {faces} faces; --output writes all of them")
    for answer, _ in rows:
        if answer.reason:
            hint = "" if answer.error else " (is the picture one face? then: --detector whole)"
            lead = "" if answer.source in answer.reason else f"{answer.source}: "
            console.print(Text(f"{lead}{answer.reason}{hint}", style="yellow"))
    counted = f"{_count(len(answers), 'picture')}, {_count(faces, 'face')}"
    unread = sum(answer.reason is not None for answer in answers)
    if unread:
        counted += f", {unread} without an answer"
    kept = f"   written: {', '.join(map(str, written))}" if written else ""
    console.print(Text(f"{counted}{kept}", style="dim"), soft_wrap=True)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _short_names(paths: Sequence[str]) -> dict[str, str]:
    """The names without the folder that all have in common."""
    folders = {os.path.dirname(path) for path in paths}
    try:
        base = os.path.commonpath(folders) if folders else ""
    except ValueError:  # absolute and relative paths, or two drives
        base = ""
    return {path: os.path.relpath(path, base) if base else path for path in paths}
