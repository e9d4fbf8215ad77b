"""Files that somebody might send who means no good, each a few kilobytes: name -> (content, status, code)."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *before: bytes, rows: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


def saved(format: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(file, format, **options)
    return file.getvalue()


def frames(format: str) -> bytes:
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    pictures[0].save(file, format, save_all=True, append_images=pictures[1:])
    return file.getvalue()


def with_size_of(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG, but its header says another size."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/hostname"/></svg>'
ZEROS = bytes(60_000_000)
#: 49 million grey pixels in 48 kB.
BOMB = png(7000, 7000, rows=bytes(7001 * 7000))
WEBP_CANVAS = b"\0\0\0\0" + (16382).to_bytes(3, "little") * 2
BOMBS = {
    "png, honest and large": (BOMB, 413, "too_many_pixels"),
    "png, header of 4 thousand million": (png(65_000, 65_000), 413, "too_many_pixels"),
    "png, one row of a million": (png(1_000_000, 1), 413, "too_many_pixels"),
    "jpeg, header of 65500 x 65500": (with_size_of(saved("JPEG"), 65_500, 65_500), 413, "too_many_pixels"),
    "gif, 65535 x 65535": (b"GIF89a\xff\xff\xff\xff" + saved("GIF")[10:], 413, "too_many_pixels"),
    "bmp, 30000 x 30000": (
        b"BM" + struct.pack("<IHHIIiiHH", 54, 0, 0, 54, 40, 30_000, 30_000, 1, 24) + bytes(24),
        *(413, "too_many_pixels"),
    ),
    "webp, canvas of 16383 x 16383": (
        b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + WEBP_CANVAS,
        *(413, "too_many_pixels"),
    ),
    "png, 60 MB in a text": (png(8, 8, chunk(b"zTXt", b"a\0\0" + zlib.compress(ZEROS))), 422, "damaged"),
    "png, 60 MB in a colour profile": (png(8, 8, chunk(b"iCCP", b"a\0\0" + zlib.compress(ZEROS))), 422, "damaged"),
    "jpeg, a thousand scans": (
        saved("JPEG", progressive=True)[:-2] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\0" * 1000 + b"\xff\xd9",
        *(422, "damaged"),
    ),
}
OTHERS = {
    "nothing": (b"", 422, "empty"),
    "text": (b"hello", 415, "not_an_image"),
    "svg": (SVG, 415, "not_an_image"),
    "svg after a declaration": (b'\xef\xbb\xbf<?xml version="1.0"?>' + SVG, 415, "not_an_image"),
    "html": (b"<!doctype html><script>alert(1)</script>", 415, "not_an_image"),
    "zip": (b"PK\x03\x04" + bytes(40), 415, "not_an_image"),
    "pdf, then a jpeg": (b"%PDF-1.7\n" + saved("JPEG"), 415, "not_an_image"),
    "tiff, which is not read": (saved("TIFF"), 415, "not_an_image"),
    "a play list": (b"#EXTM3U\nfile:///etc/hostname\n", 415, "not_an_image"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "not_an_image"),
    "riff that is no picture": (b"RIFF\0\0\0\0WAVEfmt ", 415, "not_an_image"),
    "gif that is a script": (b"GIF89a/*" + bytes(9) + b"*/=1;alert(1)", 422, "damaged"),
    "bmp that is a text": (b"BM, they said, is a beginning", 422, "damaged"),
    "jpeg, only its beginning": (b"\xff\xd8\xff", 422, "damaged"),
    "jpeg, cut off": (saved("JPEG")[:700], 422, "damaged"),
    "png, cut off": (saved("PNG")[:700], 422, "damaged"),
    "webp, cut off": (saved("WEBP")[:300], 422, "damaged"),
    "webp, only its beginning": (b"RIFF\x04\0\0\0WEBP", 422, "damaged"),
    "gif, cut off": (saved("GIF")[:900], 422, "damaged"),
    "bmp, cut off": (saved("BMP")[:900], 422, "damaged"),
    "png, no size": (png(0, 8), 422, "damaged"),
    "png, garbage for rows": (saved("PNG").replace(b"IDATx", b"IDATy"), 422, "damaged"),
    "gif, animated": (frames("GIF"), 415, "animated"),
    "png, animated": (frames("PNG"), 415, "animated"),
    "webp, animated": (frames("WEBP"), 415, "animated"),
}
HOSTILE = {**BOMBS, **OTHERS}
