"""From a manifest to what a classifier should answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import ManifestError
from mien.manifest import Manifest
from mien.parts import Data


def one_hot(targets: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """(N,) class indices to (N, classes); rows without a label are zero."""
    soft = np.zeros((len(targets), classes), np.float32)
    rows = np.flatnonzero(targets >= 0)
    soft[rows, targets[rows]] = 1
    return soft


def soft_targets(manifest: Manifest, recipe: Data) -> NDArray[np.float32]:
    """Targets of the training split.

    With votes, a drawn face on which nobody voted counts as what it was drawn to be: `mien synth mix` puts such rows
    beside photographs that people have voted on.

    Returns:
        (N, C) float32; a row sums to one, or to zero when the picture must be left out.

    Raises:
        ManifestError: votes are asked for and there are none, or no row is left.
    """
    if recipe.targets == "label":
        soft = one_hot(manifest.targets(), len(manifest.labels))
    else:
        votes = manifest.votes()
        if votes is None:
            raise ManifestError("data.targets is 'votes', but the manifest has no columns 'votes.<class>'")
        cast = votes.sum(axis=1)
        enough = cast >= recipe.min_votes
        votes = np.where(votes >= recipe.vote_floor, votes, 0)
        total = votes.sum(axis=1, keepdims=True)
        soft = np.where(enough[:, None] & (total > 0), votes / np.maximum(total, 1e-9), 0).astype(np.float32)
        drawn = (manifest.frame["origin"] == "synthetic").to_numpy() & (cast == 0)
        soft[drawn] = one_hot(manifest.targets()[drawn], len(manifest.labels))
    if not soft.any():
        raise ManifestError(f"no row of the split {recipe.train!r} has a usable {recipe.targets}")
    return soft


def class_counts(targets: NDArray[np.float32]) -> NDArray[np.int64]:
    """(C,) rows of each class: a row counts for its likeliest class, rows of zeros for none."""
    return np.bincount(targets[targets.any(axis=1)].argmax(axis=1), minlength=targets.shape[1])
