"""Queries to a table of videos, a page of results at a time.

Each page costs a search, and its videos one request more for length, licence and what else a search does not tell.
After each page what was found is saved beside the table, so that a search that was stopped, by its quota, the network
or the user, goes on there. The table itself is written when all queries are done.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mien.collect.api import PageGone, QuotaSpent, YouTube
from mien.collect.listing import Video, read_rows, write_videos
from mien.collect.progress import Asked, Progress
from mien.errors import InputError

LICENCES = ("creativeCommon", "youtube", "any")
ORDERS = ("relevance", "date", "viewCount", "rating", "title")
#: Of the API: videos on a page, and ids in a request for their details.
PAGE = 50
_SEPARATOR = "|"
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_CATEGORY = re.compile(r"([\w-]+)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """What is asked, and the category that its videos get.

    Attributes:
        text: as in YouTube's own search; ``-word`` leaves out, ``a|b`` means either.
        category: may be empty.
    """

    text: str
    category: str = ""

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read ``text`` or ``category=text``.

        Example:
            >>> Query.parse("angry=angry reaction")
            Query(text='angry reaction', category='angry')
        """
        match = _CATEGORY.fullmatch(text.strip())
        query = cls(match[2].strip(), match[1]) if match else cls(text.strip())
        if not query.text:
            raise InputError(f"query {text!r}: is empty; expected words, or category=words")
        return query


@dataclass(frozen=True)
class Wanted:
    """Which of the videos that a query finds are wanted.

    Attributes:
        licence: ``creativeCommon``, ``youtube`` (the standard licence) or ``any``.
        shortest_s: length in seconds at least, and ``longest_s`` at most; None for any.
        after: published on this day or later, and ``before`` this day.
        language: that the results are about (``en``); YouTube only prefers them.
        region: country in which the videos can be seen (``DE``).
        definition: ``any``, ``high`` or ``standard``.
        order: of the results.

    Raises:
        InputError: a value that is none of these.
    """

    licence: str = "creativeCommon"
    shortest_s: float | None = None
    longest_s: float | None = None
    after: str = ""
    before: str = ""
    language: str = ""
    region: str = ""
    definition: str = "any"
    order: str = "relevance"

    def __post_init__(self) -> None:
        for name, known in (
            ("licence", LICENCES),
            ("order", ORDERS),
            ("definition", ("any", "high", "standard")),
        ):
            if getattr(self, name) not in known:
                raise InputError(f"{name} {getattr(self, name)}: expected one of {', '.join(known)}")
        for name, pattern, example in (("language", "[a-z]{2}(-[A-Za-z]+)?", "en"), ("region", "[A-Z]{2}", "DE")):
            if (value := getattr(self, name)) and not re.fullmatch(pattern, value):
                raise InputError(f"{name} {value}: expected a code such as {example}")
        for name in ("after", "before"):
            if value := getattr(self, name):
                try:
                    date.fromisoformat(value)
                except ValueError:
                    raise InputError(f"{name} {value}: expected a day such as 2025-12-31") from None

    def parameters(self) -> dict[str, str]:
        """What the API is asked for; it knows lengths only roughly, so they are checked again."""
        shortest, longest = self.shortest_s or 0.0, self.longest_s or float("inf")
        rough = "short" if longest < 240 else "long" if shortest > 1200 else ""
        rough = rough or ("medium" if shortest >= 240 and longest <= 1200 else "")
        asked = {
            "videoLicense": "" if self.licence == "any" else self.licence,
            "videoDuration": rough,
            "publishedAfter": f"{self.after}T00:00:00Z" if self.after else "",
            "publishedBefore": f"{self.before}T00:00:00Z" if self.before else "",
            "relevanceLanguage": self.language,
            "regionCode": self.region,
            "videoDefinition": "" if self.definition == "any" else self.definition,
        }
        return {"order": self.order, **{name: value for name, value in asked.items() if value}}

    def fits(self, video: Video) -> bool:
        """Whether a video is wanted: its licence and its length."""
        return (
            self.licence in ("any", video.licence)
            and video.duration_s >= (self.shortest_s or 0.0)
            and video.duration_s <= (self.longest_s or float("inf"))
        )


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        videos: that were found; those of the earlier parts of a stopped search, too.
        units: of quota that this run has spent, and ``searches`` its number of searches.
        stopped: why it ended before its end, and the table was not written; None when all is done.
        left: queries that are not done.
    """

    videos: list[Video]
    units: int
    searches: int
    stopped: str | None
    left: int

    @property
    def unclear(self) -> int:
        """Videos that were found for more than one category."""
        return sum(_SEPARATOR in video.category for video in self.videos)


def search(
    queries: Sequence[Query],
    out: str | os.PathLike[str],
    wanted: Wanted | None = None,
    *,
    most: int = 50,
    youtube: YouTube,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Found:
    """Search, and write the table when all queries are done.

    Args:
        queries: each is asked by itself; a video that several find is one row that names all of them.
        out: CSV of the videos; ``out`` with the suffix ``.search.json`` is what a stopped search goes on with.
        wanted: filters.
        most: videos for each query at most; YouTube shows some 500 of one query.
        youtube: the API.
        progress: called with "videos", videos found and wanted.

    Raises:
        InputError: no queries, or a stopped search with other filters is waiting at this place.
        CollectError: the API refuses, or does not answer; what was found is kept for the next call.
    """
    if not queries:
        raise InputError("nothing to search for: give a query, such as 'surprised reaction', or a table of them")
    wanted = wanted or Wanted()
    out, queries = Path(out), list(dict.fromkeys(queries))
    state = Progress.load(out.with_suffix(".search.json"), asdict(wanted))
    stopped, renewed = None, set[str]()
    for query in queries:
        try:
            while not _is_done(state.of(query.text), most):
                _page(query.text, wanted, state, youtube, renewed)
                state.save()
                progress("videos", _count(state, queries, most), most * len(queries))
        except QuotaSpent as error:
            stopped = str(error)
            break
    left = sum(not _is_done(state.of(query.text), most) for query in queries)
    videos = _table(queries, state, most)
    if stopped is None:
        write_videos(out, videos)
        state.forget()
    return Found(videos, youtube.units, youtube.searches, stopped, left)


def read_queries(path: str | os.PathLike[str]) -> list[Query]:
    """Read a CSV with a column ``query``, and ``category`` or not.

    Raises:
        InputError: there is no such column.
    """
    return [Query(row["query"], row.get("category", "")) for row in read_rows(path, "query") if row["query"]]


def seconds(duration: str) -> int:
    """The seconds of a length in ISO 8601; 0 for what is none, such as that of a live stream.

    Example:
        >>> seconds("PT1H2M3S"), seconds("P1DT1S"), seconds("P0D")
        (3723, 86401, 0)
    """
    match = _DURATION.fullmatch(duration)
    weeks, days, hours, minutes, rest = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0, 0)
    return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + rest


def _is_done(asked: Asked, most: int) -> bool:
    return asked.is_at_end or len(asked.ids) >= most


def _count(state: Progress, queries: Sequence[Query], most: int) -> int:
    return sum(min(len(state.of(query.text).ids), most) for query in queries)


def _page(text: str, wanted: Wanted, state: Progress, youtube: YouTube, renewed: set[str]) -> None:
    """Take the next page of a query's results, with the details of its videos.

    A page token that a stopped search left may be forgotten by now: the query is then begun again, once.
    """
    asked = state.of(text)
    parameters = {"part": "id", "type": "video", "maxResults": str(PAGE), "q": text, **wanted.parameters()}
    try:
        answer = youtube.get("search", {**parameters, **({"pageToken": asked.token} if asked.token else {})})
    except PageGone:
        if not asked.token or text in renewed:
            raise
        renewed.add(text)
        state.put(text, replace(asked, token=""))  # from the first page; videos that are known are not asked for again
        return
    ids = [item["id"]["videoId"] for item in answer["items"] if item.get("id", {}).get("videoId")]
    fresh = [video for video in dict.fromkeys(ids) if video not in state.seen]
    if fresh:
        details = youtube.get("videos", {"part": "snippet,contentDetails,status,statistics", "id": ",".join(fresh)})
        found = [_video(item) for item in details["items"] if _is_over(item)]
        state.seen.update({video.video: asdict(video) if wanted.fits(video) else None for video in found})
        state.seen.update({video: None for video in fresh if video not in state.seen})  # live, private, deleted
    good = [video for video in ids if state.seen[video] is not None]
    token = str(answer.get("nextPageToken", ""))
    state.put(text, Asked(list(dict.fromkeys([*asked.ids, *good])), token, is_at_end=not token or not ids))


def _is_over(item: dict[str, Any]) -> bool:
    return bool(item.get("snippet", {}).get("liveBroadcastContent", "none") == "none")


def _video(item: dict[str, Any]) -> Video:
    """A row, without category and query, from an item of videos.list."""
    snippet, status = item.get("snippet", {}), item.get("status", {})
    content = item.get("contentDetails", {})
    return Video(
        video=item["id"],
        url=f"https://www.youtube.com/watch?v={item['id']}",
        title=" ".join(str(snippet.get("title", "")).split()),
        channel=" ".join(str(snippet.get("channelTitle", "")).split()),
        channel_id=snippet.get("channelId", ""),
        published=snippet.get("publishedAt", ""),
        duration_s=seconds(content.get("duration", "")),
        licence=status.get("license", ""),
        definition=content.get("definition", ""),
        embeddable="yes" if status.get("embeddable") else "no",
        made_for_kids="yes" if status.get("madeForKids") else "no",
        language=snippet.get("defaultAudioLanguage", ""),
        views=str(item.get("statistics", {}).get("viewCount", "")),
        category="",
        query="",
        found=datetime.now(UTC).date().isoformat(),
    )


def _table(queries: Sequence[Query], state: Progress, most: int) -> list[Video]:
    """One row per video, in the order in which the queries found them."""
    by: dict[str, list[Query]] = {}
    for query in queries:
        for video in state.of(query.text).ids[:most]:
            by.setdefault(video, []).append(query)
    return [
        replace(
            Video(**(state.seen[video] or {})),
            category=_SEPARATOR.join(dict.fromkeys(query.category for query in asked if query.category)),
            query=_SEPARATOR.join(dict.fromkeys(query.text for query in asked)),
        )
        for video, asked in by.items()
    ]
