"""A list of videos to a folder of files, and a table that says what became of each.

    videos/ID.mp4             the picture; the sound is left out where the platform offers it apart
    videos/downloads.csv      one row per video, written anew after each
    videos/archive.txt        yt-dlp's list of what was downloaded: not downloaded again, also when the file is gone

One after the other, with a pause between: a platform is not to be hurried.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mien.collect.fetch import Failed, Fetcher, Limits, Skipped
from mien.collect.javascript import INSTALL, is_ready, told
from mien.collect.listing import KEPT, Link, read_links, read_rows, write_rows, youtube_id
from mien.errors import InputError

TABLE = "downloads.csv"
ARCHIVE = "archive.txt"
COLUMNS = ("video", "file", "status", "reason", "bytes", "seconds", "url", "licence", *KEPT)
MEANING = """downloading needs your word that you have the right to, --i-have-the-right. You say with it:
  - the platform's terms allow it, or it and the rights' owner have agreed (YouTube's terms forbid downloads but those
    that it offers itself or has permitted; a Creative Commons licence does not change them);
  - copyright: the licence of each video allows your use, and you will name the authors where it asks for that;
  - privacy: the people who are seen are protected by law (in Europe the GDPR; faces for recognition are biometric
    data). You have a lawful ground, keep no more and no longer than you need, and delete on request."""


@dataclass(frozen=True)
class Result:
    """What became of a video; a row of the table.

    Attributes:
        link: which.
        status: ``ok``, ``skipped`` or ``failed``.
        reason: why it was skipped or failed; empty when it is ok.
        file: its name in the folder; empty when there is none.
        size_bytes: of the file.
        seconds: length, as the file says it.
        licence: as the list or the platform says it.
    """

    link: Link
    status: str
    reason: str = ""
    file: str = ""
    size_bytes: int = 0
    seconds: float | None = None
    licence: str = ""

    def row(self) -> dict[str, str]:
        """As it stands in the table."""
        return {
            "video": self.link.name,
            "file": self.file,
            "status": self.status,
            "reason": self.reason,
            "bytes": str(self.size_bytes) if self.file else "",
            "seconds": "" if self.seconds is None else f"{self.seconds:.3f}",
            "url": self.link.url,
            "licence": self.licence,
            **self.link.columns,
        }


def download(
    listing: str | os.PathLike[str],
    out: str | os.PathLike[str],
    limits: Limits | None = None,
    *,
    has_right: bool,
    pause_s: float = 5.0,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Result]:
    """Download the videos of a list.

    Args:
        listing: table of a search, or any CSV with a column ``url``.
        out: folder; what is there from earlier calls is not downloaded again.
        limits: which videos, how tall, how large, how fast.
        has_right: the caller's word that platform, licences and privacy allow it; see ``MEANING``.
        pause_s: between two videos.
        progress: called with "videos", videos done and in all.
        say: is told what stands in the way of some videos before they are tried.

    Returns:
        A result for each video of the list. A failure stops nothing; a stop by the user leaves the table of those
        that were tried.

    Raises:
        InputError: the right was not claimed, or the list is none.
        MissingExtra: yt-dlp is not installed.
    """
    if not has_right:
        raise InputError(MEANING)
    links, out, limits = read_links(listing), Path(out), limits or Limits()
    out.mkdir(parents=True, exist_ok=True)
    rows = {row["video"]: row for row in read_rows(out / TABLE, "video")} if (out / TABLE).exists() else {}
    results: list[Result] = []
    with Fetcher(out, out / ARCHIVE, limits) as fetcher:
        if any(youtube_id(link.url) for link in links) and not is_ready():
            say(f"YouTube needs a JavaScript runtime, found: {told()}. Install one: {INSTALL}; mien doctor tells more")
        is_first = True
        for number, link in enumerate(links):
            progress("videos", number, len(links))
            if link.name in rows and rows[link.name]["url"] != link.url:
                link = link.apart()  # an earlier list had another video of this name
            known = _known(link, rows.get(link.name), out, limits)
            if known is None:
                if not is_first:
                    time.sleep(pause_s)
                is_first = False
            rows[link.name] = Result(link, "failed", "stopped before its end", licence=link.licence).row()
            try:
                results.append(known or _one(link, fetcher))
                rows[link.name] = results[-1].row()
            finally:  # also when the user stops it
                _write(out, list(rows.values()))
        progress("videos", len(links), len(links))
    return results


def _known(link: Link, row: dict[str, str] | None, out: Path, limits: Limits) -> Result | None:
    """The result of a video that need not be asked for."""
    if row is not None and row["status"] == "ok" and (out / row["file"]).is_file():
        seconds = float(row["seconds"]) if row["seconds"] else None
        return Result(link, "ok", "", row["file"], (out / row["file"]).stat().st_size, seconds, row["licence"])
    objection = limits.objection(link.licence or None, link.duration_s)
    return None if objection is None else Result(link, "skipped", objection, licence=link.licence)


def _one(link: Link, fetcher: Fetcher) -> Result:
    try:
        done = fetcher.fetch(link)
    except Skipped as reason:
        return Result(link, "skipped", str(reason), licence=link.licence)
    except Failed as reason:
        return Result(link, "failed", str(reason), licence=link.licence)
    return Result(link, "ok", "", done.file.name, done.file.stat().st_size, done.seconds, done.licence)


def _write(out: Path, rows: list[dict[str, str]]) -> None:
    """Write the table; labels and persons have a column when there are any."""
    empty = {column for column in ("label", "subject") if not any(row.get(column) for row in rows)}
    write_rows(out / TABLE, [column for column in COLUMNS if column not in empty], rows)
