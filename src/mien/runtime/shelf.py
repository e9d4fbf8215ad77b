"""What is on the shelf: the models that ship, and the user's own in the model store, which come and go here.

A model in the store is a file ``NAME.onnx``. Beside it, ``NAME.onnx.json`` records what it was when it was put there:
its SHA-256 and where it came from. A file that somebody copied there by hand has no record, and works all the same.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mien.atomic import write_text, writing
from mien.errors import ModelError
from mien.faces import yunet
from mien.runtime import models
from mien.runtime.address import check_digest, check_url
from mien.runtime.download import Limits, downloaded
from mien.runtime.examine import examine
from mien.runtime.room import telling_when_full
from mien.store import store_dir
from mien.table import did_you_mean

#: Names that verbs take for something else: ways to enlarge a picture without a network.
TAKEN = ("bicubic", "lanczos")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: How the detector `yunet` knows its file.
DETECTOR_PREFIX = "face_detection_yunet"
#: Below the store: downloads that are not whole yet. It may be deleted at any time.
DOWNLOADS = ".downloads"


class Record(BaseModel):
    """What a model was when it was put into the store.

    Attributes:
        sha256: of the file, hexadecimal.
        bytes: its size.
        kind: recognizer, enhancer, generator or detector.
        source: the file or address that it came from.
        added: day, UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int
    kind: str
    source: str
    added: date


@dataclass(frozen=True)
class Entry:
    """One model.

    Attributes:
        name: by which ``--model`` knows it.
        path: the file.
        is_shipped: whether it came with mien.
    """

    name: str
    path: Path
    is_shipped: bool

    @property
    def record(self) -> Record | None:
        """What was written down when it was added; None for what ships and for files that were copied by hand.

        Raises:
            ModelError: the record cannot be read.
        """
        place = _place_of_record(self.path)
        if self.is_shipped or not place.is_file():
            return None
        try:
            return Record.model_validate_json(place.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError):
            raise ModelError(f"{place}: not a record of mien; `mien models add --replace` writes a new one") from None


def shipped() -> list[Entry]:
    """What came with mien, the face detector's network included."""
    paths = [*sorted(models.SHIPPED.glob("*.onnx")), yunet.SHIPPED]
    return [Entry(path.stem, path, is_shipped=True) for path in paths]


def stored() -> list[Entry]:
    """The user's own, by name; also one of which only the record is left."""
    names = {path.stem for path in store_dir().glob("[!.]*.onnx")}
    names |= {path.name.removesuffix(".onnx.json") for path in store_dir().glob("[!.]*.onnx.json")}
    return [Entry(name, store_dir() / f"{name}.onnx", is_shipped=False) for name in sorted(names)]


def entries() -> list[Entry]:
    """All of them; one in the store hides a shipped one of the same name and comes after it here."""
    return [*shipped(), *stored()]


def find(model: models.Model) -> Entry:
    """A model by name or by path.

    Raises:
        ModelError: there is none.
    """
    by_name = {entry.name: entry for entry in entries()}
    if str(model) in by_name and not Path(model).is_file():
        return by_name[str(model)]
    path = models.locate(model)
    return next((entry for entry in entries() if _is_same(entry.path, path)), Entry(path.stem, path, is_shipped=False))


def add(path: str | os.PathLike[str], name: str | None = None, *, sha256: str = "", replace: bool = False) -> Entry:
    """Put a copy of a model file into the store.

    Args:
        path: the file. It is opened and run once, and has to do what its card says.
        name: by which it shall be known; by default the file's, for a ``model.onnx`` that of its card.
        sha256: what the file's digest has to be; empty = not compared.
        replace: put it in the place of one of the same name.

    Raises:
        ModelError: no such file, not a model, of another digest, or of a name that is taken.
        DownloadError: ``sha256`` is no digest.
        InputError: the disk is full.
    """
    path, wanted = Path(path), check_digest(sha256) if sha256 else ""
    if not path.is_file():
        raise ModelError(f"{path}: no such file; expected a model file, e.g. the model.onnx of a run")
    if name is None:
        card = examine(path).card if path.stem == "model" else None
        name = card.name if card else path.stem
    entry = _free(name.removesuffix(".onnx"), replace, known_as=path)

    def copy(to: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as source, to.open("wb") as target:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                target.write(chunk)
        if wanted not in ("", digest.hexdigest()):
            raise ModelError(f"{path}: its SHA-256 is {digest.hexdigest()}, expected {wanted}: it is another file")
        return digest.hexdigest()

    return _keep(entry, copy, known_as=str(path), source=str(path.resolve()))


def get(
    url: str,
    sha256: str,
    name: str | None = None,
    *,
    replace: bool = False,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Entry:
    """Download a model file into the store; one that is there already, with this digest, is not fetched again.

    Args:
        url: ``https://…``; see :func:`mien.runtime.download.downloaded`.
        sha256: of the file: what its publisher states.
        name: by which it shall be known; by default that of the file.
        replace: put it in the place of one of the same name.
        limits: how far to go.
        progress: told of bytes so far and in all (0: not known).

    Raises:
        DownloadError: it cannot be had, or is another file.
        ModelError: what came is no model, or the name is taken; nothing of it is kept.
        InputError: the disk is full.
    """
    limits, wanted = limits or Limits(), check_digest(sha256)
    check_url(url, limits.allow_http)
    name = (name or Path(unquote(urlsplit(url).path)).name).removesuffix(".onnx")
    there = Entry(name, store_dir() / f"{name}.onnx", is_shipped=False)
    if NAME.fullmatch(name) and there.path.is_file() and there.record and digest_of(there.path) == wanted:
        return there
    entry = _free(name, replace, known_as=Path(url))
    with downloaded(url, wanted, store_dir() / DOWNLOADS, limits, progress) as partial:

        def move(to: Path) -> str:
            os.replace(partial, to)
            return wanted

        # queries and fragments may hold keys that are nobody's business
        return _keep(entry, move, known_as=url, source=urlsplit(url)._replace(query="", fragment="").geturl())


def remove(name: str) -> Entry:
    """Delete a model of the user's, and its record.

    Raises:
        ModelError: it ships with mien, or there is none of this name in the store.
    """
    own = {entry.name: entry for entry in stored()}
    if name not in own:
        if name in {entry.name for entry in shipped()}:
            raise ModelError(f"{name}: ships with mien; only models of your own can be removed")
        told = did_you_mean(name, list(own)) if own else "there are none in it"
        raise ModelError(f"no model {name!r} in {store_dir()}: {told}")
    own[name].path.unlink(missing_ok=True)
    _place_of_record(own[name].path).unlink(missing_ok=True)
    return own[name]


def check_changeable(path: Path) -> None:
    """See that a model file is one whose card may be changed.

    Raises:
        ModelError: it came with mien: that one stays as it is, so that it can be told from a damaged one.
    """
    if any(_is_same(entry.path, path) for entry in shipped()):
        raise ModelError(
            f"{path}: comes with mien and stays as it is; take a copy of your own, `mien models add {path} --name NAME`"
        )


def renew(path: Path) -> None:
    """Bring the record of a model in the store up to date, after mien itself has changed its card."""
    entry = next((entry for entry in stored() if _is_same(entry.path, path)), None)
    record = entry.record if entry else None
    if entry and record:
        changed = record.model_copy(update={"sha256": digest_of(entry.path), "bytes": entry.path.stat().st_size})
        write_text(_place_of_record(entry.path), changed.model_dump_json(indent=2) + "\n")


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _free(name: str, replace: bool, known_as: Path) -> Entry:
    """Where a new model goes, if its name can be had."""
    if not NAME.fullmatch(name):
        raise ModelError(
            f"model name {name!r}: expected up to 64 letters, digits, dots, dashes, underscores; --name gives another"
        )
    if name in TAKEN or name in {entry.name for entry in shipped()}:
        raise ModelError(f"model name {name!r}: mien has something of this name already; --name gives another")
    entry = Entry(name, store_dir() / f"{name}.onnx", is_shipped=False)
    was_copied_by_hand = _is_same(entry.path, known_as) and not _place_of_record(entry.path).exists()
    if entry.path.exists() and not replace and not was_copied_by_hand:
        raise ModelError(
            f"{entry.path}: there is a model of this name already; --replace puts the new one in its place, "
            "--name gives another name"
        )
    return entry


def _keep(entry: Entry, fill: Callable[[Path], str], known_as: str, source: str) -> Entry:
    """Let ``fill`` write the file and give its digest, look at it, and put it into its place with its record."""
    with telling_when_full(store_dir()), writing(entry.path) as temporary:
        digest = fill(temporary)
        try:
            kind = examine(temporary).kind
        except ModelError as error:
            told = str(error).replace(str(temporary), known_as)
            hint = "; its weights lie in files beside it: save it as one file" if "external" in told.lower() else ""
            raise ModelError(told + hint) from None
        if kind == "detector" and not entry.name.startswith(DETECTOR_PREFIX):
            raise ModelError(
                f"{known_as}: is a face detector; the detector 'yunet' finds it by its name, so that has to begin with "
                f"{DETECTOR_PREFIX}: --name {DETECTOR_PREFIX}_{entry.name}"
            )
        size = temporary.stat().st_size
    today = datetime.now(UTC).date()
    record = Record(sha256=digest, bytes=size, kind=kind, source=source, added=today)
    write_text(_place_of_record(entry.path), record.model_dump_json(indent=2) + "\n")
    return entry


def _place_of_record(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
