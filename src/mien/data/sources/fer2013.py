"""FER2013 as Kaggle gives it: ``emotion,pixels,Usage``, and the votes of FER+ in ``fer2013new.csv`` beside it.

Source: I. Goodfellow et al., "Challenges in Representation Learning: A report on three machine learning contests",
2013. Training becomes ``train``, PublicTest ``val``, PrivateTest ``test``.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from mien.data.sources import Progress, Say, ferplus
from mien.data.sources.arrays import appending
from mien.data.sources.naming import class_names, split_name
from mien.errors import InputError, ManifestError, need
from mien.images import Pixels
from mien.labels import Labels
from mien.manifest import Manifest

if TYPE_CHECKING:
    import pandas

VOTES_FILE = "fer2013new.csv"
#: Rows held in memory at a time.
CHUNK = 1024


def find_csv(path: Path) -> Path | None:
    """The file of pixels that ``path`` is, or that lies in the folder ``path``; None when there is none."""
    candidates = [path] if path.is_file() else [path / name for name in ("fer2013.csv", "icml_face_data.csv")]
    for file in candidates:
        if file.suffix.lower() == ".csv" and file.is_file():
            with file.open(encoding="utf-8-sig", errors="replace") as lines:
                names = [name.strip().lower() for name in lines.readline(4096).split(",")]
            if "pixels" in names:
                return file
    return None


def scan(
    path: Path,
    *,
    out: Path,
    labels: Labels | None = None,
    label: Literal["fer2013", "ferplus"] = "fer2013",
    votes: str | Path | None = None,
    progress: Progress = lambda done, total: None,
    say: Say = lambda line: None,
) -> Manifest:
    """Read the CSV of pixels, and the FER+ votes when they are there.

    Args:
        path: the CSV, or the folder it lies in.
        out: the manifest; the pictures are written beside it.
        labels: meaning of the numbers in the column ``emotion``; FER2013's own seven by default.
        label: ``fer2013`` for the label of the file, ``ferplus`` for the majority of the votes
            (:func:`mien.data.sources.ferplus.majority`; empty where there is none).
        votes: the FER+ file; by default ``fer2013new.csv`` beside the CSV, when there.
        progress: called with rows done.
        say: called with notes.

    Raises:
        ManifestError: a column is missing, a row is damaged, or the two files do not belong together.
    """
    if label not in ("fer2013", "ferplus"):
        raise InputError(f"label {label!r}: expected fer2013 or ferplus")
    pandas = need("pandas", "lab", "reading FER2013")
    file = find_csv(path)
    if file is None:
        raise ManifestError(f"{path}: no CSV with a column 'pixels' (Kaggle's file is fer2013.csv)")
    emotions: list[object] = []
    usages: list[str] = []
    try:
        with (
            appending(out.with_suffix(".npy")) as faces,
            pandas.read_csv(
                file, dtype=str, keep_default_na=False, skipinitialspace=True, chunksize=CHUNK, encoding="utf-8-sig"
            ) as chunks,
        ):
            for chunk in chunks:
                chunk.columns = [name.strip().lower() for name in chunk.columns]
                if "emotion" not in chunk.columns:
                    raise ManifestError(f"{file}: no column 'emotion'; found {', '.join(chunk.columns)}")
                faces.append(_pixels(chunk["pixels"].tolist(), faces.count, file))
                emotions += chunk["emotion"].tolist()
                usages += chunk["usage"].tolist() if "usage" in chunk.columns else [""] * len(chunk)
                progress(faces.count, 0)
    except (pandas.errors.ParserError, UnicodeDecodeError) as error:
        raise ManifestError(f"{file}: cannot be read as a table ({error})") from None
    names, _ = class_names(emotions, labels or Labels.named("fer7"), str(file))
    split = [split_name(usage) or usage for usage in usages]
    columns: dict[str, object] = {"split": split}
    counts = Path(votes) if votes is not None else file.parent / VOTES_FILE
    if votes is not None or counts.is_file():
        table = _votes(pandas.read_csv(_existing(counts), keep_default_na=False), usages, counts)
        columns.update(ferplus.columns(table))
        if label == "ferplus":
            names = ferplus.majority(table)
            say(f"{names.count('')} of {len(names)} pictures have no FER+ majority: their label stays empty")
    elif label == "ferplus":
        raise ManifestError(f"{counts}: not there, and label=ferplus needs the votes (fer2013new.csv of FER+)")
    stem = out.with_suffix(".npy").name
    image = [f"{stem}#{row}" for row in range(len(names))]
    known = ferplus.LABELS if "votes_unknown" in columns else labels or Labels.named("fer7")
    return Manifest.of(root=out.parent, labels=known, image=image, label=names, **columns)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ManifestError(f"{path}: no such file of FER+ votes")
    return path


def _pixels(texts: list[str], before: int, file: Path) -> Pixels:
    """(N, S, S) uint8 from N texts of S * S numbers."""
    pictures: list[Pixels] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy says that a text is not all numbers
        for row, text in enumerate(texts, start=before + 1):
            try:
                values = np.fromstring(text, np.int64, sep=" ")
            except (DeprecationWarning, ValueError):
                raise ManifestError(f"{file}: row {row}: the pixels are not numbers with spaces between them") from None
            side = int(len(values) ** 0.5)
            if side == 0 or side * side != len(values) or values.min() < 0 or values.max() > 255:
                raise ManifestError(
                    f"{file}: row {row}: {len(values)} pixels; expected a square number of values from 0 to 255"
                )
            if pictures and len(pictures[0]) != side:
                raise ManifestError(f"{file}: row {row}: {side} x {side} pixels, the rows before {len(pictures[0])}")
            pictures.append(values.astype(np.uint8).reshape(side, side))
    return np.stack(pictures)


def _votes(frame: pandas.DataFrame, usages: list[str], file: Path) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """(N, 10) votes in the file's order, checked against the rows of FER2013."""
    wanted = [*ferplus.CLASSES, *ferplus.OTHERS]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise ManifestError(f"{file}: no column {missing[0]!r}; expected {', '.join(wanted)}")
    if len(frame) != len(usages):
        raise ManifestError(
            f"{file}: {len(frame)} rows of votes for {len(usages)} pictures; they must be in the same order"
        )
    if "Usage" in frame.columns and any(usages):
        differ = [row for row, pair in enumerate(zip(frame["Usage"], usages, strict=True)) if pair[0] != pair[1]]
        if differ:
            raise ManifestError(
                f"{file}: row {differ[0] + 1} is {frame['Usage'][differ[0]]}, the picture {usages[differ[0]]}"
            )
    return frame[wanted].to_numpy(np.int64)
