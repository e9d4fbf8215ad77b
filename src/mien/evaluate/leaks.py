"""Which pictures of a split were learnt from?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.data.audit import audit
from mien.errors import InputError
from mien.manifest import Manifest


def leaked_rows(
    manifest: Manifest,
    split: str | None,
    against: str,
    *,
    near: bool = True,
    threads: int | None = None,
    progress: Callable[[str, int, int], None] = lambda step, done, total: None,
) -> NDArray[np.intp]:
    """Rows of ``split`` that show a photograph of the split ``against``: identical, or (``near``) nearly.

    Raises:
        InputError: ``split`` is None or the same as ``against``.
        ManifestError: the manifest lacks one of the two.
    """
    if split is None or split == against:
        raise InputError(f"leaks from {against!r}: name another split to measure on, e.g. val")
    for name in (split, against):
        manifest.split(name)  # says so when there is none
    rows = np.flatnonzero(manifest.frame["split"].isin([split, against]).to_numpy())
    found = audit(manifest.take(rows), near=near, threads=threads, progress=progress).leaked_rows(
        split, against, near=near
    )
    return np.asarray(rows[found], np.intp)
