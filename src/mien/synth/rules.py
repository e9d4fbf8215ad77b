"""The checks of drawn faces: what each wants, and why a face fails it.

unreadable      the picture cannot be read
no face         the detector finds none
several faces   the detector finds more than one
blurred         less sharp than nearly all real faces, at the same size
label           the recognizer gives the label that the face was drawn for too little probability
copy            a photograph of the real set again: as it is, or mirrored, turned, enlarged, blurred
duplicate       another drawn face, which is kept, shows the same
over the cap    enough others of the class have their label with more probability

A copy is told by the fine detail of the pixels and not by the recognizer's features: those are made to forget who it
is and how the picture was taken. Of copies that were blurred or made grainy their nearest neighbour finds none, of
mirrored ones a tenth (benchmarks/results/screening.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.data.copies import Match
from mien.data.hashes import alike
from mien.errors import InputError
from mien.faces import DEFAULT
from mien.synth.survey import Survey

REASONS = ("unreadable", "no face", "several faces", "blurred", "label", "copy", "duplicate", "over the cap")
#: Reason -> what is to be said of it; of one row.
Why = dict[str, str]


@dataclass(frozen=True)
class Rules:
    """What a drawn face must be like; every check can be left out.

    Attributes:
        detector: must find exactly one face; an entry of ``mien.faces.DETECTORS``, None for no look.
        sharpness: as sharp as this percentile of the real faces; 0 for any.
        agree: least probability of the face's own label, by the recognizer; 0 for any. From 0.5 on it must be the most
            probable class.
        copies: leave out what shows a photograph of the real set again.
        duplicates: of drawn faces that show the same, keep only the one whose label is the most probable.
        cap: keep at most so many of a class: those whose label is the most probable.

    Raises:
        InputError: a number out of its range.
    """

    detector: str | None = DEFAULT
    sharpness: float = 5.0
    agree: float = 0.5
    copies: bool = True
    duplicates: bool = True
    cap: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.sharpness < 100:
            raise InputError(f"sharpness is {self.sharpness:g}: expected a percentile, 0 (any) to below 100")
        if not 0 <= self.agree <= 1:
            raise InputError(f"agree is {self.agree:g}: expected a probability, 0 (any) to 1")
        if self.cap is not None and self.cap < 1:
            raise InputError(f"cap is {self.cap}: expected at least 1 face per class")


def judge(
    found: Survey, rules: Rules, least_sharp: float, matches: Mapping[int, Match], photographs: Sequence[str]
) -> list[Why]:
    """The checks that need nothing but the picture itself, and the real set.

    Args:
        found: what was measured.
        rules: what is wanted.
        least_sharp: the sharpness that is wanted.
        matches: row -> what the real set has most like it; rows that were not looked up are missing.
        photographs: names of the real set's pictures.
    """
    judged = []
    for row in range(len(found)):
        why: Why = {}
        judged.append(why)
        if row in found.problems:
            why["unreadable"] = found.problems[row]
            continue
        if found.faces[row] == 0:
            why["no face"] = ""
        elif found.faces[row] > 1:
            why["several faces"] = f"{found.faces[row]} faces"
        if found.sharpness[row] < least_sharp:
            why["blurred"] = f"sharpness {found.sharpness[row]:.0f}, at least {least_sharp:.0f}"
        if found.probability[row] < rules.agree:
            why["label"] = f"has {found.probability[row]:.0%} for its label, reads as {found.reads_as[row]}"
        if row in matches and matches[row].is_copy:
            match = matches[row]
            mirrored = ", mirrored" if match.is_mirrored else ""
            why["copy"] = f"of {photographs[match.row]} ({match.similarity:.2f}{mirrored})"
    return judged


def drop_duplicates(
    found: Survey,
    judged: list[Why],
    names: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Give all but the best of the faces that show the same a reason; those that have one already do not count."""
    first: dict[bytes, int] = {}
    passing = [row for row in _best_first(found, range(len(found))) if not judged[row]]
    for row in passing:
        first.setdefault(found.digests[row], row)
    beside: dict[int, list[int]] = {}
    for pair in alike(found.thumbnails, sorted(first.values()), progress=progress):
        beside.setdefault(pair.first, []).append(pair.second)
        beside.setdefault(pair.second, []).append(pair.first)
    kept: set[int] = set()
    for row in passing:
        same = first[found.digests[row]]
        other = next((each for each in (same, *beside.get(same, [])) if each in kept), None)
        if other is None:
            kept.add(row)
        else:
            judged[row]["duplicate"] = f"of {names[other]}"


def cap(found: Survey, judged: list[Why], targets: NDArray[np.int64], most: int) -> None:
    """Keep the ``most`` faces of each class whose label is the most probable; those without one come last."""
    for target in np.unique(targets):
        passing = [row for row in np.flatnonzero(targets == target).tolist() if not judged[row]]
        for row in _best_first(found, passing)[most:]:
            judged[row]["over the cap"] = f"{len(passing)} pass, the best {most} are kept"


def _best_first(found: Survey, rows: Sequence[int]) -> list[int]:
    return sorted(rows, key=lambda row: (-np.nan_to_num(found.probability[row], nan=-1.0), row))
