"""Bytes from a stranger to a picture, or a reason: nothing is decoded before its header has been looked at.

The first bytes say which format it is, and only that decoder gets it. Left out on purpose: SVG (a program), animations
(which frame?), TIFF, and whatever else Pillow opens that nobody's camera or browser sends. What comes after the end of
a picture is not looked at: phones put films there, and others archives.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from mien.errors import ImageError
from mien.images import Pixels, read
from mien.web.problems import Problem

#: Format -> (first bytes, media types that it may be declared as).
FORMATS: dict[str, tuple[tuple[bytes, ...], tuple[str, ...]]] = {
    "JPEG": ((b"\xff\xd8\xff",), ("image/jpeg", "image/jpg", "image/pjpeg")),
    "PNG": ((b"\x89PNG\r\n\x1a\n",), ("image/png", "image/x-png")),
    "WEBP": ((b"RIFF",), ("image/webp",)),
    "GIF": ((b"GIF87a", b"GIF89a"), ("image/gif",)),
    "BMP": ((b"BM",), ("image/bmp", "image/x-bmp", "image/x-ms-bmp")),
}
NAMES = "JPEG, PNG, WebP, GIF or BMP"
#: Scans of a progressive JPEG: encoders make about ten; thousands keep a decoder busy for minutes.
MAX_SCANS = 64
#: Longest side that formats and OpenCV take.
MAX_SIDE_PX = 32_767


class Header(NamedTuple):
    """What a picture says of itself.

    Attributes:
        format: a key of ``FORMATS``.
        width: in pixels, and so is height.
        is_animated: has more than one frame.
    """

    format: str
    width: int
    height: int
    is_animated: bool


@contextmanager
def decode(
    content: bytes | bytearray, declared: str, max_pixels: int, room: Callable[[int], AbstractContextManager[None]]
) -> Iterator[Pixels]:
    """Read a picture that somebody sent; a context, because of the room that it takes.

    Args:
        content: the bytes.
        declared: media type in the request; empty or ``application/octet-stream`` says nothing.
        max_pixels: refuse larger pictures before they are decoded.
        room: gives room for so many pixels, such as ``Budget.hold``.

    Yields:
        (H, W, 3) uint8, RGB, upright.

    Raises:
        Problem: 413, 415 or 422, with the reason.
    """
    content = bytes(content)
    found = kind_of(content)
    says_something = declared not in ("", "application/octet-stream", "image/*")
    if says_something and declared not in FORMATS[found][1]:
        raise Problem(415, "type_mismatch", f"is declared as {declared[:60]}, but its first bytes are those of {found}")
    header = header_of(content, found, max_pixels)
    count = header.width * header.height
    if count > max_pixels or max(header.width, header.height) > MAX_SIDE_PX:
        size = f"{header.width} x {header.height} is {count:,} pixels"
        raise Problem(413, "too_many_pixels", f"{size}, the limit is {max_pixels:,} and {MAX_SIDE_PX:,} a side")
    if header.is_animated:
        raise Problem(415, "animated", "is animated: send one frame as a picture, or a video to /predict/video")
    if found == "JPEG" and content.count(b"\xff\xda") > MAX_SCANS:
        raise Problem(422, "damaged", f"a JPEG of more than {MAX_SCANS} scans: save it anew")
    with room(count):
        yield _decode(content, max_pixels)


def _decode(content: bytes, max_pixels: int) -> Pixels:
    try:
        return read(content, max_pixels)
    except ImageError as error:
        raise Problem(422, "damaged", str(error).removeprefix("bytes: ")) from None
    except (struct.error, zlib.error, KeyError, AttributeError, AssertionError, Warning) as error:
        # what Pillow's decoders raise on damaged files besides those that mien.images knows; warnings are raised where
        # the process was told to (python -W error)
        raise Problem(422, "damaged", f"the picture is damaged ({type(error).__name__})") from None


def kind_of(content: bytes) -> str:
    """The format, by the first bytes.

    Raises:
        Problem: 415 or 422, none that is read here.
    """
    if not content:
        raise Problem(422, "empty", "the file is empty")
    for name, (beginnings, _) in FORMATS.items():
        if content.startswith(beginnings) and (name != "WEBP" or content[8:12] == b"WEBP"):
            return name
    text = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text or text.startswith(b"<?xml"):
        raise Problem(415, "not_an_image", f"SVG is a drawing program, not a photograph: send {NAMES}")
    raise Problem(415, "not_an_image", f"its first bytes are not those of {NAMES}")


def header_of(content: bytes, kind: str, max_pixels: int) -> Header:
    """Size and kind, without decoding.

    Raises:
        Problem: 422, the header cannot be read; 413, Pillow does not even open one of such a size.
    """
    try:
        if kind == "WEBP":  # Pillow's reader makes room for the whole canvas when it opens one
            return _webp(content)
        with Image.open(io.BytesIO(content), formats=[kind]) as image:
            # of JPEG, more than one picture is what phones make: a preview or a map of depth behind the photograph
            is_animated = kind != "JPEG" and bool(getattr(image, "is_animated", False))
            return Header(kind, *image.size, is_animated)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # of Pillow: more than any camera makes
        raise Problem(413, "too_many_pixels", f"has too many pixels, the limit is {max_pixels:,}") from None
    except UnidentifiedImageError:
        raise Problem(422, "damaged", f"begins as {kind}, but has no header of it") from None
    except (
        *(OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError),
        *(struct.error, zlib.error, KeyError, AttributeError, AssertionError, Warning),
    ) as error:
        raise Problem(422, "damaged", f"the header cannot be read ({type(error).__name__})") from None


def _webp(content: bytes) -> Header:
    """Source: RFC 9649, sections 2.5 to 2.7."""
    chunk, data = content[12:16], content[20:34]
    if chunk == b"VP8X" and len(data) >= 10:
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (4, 7))
        return Header("WEBP", width, height, bool(data[0] & 2))
    if chunk == b"VP8L" and len(data) >= 5 and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        return Header("WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), False)
    if chunk == b"VP8 " and len(data) >= 10 and data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[6:10])
        return Header("WEBP", width & 0x3FFF, height & 0x3FFF, False)
    raise Problem(422, "damaged", "begins as WebP, but has no header of it")
