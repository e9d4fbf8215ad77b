"""The body of a request: read into memory, up to a limit, and never into a file.

The usual parser of forms keeps parts above 1 MB in temporary files; pictures of people must not get there. So the
bytes go from the socket into python-multipart's parser, and from there into memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from mien.web.problems import Problem

#: Fields of a form in which pictures or a video may come.
FIELDS = ("images", "image", "files", "file", "video")
#: A form is a little larger than the files in it: boundaries and headers, per part.
PART_OVERHEAD = 1024
#: Names of files are given back with the answer; longer ones are cut.
MAX_NAME = 200


@dataclass
class Upload:
    """One file of a request.

    Attributes:
        name: as the client calls it, or ``picture 1``.
        content: its bytes.
        declared: media type that the client says it is, in lower case; empty when it says nothing.
    """

    name: str
    content: bytes | bytearray = b""
    declared: str = ""


@dataclass
class _Form:
    """Collects the parts of a form as they come in."""

    most: int
    uploads: list[Upload] = field(default_factory=list)
    is_complete: bool = False
    _content: bytearray = field(default_factory=bytearray)
    _headers: dict[str, str] = field(default_factory=dict)
    _header: list[bytearray] = field(default_factory=lambda: [bytearray(), bytearray()])

    def on_part_begin(self) -> None:
        if len(self.uploads) >= self.most:
            raise Problem(413, "too_many_images", f"more than {self.most} files in one request; send several requests")
        self._content, self._headers = bytearray(), {}

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def on_header_end(self) -> None:
        # byte for byte: python-multipart makes Latin-1 of the values again, and the names in them are UTF-8
        name, value = (bytes(part).decode("latin-1") for part in self._header)
        self._headers[name.lower()] = value
        self._header = [bytearray(), bytearray()]

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        given = options.get(b"name", b"").decode("utf-8", "replace").removesuffix("[]")
        if given not in FIELDS:
            raise Problem(422, "invalid", f"form field {given[:40]!r}: expected files in the field 'images'")
        self._name = options.get(b"filename", b"").decode("utf-8", "replace")

    def on_part_end(self) -> None:
        name = self._name[:MAX_NAME] or f"picture {len(self.uploads) + 1}"
        self.uploads.append(Upload(name, self._content, _media_type(self._headers.get("content-type", ""))))

    def on_end(self) -> None:
        self.is_complete = True


async def read_uploads(request: Request, max_bytes: int, max_files: int, timeout_s: float) -> list[Upload]:
    """Read the files of a request: those of a form, or a body that is one file itself.

    Raises:
        Problem: too large, too many, too slow, not what it says it is, or cut off.
    """
    try:
        async with asyncio.timeout(timeout_s):
            uploads = await _read(request, max_bytes, max_files)
    except TimeoutError:
        raise Problem(408, "upload_timeout", f"the upload took longer than {timeout_s:g} s") from None
    except ClientDisconnect:
        raise Problem(400, "bad_request", "the client went away during its upload") from None
    if not uploads:
        raise Problem(422, "empty", "no file in the form: send at least one in the field 'images'")
    return uploads


async def _read(request: Request, max_bytes: int, max_files: int) -> list[Upload]:
    declared = request.headers.get("content-type", "")
    kind = _media_type(declared)
    is_form = kind == "multipart/form-data"
    if (kind.startswith("multipart/") and not is_form) or kind == "application/x-www-form-urlencoded":
        raise Problem(415, "type_mismatch", f"a body of type {kind}: expected multipart/form-data, or the bare file")
    limit = max_bytes + max_files * PART_OVERHEAD if is_form else max_bytes
    size = announced_size(request, limit)
    if not is_form:
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            _check(len(content), limit)
        return [Upload("picture 1", content, kind)]
    _, options = parse_options_header(declared)
    form = _Form(max_files)
    try:
        parser = MultipartParser(
            options.get(b"boundary", b""),
            {name: getattr(form, name) for name in dir(form) if name.startswith("on_")},  # type: ignore[arg-type]
        )
        count = 0
        async for chunk in request.stream():
            count += len(chunk)
            _check(count, limit)
            parser.write(chunk)
    except FormParserError as error:
        raise Problem(400, "bad_request", f"the form cannot be read ({error})") from None
    except UnicodeEncodeError:  # python-multipart 0.0.34 takes Latin-1 only
        raise Problem(400, "bad_request", "the form cannot be read (names of its fields)") from None
    if not form.is_complete:
        raise Problem(400, "bad_request", f"the form is cut off after {count if size is None else size} bytes")
    return form.uploads


def announced_size(request: Request, limit: int) -> int | None:
    """Bytes that the request says it has, or None.

    Raises:
        Problem: more than the limit; nothing has been read then.
    """
    text = request.headers.get("content-length", "")
    if not text.isascii() or not text.isdecimal():
        return None
    _check(int(text[:18]), limit)
    return int(text)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise Problem(413, "upload_too_large", f"the upload is larger than {limit / 1e6:.3g} MB, which is the limit")


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()
