"""Which drawn faces to keep, by what real faces are like. Nothing is lost: what is left out is listed with its reasons.

Each check (``rules.py``) is made of some real faces too: the share of those that it would leave out is how far it goes
wrong, and the least that it will leave out of drawn ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.copies import Copies, Match
from mien.data.hashes import take_prints
from mien.errors import InputError
from mien.faces import detector as find_with
from mien.manifest import Manifest
from mien.runtime.models import DEFAULT, Model
from mien.runtime.network import Network
from mien.synth.rules import REASONS, Rules, Why, cap, drop_duplicates, judge
from mien.synth.survey import Survey, common_side, survey

Progress = Callable[[str, int, int], None]
#: Rows without a label are counted under this name.
NO_LABEL = "(no label)"
#: Pictures looked up in the real set between two calls of ``progress``.
CHUNK = 256


@dataclass(frozen=True, eq=False)
class Screened:
    """The result.

    Attributes:
        manifest: all drawn faces, with what was measured in the columns ``screen.*``.
        reasons: of each row, why it is left out; empty for what is kept.
        table: class -> ``drawn``, each reason, ``kept`` -> faces. A face can have several reasons.
        reference: the same of real faces; duplicates and the cap are not asked of them.
        least_sharp: the least sharpness that passes.
        side_px: sharpness was measured on pictures shrunk to this side, where they are larger.
        notes: what must be said beside the numbers.
    """

    manifest: Manifest
    reasons: tuple[tuple[str, ...], ...]
    table: dict[str, dict[str, int]]
    reference: dict[str, dict[str, int]]
    least_sharp: float
    side_px: int
    notes: tuple[str, ...]

    @property
    def kept(self) -> Manifest:
        """The faces that pass."""
        return self._part(True)

    @property
    def dropped(self) -> Manifest:
        """The others; the columns ``screen.reasons`` and ``screen.why`` say why."""
        return self._part(False)

    def _part(self, is_kept: bool) -> Manifest:
        rows = [row for row, reasons in enumerate(self.reasons) if (not reasons) == is_kept]
        return self.manifest.take(np.array(rows, np.intp))

    def save(self, path: str | Path) -> Path:
        """Write the kept faces, and beside them ``<name>.dropped.csv`` with the others; returns that file."""
        path = Path(path)
        self.kept.save(path)
        beside = path.with_name(f"{path.stem}.dropped{path.suffix}")
        self.dropped.save(beside)
        return beside

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        columns = {"image": "image", "label": "label", "reasons": "screen.reasons", "why": "screen.why"}
        frame = self.manifest.frame
        left_out = [row for row, reasons in enumerate(self.reasons) if reasons]
        return {
            "drawn": len(self.reasons),
            "kept": len(self.reasons) - len(left_out),
            "classes": self.table,
            "real": self.reference,
            "least_sharp": round(self.least_sharp, 3),
            "side_px": self.side_px,
            "notes": list(self.notes),
            "dropped": [
                {"row": row, **{name: str(frame[column].iloc[row]) for name, column in columns.items()}}
                for row in left_out
            ],
        }


def screen(
    synthetic: Manifest,
    real: Manifest,
    *,
    rules: Rules | None = None,
    model: Model = DEFAULT,
    reference: int = 1000,
    seed: int = 0,
    batch_size: int = 64,
    threads: int | None = None,
    progress: Progress = lambda step, done, total: None,
) -> Screened:
    """Decide which drawn faces to keep.

    Args:
        synthetic: the drawn faces.
        real: the photographs that the generator learned from: what is sharp and what is a copy goes by them.
        rules: the checks; None for all of them with their defaults, without a cap.
        model: the recognizer that reads the faces.
        reference: so many real faces, drawn with the seed, are checked as well.
        seed: of the drawing.
        batch_size: faces per run of the network.
        threads: CPU threads; None for one per core.
        progress: called with the step, rows done and rows in all.

    Raises:
        InputError: no rows, no real face that can be read, or classes that the model does not know.

    Example:
        ``screen(Manifest.load("drawn.csv"), Manifest.load("faces.csv").split("train")).save("screened.csv")``
    """
    rules = rules or Rules()
    for name, manifest in (("synthetic", synthetic), ("real", real)):
        if not len(manifest):
            raise InputError(f"there are no {name} faces to look at")
    if reference < 1:
        raise InputError(f"reference is {reference}: expected at least 1 real face")
    network = Network(model, threads)
    finder = None if rules.detector is None else find_with(rules.detector)
    side_px = common_side(synthetic, real)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(real))[:reference])
    some = real.take(chosen)

    def look(manifest: Manifest, step: str) -> Survey:
        return survey(
            manifest,
            network,
            finder,
            side_px,
            batch_size=batch_size,
            threads=threads,
            progress=lambda done, total: progress(step, done, total),
        )

    known, drawn = look(some, "real faces"), look(synthetic, "synthetic faces")
    if len(known.problems) == len(known):
        raise InputError(f"none of the real faces can be read; the first: {known.problems[0]}")
    least_sharp = float(np.nanpercentile(known.sharpness, rules.sharpness)) if rules.sharpness else 0.0
    copied: dict[int, Match] = {}
    copied_real: dict[int, Match] = {}
    if rules.copies:
        prints = take_prints(
            real, threads=threads, progress=lambda done, total: progress("all real faces", done, total)
        )
        index = Copies(prints.thumbnails, np.array([row for row in range(len(real)) if prints.digests[row]], np.intp))
        copied_real = _look_up(index, known, chosen.tolist(), lambda done, total: progress("real copies", done, total))
        copied = _look_up(index, drawn, None, lambda done, total: progress("synthetic copies", done, total))
    photographs = real.frame["image"].tolist()
    judged = judge(drawn, rules, least_sharp, copied, photographs)
    if rules.duplicates:
        names = synthetic.frame["image"].tolist()
        drop_duplicates(drawn, judged, names, lambda done, total: progress("comparing", done, total))
    if rules.cap is not None:
        cap(drawn, judged, synthetic.targets(), rules.cap)
    return Screened(
        manifest=_with_columns(synthetic, drawn, judged, copied, photographs),
        reasons=tuple(tuple(why) for why in judged),
        table=_count(synthetic, judged),
        reference=_count(some, judge(known, rules, least_sharp, copied_real, photographs)),
        least_sharp=least_sharp,
        side_px=side_px,
        notes=tuple(_notes(synthetic, network, drawn)),
    )


def _look_up(
    index: Copies, found: Survey, besides: list[int] | None, progress: Callable[[int, int], None]
) -> dict[int, Match]:
    """Row -> what the real set has most like it, besides the row of that set which it is itself."""
    rows = np.array([row for row in range(len(found)) if found.digests[row]], np.intp)
    matches: dict[int, Match] = {}
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        own = None if besides is None else np.asarray(besides, np.intp)[some]
        if len(index) > (own is not None):
            matches.update(zip(some.tolist(), index.find(found.thumbnails[some], own), strict=True))
        progress(start + len(some), len(rows))
    return matches


def _with_columns(
    synthetic: Manifest, found: Survey, judged: Sequence[Why], matches: dict[int, Match], photographs: Sequence[str]
) -> Manifest:
    """The manifest with what was measured beside each row."""
    rows = range(len(synthetic))
    columns: dict[str, list[Any]] = {
        "reads_as": found.reads_as,
        "probability": [round(float(value), 4) for value in found.probability],
        "sharpness": [round(float(value), 1) for value in found.sharpness],
        "faces": ["" if count < 0 else str(count) for count in found.faces.tolist()],
        "nearest": [photographs[matches[row].row] if row in matches else "" for row in rows],
        "similarity": [round(matches[row].similarity, 3) if row in matches else np.nan for row in rows],
        "reasons": [", ".join(why) for why in judged],
        "why": ["; ".join(f"{reason}: {text}" if text else reason for reason, text in why.items()) for why in judged],
    }
    return synthetic.with_columns(**{f"screen.{name}": values for name, values in columns.items()})


def _count(manifest: Manifest, judged: Sequence[Why]) -> dict[str, dict[str, int]]:
    """Class -> ``drawn``, every reason and ``kept`` -> faces, in the order of the label set."""
    table: dict[str, dict[str, int]] = {}
    labels = manifest.frame["label"].to_numpy(dtype=object)
    targets = manifest.targets()
    for target in [*range(len(manifest.labels)), -1]:
        rows = np.flatnonzero(targets == target).tolist()
        if rows:
            line = {"drawn": len(rows)}
            line.update({reason: sum(reason in judged[row] for row in rows) for reason in REASONS})
            line["kept"] = sum(not judged[row] for row in rows)
            table[labels[rows[0]] or NO_LABEL] = line
    return table


def _notes(synthetic: Manifest, network: Network, found: Survey) -> list[str]:
    notes = []
    missing = [
        name
        for target, name in enumerate(synthetic.labels.names)
        if (synthetic.targets() == target).any() and network.card.labels.find(name) is None
    ]
    if missing:
        notes.append(f"{network.card.name} does not know {', '.join(missing)}: labels of these faces were not checked")
    if (synthetic.targets() < 0).any():
        notes.append(f"{int((synthetic.targets() < 0).sum())} faces have no label: there was nothing to check")
    real = int((synthetic.frame["origin"] != "synthetic").sum())
    if real:
        notes.append(f"{real} rows of the drawn faces do not say origin=synthetic")
    if found.problems:
        notes.append(f"{len(found.problems)} pictures cannot be read; the first: {next(iter(found.problems.values()))}")
    return notes
