"""A contact sheet of suspects: the picture, what its label says, what the model or people say."""

from __future__ import annotations

from mien.data.faces import face_in
from mien.errors import ImageError
from mien.evaluate.suspects import Suspect, Suspects
from mien.images import Pixels
from mien.manifest import Manifest
from mien.report.sheet import Group, Tile, sheet

#: Width of a picture that leaves room for "surprise > neutral".
TILE_PX = 96


def suspect_sheet(manifest: Manifest, suspects: Suspects, *, limit: int = 120, columns: int = 10) -> Pixels:
    """Draw suspects, one group for each label and what it should perhaps be, the largest group first.

    Args:
        manifest: the data.
        suspects: what was found in it.
        limit: pictures at most: the first of the list, which are the most suspect.
        columns: pictures per line.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: there are no suspects.
    """
    groups: dict[tuple[bool, str, str], list[Suspect]] = {}
    for suspect in suspects.found[:limit]:
        groups.setdefault((suspect.why == "people", suspect.label, suspect.suggested), []).append(suspect)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0]))
    drawn, heads = [], set()
    for (is_people, label, suggested), found in ordered:
        who = "people disagree with the label" if is_people else "the model contradicts the label"
        title = f"{label} > {suggested or 'no clear answer'}"
        drawn.append(Group([_tile(manifest, each) for each in found], title, "" if who in heads else who))
        heads.add(who)
    shown = min(limit, len(suspects))
    title = f"{shown:,} of {len(suspects):,} suspects; below each: row, margin of the label, share of votes for it"
    return sheet(drawn, columns=columns, tile_px=TILE_PX, title=title)


def _tile(manifest: Manifest, suspect: Suspect) -> Tile:
    try:
        image = face_in(manifest, suspect.row)
    except ImageError:
        image = None
    numbers = [] if suspect.margin is None else [f"{suspect.margin:+.2f}"]
    numbers += [] if suspect.vote_share is None else [f"{suspect.vote_share:.0%}"]
    return Tile(image, f"{suspect.row}\n{'  '.join(numbers)}")
