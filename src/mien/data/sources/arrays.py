"""Pictures that are not files of their own, written as one ``.npy`` that is read through a memory map."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np

from mien.atomic import writing
from mien.errors import ManifestError
from mien.images import Pixels


class Appender:
    """Appends pictures of one shape to an ``.npy`` file.

    Attributes:
        count: pictures written so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self._file = file
        self._shape: tuple[int, ...] | None = None
        self._start = 0

    def append(self, images: Pixels) -> None:
        """Write some pictures, (N, H, W) or (N, H, W, 3) uint8; the first call decides on their shape."""
        if self._shape is None:
            self._shape = images.shape[1:]
            self._header()
            self._start = self._file.tell()
        if images.shape[1:] != self._shape or images.dtype != np.uint8:
            raise ManifestError(f"pictures of {images.dtype} {images.shape[1:]} after pictures of uint8 {self._shape}")
        self._file.write(np.ascontiguousarray(images).data)
        self.count += len(images)

    def close(self) -> None:
        """Write the true number of pictures into the header; NumPy leaves room for a growing first axis."""
        self._file.seek(0)
        self._header()
        if self._file.tell() != self._start:
            raise ManifestError(f"the header of an array with {self.count} pictures does not fit")

    def _header(self) -> None:
        shape = (self.count, *(self._shape or ()))
        np.lib.format.write_array_header_1_0(self._file, {"shape": shape, "fortran_order": False, "descr": "|u1"})


@contextmanager
def appending(path: str | os.PathLike[str]) -> Iterator[Appender]:
    """Write an ``.npy`` of pictures piece by piece; the file appears whole or not at all, memory stays flat.

    Example:
        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "faces.npy")
        >>> with appending(path) as faces:
        ...     for grey_level in (0, 255):
        ...         faces.append(np.full((3, 48, 48), grey_level, np.uint8))
        >>> np.load(path).shape
        (6, 48, 48)
    """
    with writing(path) as temporary, temporary.open("w+b") as file:
        appender = Appender(file)
        yield appender
        if not appender.count:
            raise ManifestError(f"{os.fspath(path)}: there is not a single picture to write")
        appender.close()
