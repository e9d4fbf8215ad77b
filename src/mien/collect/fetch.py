"""One video, by yt-dlp: its picture without sound, under a name of ours, looked into before it counts.

No login, no cookies, no way around a country's or an age's limits: what needs them is not public.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from mien.collect.javascript import RUNTIMES
from mien.collect.listing import Link, is_open
from mien.errors import VideoError, need
from mien.runtime.clip import Clip

#: A transfer that breaks off is taken up where it ended this often, after 1, 2, 4 ... seconds, at most the last.
RETRIES = 5
LONGEST_WAIT_S = 30.0
#: Addresses that only name another one are followed this far.
_HOPS = 5


@dataclass(frozen=True)
class Limits:
    """What is downloaded.

    Attributes:
        tallest_px: of the versions that a platform has, the best that is no taller.
        largest_bytes: larger files are not downloaded; None for any.
        longest_s: nor longer videos.
        rate: bytes per second at most.
        any_licence: also videos whose licence is not known to be an open one.
    """

    tallest_px: int = 720
    largest_bytes: int | None = None
    longest_s: float | None = None
    rate: float | None = None
    any_licence: bool = False

    def objection(self, licence: str | None, length_s: float | None) -> str | None:
        """Why a video is not wanted, by what is known of it (None: not yet known); None when nothing is against it.

        Example:
            >>> Limits(longest_s=60).objection("youtube", None)
            'licence youtube: only open licences are downloaded'
        """
        if licence is not None and not self.any_licence and not is_open(licence):
            return f"licence {licence or 'not known'}: only open licences are downloaded"
        if length_s is not None and self.longest_s is not None and length_s > self.longest_s:
            return f"{length_s:.0f} s long, the limit is {self.longest_s:.0f}"
        return None


@dataclass(frozen=True)
class Fetched:
    """A file that is there now.

    Attributes:
        file: where.
        seconds: its length, as the file says it; None when it does not.
        licence: of the list, else as the platform says it, else empty.
    """

    file: Path
    seconds: float | None
    licence: str


class Skipped(Exception):
    """A video is not wanted; says why."""


class Failed(Exception):
    """A video cannot be downloaded; says why."""


class Fetcher:
    """Downloads videos one after the other; use it as a context.

    Args:
        out: folder of the files.
        archive: yt-dlp's list of what was downloaded before; such videos are skipped.
        limits: what is downloaded.

    Raises:
        MissingExtra: yt-dlp is not installed.
    """

    def __init__(self, out: Path, archive: Path, limits: Limits) -> None:
        self._yt_dlp = need("yt_dlp", "collect", "downloading videos")
        self._limits = limits
        self._log = _Log()
        self._out = out
        self._done: list[Path] = []
        self._open = ExitStack()
        tallest = f"[height<=?{limits.tallest_px}]"
        options: dict[str, Any] = {
            "format": f"bv{tallest}/b{tallest}",  # without sound where that is to be had: nobody listens to it
            "paths": {"home": str(out)},
            "outtmpl": {"default": "%(mien_id)s.%(ext)s"},
            "download_archive": str(archive),
            "ratelimit": limits.rate,
            "retries": RETRIES,
            "fragment_retries": RETRIES,
            "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), wait_s),
            "socket_timeout": 30,
            "continuedl": True,
            "overwrites": False,
            "noplaylist": True,
            "playlist_items": "1",
            "geo_bypass": False,
            "js_runtimes": {name: {} for name in RUNTIMES},
            "cachedir": False,
            "updatetime": False,
            "quiet": True,
            "noprogress": True,
            "logger": self._log,
            "progress_hooks": [self._watch],
            "post_hooks": [self._look],
        }
        self._ydl: Any = self._open.enter_context(self._yt_dlp.YoutubeDL(options))

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def fetch(self, link: Link) -> Fetched:
        """Download a video.

        Raises:
            Skipped: it is not wanted, or was downloaded before.
            Failed: it is not there, is no video, or the transfer breaks off again and again; what has come stays as
                ``name.mp4.part``, and the next call goes on there.
        """
        self._log.lines.clear()
        self._done.clear()
        try:
            info = self._described(link)
            licence = self._judged(link, info)
            self._ydl.process_ie_result(info, download=True, extra_info={"mien_id": link.name})
        except Skipped:
            self._drop(link)
            raise
        except self._yt_dlp.utils.YoutubeDLError as error:
            raise Failed(self._reason(error)) from None
        if not self._done:  # yt-dlp tells of some refusals only in its log
            raise Failed(self._log.last() or "nothing came")
        file = self._done[-1]
        return Fetched(file, _seconds(file), licence)

    def _described(self, link: Link) -> dict[str, Any]:
        """What the platform says of the video, before anything is downloaded."""
        info = self._ydl.extract_info(link.url, process=False)
        for _ in range(_HOPS):
            if info is None or info.get("_type") != "url":
                break
            info = self._ydl.extract_info(info["url"], ie_key=info.get("ie_key"), process=False)
        if info is None:
            raise Skipped("downloaded before (it is in the archive)")
        if info.get("_type") in ("playlist", "multi_video"):
            raise Failed("is a list of videos, or a page with several: give each video a row")
        if info.get("extractor_key") == "Generic":
            info["id"] = link.name  # two videos of different folders may be called clip.mp4
        if self._ydl.in_download_archive(info):
            raise Skipped("downloaded before (it is in the archive)")
        return dict(info)

    def _judged(self, link: Link, info: Mapping[str, Any]) -> str:
        """The licence; raises Skipped for what is not wanted."""
        licence = link.licence or str(info.get("license") or "")
        objection = self._limits.objection(licence, info.get("duration") or link.duration_s)
        if objection is None and (info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming")):
            objection = "is live: it has no end"
        if objection is not None:
            raise Skipped(objection)
        return licence

    def _watch(self, state: Mapping[str, Any]) -> None:
        """Called by yt-dlp after every piece."""
        largest = self._limits.largest_bytes
        size = state.get("total_bytes") or state.get("downloaded_bytes") or 0
        if largest is not None and size > largest:
            raise Skipped(f"{size:,} bytes, the limit is {largest:,}")

    def _look(self, path: str) -> None:
        """Called by yt-dlp for a file that is complete; one that is no video is not to be taken for one."""
        try:
            Clip(path).close()
        except VideoError:
            os.unlink(path)
            raise
        self._done.append(Path(path))

    def _drop(self, link: Link) -> None:
        """Delete what has come of a video that is too large after all."""
        for pattern in (".*.part*", ".*.ytdl"):
            for path in self._out.glob(link.name + pattern):
                path.unlink()

    def _reason(self, error: Exception) -> str:
        """What yt-dlp says, without colours, names of its parts and requests to report it; and the way out."""
        text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).removeprefix("ERROR: ")
        text = re.sub(
            r"; please report this issue on .*|\s*\(caused by .*|\. Use --.*|\s*You might want to use a VPN.*",
            "",
            text,
            flags=re.DOTALL,
        )
        text = re.sub(r"^(?:post hooks: |\[[\w:]+\] (?:[\w-]+: )?)", "", text).replace(str(self._out) + os.sep, "")
        text = " ".join(text.split())
        if "Requested format is not available" in text:
            text = f"there is no version of at most {self._limits.tallest_px} pixels"
        if any("JavaScript runtime" in line for line in self._log.lines):
            text += " (YouTube needs a JavaScript runtime: see mien doctor)"
        return text


class _Log:
    """What yt-dlp would print."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, message: str) -> None:
        if not message.startswith("[debug] "):
            self.lines.append(message)

    def warning(self, message: str) -> None:
        self.lines.append(message)

    def error(self, message: str) -> None:
        self.lines.append(message)

    def last(self) -> str:
        return " ".join(self.lines[-1].split()).removeprefix("[download] ") if self.lines else ""


def wait_s(n: int) -> float:
    """Seconds to wait before the repeat after ``n`` others; yt-dlp calls the argument so."""
    return min(2.0**n, LONGEST_WAIT_S)


def _seconds(file: Path) -> float | None:
    with Clip(file) as clip:
        return clip.duration_s
