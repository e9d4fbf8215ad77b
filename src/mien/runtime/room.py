"""A full disk is told of in words, before it is full where that can be known."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import InputError

#: What systems say when nothing more fits: the disk, or the share of it that a user may have.
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def check_room(folder: Path, count: int) -> None:
    """See that so many more bytes fit.

    Args:
        folder: exists.
        count: bytes.

    Raises:
        InputError: they do not.
    """
    free = shutil.disk_usage(folder).free
    if count > free:
        raise InputError(
            f"{folder}: {megabytes(count)} are needed and {megabytes(free)} are free; make room, or set MIEN_MODELS to "
            "a folder on another disk"
        )


@contextmanager
def telling_when_full(folder: Path) -> Iterator[None]:
    """Say in words that the disk became full within the block.

    Raises:
        InputError: it did.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise InputError(
            f"{folder}: the disk is full; make room, or set MIEN_MODELS to a folder on another disk"
        ) from None


def megabytes(count: int) -> str:
    """A number of bytes for people: ``13.5 MB``, ``2.4 kB``.

    Example:
        >>> megabytes(13_531_000), megabytes(2_400)
        ('13.5 MB', '2.4 kB')
    """
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
