"""Tables of videos: what a search writes, and what a download reads (that, or any table with links)."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from mien.atomic import writing
from mien.errors import InputError

#: Licences of rows that may be downloaded without ``any_licence``: the names that platforms and people use for
#: Creative Commons, and the public domain.
_OPEN = re.compile(r"creative\s*commons?|\bcc[\s-]?(?:0|by)|public\s*domain", re.IGNORECASE)
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")


@dataclass(frozen=True)
class Video:
    """A video that was found, as a row of the table.

    Attributes:
        video: YouTube's id; the name of the file, too.
        url: its page.
        title: as it is shown.
        channel: who published it, and ``channel_id``. The same people are seen in the videos of a channel.
        published: date and time, ISO 8601.
        duration_s: length in seconds.
        licence: ``creativeCommon`` (CC BY) or ``youtube`` (YouTube's standard licence: not for reuse).
        definition: ``hd`` or ``sd``.
        embeddable: ``yes`` or ``no``.
        made_for_kids: ``yes`` or ``no``.
        language: of the sound, or empty.
        views: how often it was played; empty where that is hidden.
        category: of the query that found it; several are joined with ``|``.
        query: what was asked; several are joined with ``|``.
        found: date of the search, UTC.
    """

    video: str
    url: str
    title: str
    channel: str
    channel_id: str
    published: str
    duration_s: int
    licence: str
    definition: str
    embeddable: str
    made_for_kids: str
    language: str
    views: str
    category: str
    query: str
    found: str


@dataclass(frozen=True)
class Link:
    """A row of a list to download.

    Attributes:
        name: of the file, without its suffix; unique in the list.
        url: of the video or its page.
        licence: as the list says it, or empty.
        duration_s: as the list says it, or None.
        columns: further columns that go into the table of results: category, channel, label, subject.
    """

    name: str
    url: str
    licence: str
    duration_s: float | None
    columns: Mapping[str, str]

    def apart(self) -> Link:
        """The same under a name that no other address has."""
        return replace(self, name=f"{self.name}-{hashlib.sha256(self.url.encode()).hexdigest()[:8]}")


#: Columns of a list that the table of results has as well.
KEPT = ("category", "channel", "label", "subject")


def write_videos(path: str | os.PathLike[str], videos: Sequence[Video]) -> None:
    """Write a table of videos: whole or not at all."""
    write_rows(path, [field.name for field in fields(Video)], (asdict(video) for video in videos))


def write_rows(path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV: whole or not at all."""
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: str | os.PathLike[str], needed: str) -> list[dict[str, str]]:
    """Read a CSV that has the column ``needed``.

    Raises:
        InputError: the column is not there, or the file is no text.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if needed not in (reader.fieldnames or ()):
                raise InputError(f"{path}: has no column {needed}, only {', '.join(reader.fieldnames or ())}")
            return [
                {column: (value or "").strip() for column, value in row.items() if isinstance(column, str)}
                for row in reader
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV in UTF-8 ({error})") from None


def read_links(path: str | os.PathLike[str]) -> list[Link]:
    """Read what is to be downloaded: a table of a search, or any CSV with a column ``url``.

    Files are named by the column ``video``; where there is none by the id in a YouTube address, else by the address's
    last part. Rows with the same address count once.

    Raises:
        InputError: no column ``url``, an address that is none, or no rows.
    """
    rows: dict[str, dict[str, str]] = {}
    for number, row in enumerate(read_rows(path, "url"), start=2):
        parts = urlsplit(row["url"])
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError(f"{path}: line {number}: {row['url']!r} is no address that begins with https://")
        rows.setdefault(row["url"], row)
    if not rows:
        raise InputError(f"{path}: has no rows")
    names = {url: _name(row.get("video", ""), url) for url, row in rows.items()}
    often = Counter(name.lower() for name in names.values())  # some file systems do not tell cases apart
    links = [
        Link(
            names[url],
            url,
            row.get("licence", ""),
            _number(row.get("duration_s", "")),
            {column: row.get(column, "") for column in KEPT},
        )
        for url, row in rows.items()
    ]
    return [link if often[link.name.lower()] == 1 else link.apart() for link in links]


def is_open(licence: str) -> bool:
    """Whether a licence is one of Creative Commons, or the public domain.

    Example:
        >>> is_open("creativeCommon"), is_open("CC-BY 4.0"), is_open("youtube"), is_open("")
        (True, True, False, False)
    """
    return bool(_OPEN.search(licence))


def youtube_id(url: str) -> str | None:
    """The id of a YouTube video in its address, or None.

    Example:
        >>> youtube_id("https://youtu.be/dQw4w9WgXcQ?t=3"), youtube_id("https://example.org/dQw4w9WgXcQ")
        ('dQw4w9WgXcQ', None)
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    if host == "youtu.be":
        found = parts.path.strip("/")
    elif host in {"youtube.com", "youtube-nocookie.com", "music.youtube.com"}:
        found = parse_qs(parts.query).get("v", [""])[0]
        kind, _, rest = parts.path.strip("/").partition("/")
        found = rest if kind in {"shorts", "embed", "live", "v"} else found
    else:
        return None
    return found if _YOUTUBE_ID.fullmatch(found) else None


def _name(given: str, url: str) -> str:
    """A file's name without suffix, of characters that file systems do not differ about."""
    name = given or youtube_id(url) or Path(unquote(urlsplit(url).path)).stem or "video"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".")[:100] or "video"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
