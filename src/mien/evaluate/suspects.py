"""Labels to look at again: those that a model confidently contradicts, and those that people disagree on.

The model's say comes from saved scores, which should be out of fold: a model agrees with the wrong labels that it has
learned. The people's say comes from the manifest's votes. Nothing is changed here; a person decides.
"""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_text
from mien.data.faces import ids_of
from mien.errors import InputError
from mien.evaluate.noise import Noise, confident_learning
from mien.evaluate.view import view
from mien.manifest import OTHER_VOTES, VOTES, Manifest
from mien.scores import Scores

#: Columns of the file for review; ``decision`` is empty and waits for keep, drop or relabel.
COLUMNS = (
    "row", "image", "label", "suggested", "margin", "vote_share", "vote_entropy", "why", "split", "decision",
)  # fmt: skip
#: People disagree with a label that fewer than this share of them gave.
HALF = 0.5


@dataclass(frozen=True)
class Suspect:
    """One label to look at.

    Attributes:
        row: of the manifest, counted from 0.
        label: what the manifest says.
        suggested: what the model says, or for people alone, most of them; empty where no answer leads.
        margin: the model's probability of the label less that of the most probable other class; None without a model.
        vote_share: share of the votes that name the label; None without votes.
        vote_entropy: of the votes, in bits; 0 = all agree; None without votes.
        why: ``model``, ``people`` or ``both``.
    """

    row: int
    label: str
    suggested: str
    margin: float | None
    vote_share: float | None
    vote_entropy: float | None
    why: str


@dataclass(frozen=True, eq=False)
class Suspects:
    """All of them.

    Attributes:
        found: first those of the model, smallest margin first; then those of people alone, smallest share first.
        judged: labels that the model looked at.
        voted: labels that people voted on.
        classes: of the joint.
        noise: what confident learning found, or None without scores.
        notes: what must be said beside the numbers.
    """

    found: tuple[Suspect, ...]
    judged: int
    voted: int
    classes: tuple[str, ...]
    noise: Noise | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.found)

    def by(self, *why: str) -> list[Suspect]:
        """Those with one of the reasons."""
        return [suspect for suspect in self.found if suspect.why in why]

    def pairs(self) -> dict[str, int]:
        """Label and suggestion of those that the model named, the most common first."""
        counts: dict[str, int] = {}
        for suspect in self.by("model", "both"):
            name = f"{suspect.label} -> {suspect.suggested}"
            counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        counts = {why: len(self.by(why)) for why in ("model", "people", "both")}
        estimate = None if self.noise is None else round(self.noise.rate, 6)
        about = {"judged": self.judged, "voted": self.voted, "counts": counts, "estimated_noise": estimate}
        joint = None if self.noise is None else {"classes": list(self.classes), "counts": self.noise.joint.tolist()}
        return {
            **about,
            "joint": joint,
            "pairs": self.pairs(),
            "notes": list(self.notes),
            "suspects": [asdict(suspect) for suspect in self.found],
        }

    def save(self, path: str | os.PathLike[str], manifest: Manifest) -> None:
        """Write ``.csv`` for review (one line per suspect, an empty column ``decision``) or ``.json``.

        Raises:
            InputError: another suffix.
        """
        path = Path(path)
        if path.suffix == ".json":
            write_text(path, json.dumps(self.to_dict(), indent=1) + "\n")
        elif path.suffix == ".csv":
            write_text(path, self._table(manifest))
        else:
            raise InputError(f"{path}: suspects are written as .csv or .json")

    def _table(self, manifest: Manifest) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for suspect in self.found:
            values = {name: _short(value) for name, value in asdict(suspect).items()}
            place = manifest.frame.iloc[suspect.row]
            writer.writerow({**values, "image": place["image"], "split": place["split"], "decision": ""})
        return text.getvalue()


def find_suspects(manifest: Manifest, scores: Scores | None = None) -> Suspects:
    """Find labels to look at again.

    Args:
        manifest: the data; its labels are judged, whatever labels the scores were made with.
        scores: of a model that has not learned from these labels; only the rows that they have are judged. None to
            ask the votes alone.

    Raises:
        InputError: neither scores nor votes, scores of other pictures, or no label that the model knows.
    """
    share, entropy, favourite = _votes(manifest)
    if scores is None and not np.isfinite(share).any():
        raise InputError(
            "nothing to judge the labels by: the manifest has no votes, so name scores (--scores) or a recipe to make "
            "them with (--recipe)"
        )
    labels = manifest.frame["label"].tolist()
    margins: dict[int, tuple[float, str]] = {}
    judged, classes, noise, notes = 0, manifest.labels.names, None, []
    if scores is not None:
        viewed = view(scores).scores
        classes = viewed.labels.names
        rows, kept = _match(manifest, viewed)
        share[np.isin(np.arange(len(manifest)), rows, invert=True)] = np.nan
        index = [viewed.labels.find(labels[row]) if labels[row] else None for row in rows]
        known = np.array([place is not None for place in index])
        if not known.any():
            raise InputError(f"no label of the manifest is one of the model's: {', '.join(classes)}")
        targets = np.array([place for place in index if place is not None], np.int64)
        rows, judged = rows[known], int(known.sum())
        noise = confident_learning(viewed.probabilities()[kept][known], targets)
        for place in noise.suspects.tolist():
            margins[int(rows[place])] = (float(noise.margins[place]), classes[noise.suggested[place]])
        notes = _notes(scores, len(rows), int((~known).sum()))
    disagree = {row for row in np.flatnonzero(share < HALF).tolist() if labels[row]}
    alone = sorted(disagree - margins.keys(), key=lambda row: (share[row], entropy[row], row))
    found = [
        Suspect(
            row=row,
            label=labels[row],
            suggested=margins[row][1] if row in margins else favourite[row],
            margin=margins[row][0] if row in margins else None,
            vote_share=_number(share[row]),
            vote_entropy=_number(entropy[row]),
            why="people" if row not in margins else "both" if row in disagree else "model",
        )
        for row in [*margins, *alone]
    ]
    return Suspects(tuple(found), judged, int(np.isfinite(share).sum()), tuple(classes), noise, tuple(notes))


def _votes(manifest: Manifest) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Share of the votes that name the label, entropy in bits over all answers, and the answer that leads."""
    answers = [str(name) for name in manifest.frame.columns if str(name).startswith((VOTES, OTHER_VOTES))]
    nothing = np.full(len(manifest), np.nan)
    if not manifest.vote_classes:
        return nothing, nothing, [""] * len(manifest)
    votes = np.column_stack([manifest.frame[name].to_numpy(np.float64, na_value=0.0) for name in answers])
    total = votes.sum(axis=1)
    parts = votes / np.where(total > 0, total, 1.0)[:, None]
    entropy = -(parts * np.log2(np.where(parts > 0, parts, 1.0))).sum(axis=1) + 0.0
    classes = [manifest.labels.find(name.removeprefix(VOTES)) if name.startswith(VOTES) else None for name in answers]
    share, targets = np.zeros(len(manifest)), manifest.targets()
    for column, place in enumerate(classes):
        if place is not None:
            share += np.where(targets == place, parts[:, column], 0.0)
    best, leads = votes.argmax(axis=1), (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) == 1
    named = ["" if place is None else manifest.labels.names[place] for place in classes]
    favourite = [named[column] if leads[row] else "" for row, column in enumerate(best.tolist())]
    return np.where(total > 0, share, np.nan), np.where(total > 0, entropy, np.nan), favourite


def _match(manifest: Manifest, scores: Scores) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the manifest that have scores, and which rows of the scores those are."""
    places: dict[str, list[int]] = {}
    for row, name in enumerate(ids_of(manifest).tolist()):
        places.setdefault(name, []).append(row)
    pairs = []
    for place, name in enumerate(scores.ids.tolist()):
        rows = places.get(name)
        if not rows:
            raise InputError(f"the manifest has no picture {name}, which the scores have: name the manifest scored")
        pairs.append((rows.pop(0) if len(rows) > 1 else rows[0], place))
    return np.array([row for row, _ in pairs], np.intp), np.array([place for _, place in pairs], np.intp)


def _notes(scores: Scores, judged: int, unknown: int) -> list[str]:
    notes = []
    made = scores.about.get("made_from") or {}
    learned = made.get("train")
    if "folds" not in scores.about and made.get("digest") == scores.about.get("manifest") and scores.splits is not None:
        count = int((scores.splits == learned).sum())
        if count:
            notes.append(
                f"The model was trained on {count:,} of these pictures ({learned}): it agrees with wrong labels that "
                "it has learned. Scores out of fold (--recipe) find more."
            )
    if unknown:
        notes.append(f"{unknown:,} scored pictures have no label, or one that the model does not know.")
    if judged < 200:
        notes.append(f"Only {judged} labels were judged: thresholds from so few are rough.")
    return notes


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _short(value: Any) -> Any:
    """A cell: numbers with four digits, nothing for None."""
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else value
