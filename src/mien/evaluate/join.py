"""Columns that were added to a manifest after its pictures were scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.data.faces import ids_of
from mien.errors import InputError
from mien.evaluate.run import columns_of
from mien.manifest import Manifest
from mien.scores import Scores


def with_columns(scores: Scores, manifest: Manifest) -> Scores:
    """Scores with the columns of a manifest, row by row, by the names of the pictures and boxes.

    Args:
        scores: made from the same pictures.
        manifest: may have other columns, another order, and more rows.

    Raises:
        InputError: a picture of the scores is not in the manifest.
    """
    place = {name: row for row, name in enumerate(ids_of(manifest).tolist())}
    missing = [name for name in scores.ids.tolist() if name not in place]
    if missing:
        raise InputError(
            f"{len(missing):,} of {len(scores):,} scored pictures are not in the manifest, the first: {missing[0]}"
        )
    rows = np.array([place[name] for name in scores.ids.tolist()], np.intp)
    frame = manifest.frame
    own = {name: np.array(frame[name].tolist(), dtype=str)[rows] for name in ("split", "domain", "subject")}
    columns = {name: values[rows] for name, values in columns_of(manifest).items()}
    return replace(
        scores,
        splits=own["split"],
        domains=own["domain"],
        subjects=own["subject"],
        columns={**scores.columns, **columns},
    )
