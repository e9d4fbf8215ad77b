"""``mien models show`` and ``mien models card``: what a model file says of itself, for people, programs and pages."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mien.card import Card
    from mien.runtime.shelf import Entry

#: Width of the names beside the values.
INDENT = 16


def show(
    model: Annotated[str, typer.Argument(help="Name or path of a model.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole card as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a model card as Markdown.")] = False,
) -> None:
    """Show a model's card: what it answers, how it was measured, what it is for and what not."""
    from mien.errors import InputError
    from mien.runtime.examine import look
    from mien.runtime.shelf import digest_of, find

    if as_json and as_markdown:
        raise InputError("--json and --markdown: choose one")
    entry = find(model)
    found = look(entry.path).card  # a detector has none
    if as_markdown:
        typer.echo(_markdown(entry, found), nl=False)
        return
    digest, size = digest_of(entry.path), entry.path.stat().st_size
    record = entry.record
    if as_json:
        about: dict[str, Any] = {"path": str(entry.path), "sha256": digest, "bytes": size, "shipped": entry.is_shipped}
        if record is not None:
            about |= {"source": record.source, "added": record.added.isoformat()}
        print(json.dumps({**about, **(found.model_dump(mode="json") if found else {"kind": "detector"})}, indent=2))
        return
    if found is None:
        _say("name", entry.name)
        _say("kind", "detector: a YuNet, which carries no card; it finds boxes and five landmarks of faces")
    else:
        for name, value in _about(found):
            _say(name, value)
    _say("file", f"{entry.path} ({size / 1e6:.1f} MB)")
    _say("sha256", digest)
    if record is not None:
        _say("added", f"{record.added} from {record.source}")


def card(
    model: Annotated[str, typer.Argument(help="Name or path of a model.")] = "default",
    out: Annotated[Path | None, typer.Option(help="Markdown file to write; by default it is printed.")] = None,
) -> None:
    """Write a model's card as Markdown: only what was measured; what was not is named."""
    from mien.atomic import write_text
    from mien.runtime.session import Opened
    from mien.runtime.shelf import find

    entry = find(model)
    text = _markdown(entry, Opened(entry.path, threads=1).card)
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)
    typer.echo(f"written: {out}")


def _markdown(entry: Entry, found: Card | None) -> str:
    from mien.errors import ModelError
    from mien.report.enhancer_card import enhancer_card
    from mien.report.generator_card import generator_card
    from mien.report.model_card import model_card
    from mien.runtime.network import Network
    from mien.runtime.session import Opened

    if found is None:
        raise ModelError(
            f"{entry.path}: a detector's file says nothing of itself, so there is no model card; "
            f"`mien models show {entry.name}` tells what there is"
        )
    if found.kind == "recognizer":
        return model_card(Network(entry.path, threads=1))
    write = enhancer_card if found.kind == "enhancer" else generator_card
    return write(Opened(entry.path, threads=1))


def _say(name: str, value: str) -> None:
    """One fact, folded on a screen and whole in a pipe."""
    width = shutil.get_terminal_size().columns - INDENT if sys.stdout.isatty() else 0
    lines = textwrap.wrap(value, width, break_long_words=False) if width > 20 else [value]
    for number, line in enumerate(lines or [""]):
        typer.echo(f"{'' if number else name:<{INDENT}}{line}")


def _about(found: Card) -> Iterator[tuple[str, str]]:
    """Name and value of everything in a card but its recipe."""
    yield "name", found.name
    if found.description:
        yield "what", found.description
    yield "kind", found.kind
    yield from {"recognizer": _recognizer, "enhancer": _enhancer, "generator": _generator}[found.kind](found)
    yield "licence", found.licence
    data = found.data.get("rows")
    if isinstance(data, Mapping):
        counts = ", ".join(f"{split or 'without a split'} {count:,}" for split, count in data.items())
        yield "data", f"{counts} pictures"
    yield "of its data", found.data_licence
    for start in found.data.get("begun_with", ()):
        yield "began with", f"{start['name']} (licence of its data: {start.get('data_licence', 'not stated')})"
    yield "meant for", found.intended_use
    yield "not for", found.forbidden_use
    for name, value in found.metrics.items():
        yield from _numbers(name, value)
    if found.versions:
        yield "made with", ", ".join(f"{name} {version}" for name, version in found.versions.items())


def _recognizer(found: Card) -> Iterator[tuple[str, str]]:
    prepare = found.preprocess
    shift = f", centre moved down by {prepare.shift:g} of its side" if prepare.shift else ""
    yield "classes", f"{', '.join(found.classes)} ({found.label_set})"
    yield "input", f"{_input(found)}, margin {prepare.margin:g}{shift}"
    if found.members:
        yield "fused of", ", ".join(found.members)
    yield "mirror image", "averaged" if found.flip else "not used"
    added = [f"{name} {bias:+.2f}" for name, bias in zip(found.classes, found.biases, strict=False) if bias]
    if added:
        yield "added to logits", ", ".join(added)
    if found.prior:
        shares = (f"{name} {share:.1%}" for name, share in zip(found.classes, found.prior, strict=True))
        yield "learned from", ", ".join(shares)
    if found.precision != "float32":
        yield "computes in", found.precision
    yield "temperature", f"{found.temperature:g}"
    yield "abstains below", f"{found.threshold:g}"


def _enhancer(found: Card) -> Iterator[tuple[str, str]]:
    works_on = "luminance" if found.preprocess.channels == 1 else "RGB"
    yield "enlarges", f"x{found.scale}; {works_on}; trained on {found.preprocess.size_px} px, takes any size"


def _generator(found: Card) -> Iterator[tuple[str, str]]:
    yield "classes", ", ".join(found.classes) or "none: it draws faces of any kind"
    yield "draws", f"faces of {_input(found)}"


def _input(found: Card) -> str:
    return f"{found.preprocess.size_px} px, {'grey' if found.preprocess.channels == 1 else 'RGB'}"


def _numbers(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What was measured on one split, by one rule, with one method: a line of plain values, then its parts."""
    if not isinstance(value, Mapping):
        yield name, str(value)
        return
    intervals = value.get("intervals") or {}
    plain = []
    for key, found in value.items():
        if key == "intervals" or isinstance(found, (Mapping, list)) or found is None:
            continue
        ends = intervals.get(key)
        between = f" ({_number(ends['low'])} to {_number(ends['high'])})" if ends else ""
        plain.append(f"{key.replace('_', ' ')} {_number(found)}{between}")
    yield name, ", ".join(plain)
    for key, found in value.items():
        if key == "intervals":
            continue
        if isinstance(found, Mapping):
            yield from _numbers(f"  {key.replace('_', ' ')}", found)
        elif isinstance(found, list):
            yield f"  {key.replace('_', ' ')}", "; ".join(map(str, found))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
