"""Pictures in and out. The one convention: RGB, uint8, (H, W, 3), numpy.

Formats: whatever Pillow reads and shows (JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF where built in). The EXIF
orientation is applied; transparency is laid over white; 16-bit and CMYK become 8-bit RGB; grey is widened; of an
animation the first frame counts. A truncated file is an error, not half a picture.

``array.npy#17`` names row 17 of an array of pictures (N, H, W) or (N, H, W, 3), uint8, read through a memory map.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mien.atomic import write_bytes
from mien.errors import ImageError

Pixels: TypeAlias = NDArray[np.uint8]
#: Whatever can be read as a picture: path, encoded bytes, PIL image, or RGB / grey array.
Source: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"})
#: 178 million pixels: four times Pillow's own warning level is never reached, a 20,000 x 20,000 bomb is refused.
MAX_PIXELS = 178_956_970
#: Larger pictures are converted in strips of so many pixels, which needs less memory and is quicker.
_STRIP_PIXELS = 2_000_000
#: Tag of EXIF.
_ORIENTATION = 0x0112


def read(source: Source, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Read one picture.

    Args:
        source: a path (or ``file.npy#row``), encoded bytes, a PIL image, or an array: (H, W), (H, W, 1), (H, W, 3)
            RGB or (H, W, 4) RGBA; uint8, uint16, or float with values from 0 to 1.
        max_pixels: refuse larger pictures before they are decoded.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        ImageError: the file is missing, empty, truncated, too large or not a picture.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _from_pil(source, "PIL image", max_pixels)
    if isinstance(source, bytes):
        return _decode(source, "bytes", max_pixels)
    if not isinstance(source, (str, os.PathLike)):
        raise ImageError(
            f"cannot read a picture from {type(source).__name__}: give a path, bytes, a PIL image or an array"
        )
    name = os.fspath(source)
    path, separator, row = name.rpartition("#")
    if separator and path.endswith(".npy"):
        return _from_array(array_row(path, row))
    try:
        content = Path(name).read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{name}: is a folder, not a picture") from None
    except OSError as error:
        raise ImageError(f"{name}: cannot be opened ({error.strerror})") from None
    return _decode(content, name, max_pixels)


@lru_cache(maxsize=64)
def open_array(path: str, modified_ns: int) -> Pixels:
    """A memory-mapped array of pictures; ``modified_ns`` makes a rewritten file a new one."""
    try:
        array: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ImageError(f"{path}: not an array of pictures ({error})") from None
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise ImageError(f"{path}: expected uint8 (N, H, W) or (N, H, W, 3), found {array.dtype} {array.shape}")
    return array


def array_row(path: str, row: str) -> Pixels:
    """One picture of an array file."""
    try:
        modified_ns = os.stat(path).st_mtime_ns
    except OSError:
        raise ImageError(f"{path}: no such file") from None
    array = open_array(path, modified_ns)
    if not row.isdecimal() or int(row) >= len(array):
        raise ImageError(f"{path}#{row}: expected a row from 0 to {len(array) - 1}")
    picture: Pixels = array[int(row)]
    return picture


def _decode(content: bytes, name: str, max_pixels: int) -> Pixels:
    if not content:
        raise ImageError(f"{name}: the file is empty")
    try:
        with warnings.catch_warnings():  # the pixel limit below is ours, and metadata oddities are not our business
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                return _from_pil(image, name, max_pixels)
    except UnidentifiedImageError:
        raise ImageError(
            f"{name}: not a picture in a format that can be read ({', '.join(sorted(SUFFIXES))})"
        ) from None
    except Image.DecompressionBombError:
        raise ImageError(f"{name}: too many pixels, the limit is {max_pixels:,}") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError) as error:
        # Pillow's decoders raise all of these on damaged files
        raise ImageError(f"{name}: the picture is damaged ({error})") from None


def _from_pil(image: Image.Image, name: str, max_pixels: int) -> Pixels:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(f"{name}: {width} x {height} is {width * height:,} pixels, the limit is {max_pixels:,}")
    image.load()  # PNG may have its EXIF behind the picture
    if image.getexif().get(_ORIENTATION, 1) != 1:  # Pillow would copy an upright one
        image = ImageOps.exif_transpose(image)
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        return _from_array(_deep_grey(np.asarray(image), name))
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // width)
    if rows >= height:
        return _rgb(image)
    found = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        found[top : top + rows] = _rgb(image.crop((0, top, width, min(height, top + rows))))
    return found


def _rgb(image: Image.Image) -> Pixels:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _deep_grey(values: NDArray[Any], name: str) -> NDArray[Any]:
    if values.dtype.kind == "f":
        if values.size and (not np.isfinite(values).all() or values.min() < 0 or values.max() > 1):
            raise ImageError(f"{name}: a picture of floats needs values from 0 to 1")
        return values
    return values.clip(0, 65535).astype(np.uint16)


def _from_array(array: NDArray[Any]) -> Pixels:
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"an array of shape {array.shape} is not a picture: expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        )
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ImageError("a picture of floats needs values from 0 to 1")
        array = np.rint(array * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise ImageError(f"a picture of {array.dtype} values: expected uint8, uint16 or float from 0 to 1")
    if array.ndim == 2 or array.shape[2] == 1:
        return np.ascontiguousarray(np.broadcast_to(array.reshape(*array.shape[:2], 1), (*array.shape[:2], 3)))
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.uint16)
        blend = (array[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
        return blend.astype(np.uint8)
    return np.ascontiguousarray(array)


def grey(image: Pixels) -> Pixels:
    """Luminance (ITU-R BT.601) of an RGB picture: (H, W, 3) -> (H, W)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def resize(image: Pixels, height: int, width: int, enlarge: str = "linear") -> Pixels:
    """Resize by area averaging when shrinking, and ``enlarge`` (linear, cubic, lanczos) when growing.

    The one resizing used by training and by inference: OpenCV and torchvision differ by up to 0.13 of the full
    range when shrinking.
    """
    if image.shape[:2] == (height, width):
        return image
    if height * width < image.shape[0] * image.shape[1]:
        how = cv2.INTER_AREA
    else:
        how = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}[enlarge]
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def encode(image: Pixels, suffix: str = ".png") -> bytes:
    """Encode an RGB or grey picture; ``suffix`` chooses the format."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    try:
        done, buffer = cv2.imencode(suffix, bgr)
    except cv2.error:
        done = False
    if not done:
        raise ImageError(f"cannot write pictures as {suffix!r}: use .png, .jpg or .webp")
    return bytes(buffer.tobytes())


def write(path: str | os.PathLike[str], image: Pixels) -> None:
    """Write an RGB or grey picture; the file appears whole or not at all."""
    write_bytes(path, encode(image, Path(path).suffix.lower()))


def find(folder: str | os.PathLike[str], suffixes: frozenset[str] = SUFFIXES) -> Iterator[Path]:
    """All files below ``folder`` that are named like pictures, in sorted order; hidden ones are left out."""
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in suffixes:
                yield Path(base, name)
