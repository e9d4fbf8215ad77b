"""What is made of what a platform says of a video; the platform is an extractor of yt-dlp of our own."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError

from mien.collect.fetch import Failed, Fetched, Fetcher, Limits, Skipped
from mien.collect.listing import Link


class PlatformIE(InfoExtractor):
    """Answers what the test wants."""

    _VALID_URL = r"https://platform\.test/(?P<id>\w+)"
    says: ClassVar[dict[str, Any]] = {}

    def _real_extract(self, url):
        if "error" in self.says:
            raise ExtractorError(self.says["error"], expected=True, video_id=self._match_id(url))
        return {"id": self._match_id(url), "title": "T", **self.says}


@pytest.fixture
def fetch(site, movie, tmp_path):
    """Fetch `https://platform.test/ada`, of which the platform says this."""
    site.files |= {f"/{name}.mp4": ("video/mp4", movie) for name in ("silent", "tall", "heard")}

    def run(licence: str = "", **says: Any) -> Fetched:
        formats = [
            {"url": f"{site.address}/silent.mp4", "height": 720, "vcodec": "mp4v", "acodec": "none"},
            {"url": f"{site.address}/tall.mp4", "height": 1080, "vcodec": "mp4v", "acodec": "none"},
            {"url": f"{site.address}/heard.mp4", "height": 360, "vcodec": "mp4v", "acodec": "mp4a"},
        ]
        formats = [{"format_id": str(number), "ext": "mp4", **one} for number, one in enumerate(formats)]
        PlatformIE.says = {"formats": formats, **says}
        link = Link("mine", "https://platform.test/ada", licence, None, {})
        with Fetcher(tmp_path / "out", tmp_path / "archive.txt", run.limits) as fetcher:
            platform = PlatformIE(fetcher._ydl)
            fetcher._ydl._ies = {"Platform": platform, **fetcher._ydl._ies}
            fetcher._ydl._ies_instances["Platform"] = platform
            return fetcher.fetch(link)

    run.limits = Limits()
    (tmp_path / "out").mkdir()
    return run


def test_the_best_that_is_not_too_tall_and_without_sound(fetch, site, tmp_path):
    done = fetch("CC0")
    assert done.file == tmp_path / "out" / "mine.mp4"
    assert done.seconds == pytest.approx(2.0)
    assert {path for path, _ in site.asked} == {"/silent.mp4"}
    assert (tmp_path / "archive.txt").read_text() == "platform ada\n"
    with pytest.raises(Skipped, match="archive"):
        fetch("CC0")


def test_the_limit_of_height(fetch, site):
    fetch.limits = Limits(tallest_px=480)
    fetch("CC0")
    assert {path for path, _ in site.asked} == {"/heard.mp4"}


def test_nothing_small_enough(fetch):
    fetch.limits = Limits(tallest_px=240)
    with pytest.raises(Failed, match="no version of at most 240 pixels"):
        fetch("CC0")


def test_the_licence_that_the_platform_says(fetch):
    assert fetch(license="Creative Commons Attribution license (reuse allowed)").licence.startswith("Creative")


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({}, "licence not known"),
        ({"license": "Standard"}, "licence Standard"),
        ({"license": "CC-BY", "is_live": True}, "live"),
        ({"license": "CC-BY", "live_status": "is_upcoming"}, "live"),
        ({"license": "CC-BY", "duration": 61}, "61 s long"),
    ],
)
def test_what_is_not_wanted(fetch, site, says, why):
    fetch.limits = Limits(longest_s=60)
    with pytest.raises(Skipped, match=why):
        fetch(**says)
    assert site.asked == []


def test_lists_are_refused(fetch, site):
    with pytest.raises(Failed, match="give each video a row"):
        fetch("CC0", _type="playlist", entries=[{"_type": "url", "url": f"{site.address}/silent.mp4"}])
    assert site.asked == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("Private video. Sign in if you may", "Private video. Sign in if you may"),
        ("Sign in to confirm. Use --cookies-from-browser or so", "Sign in to confirm"),
        ("\x1b[0;31mGone\x1b[0m\n for good", "Gone for good"),
    ],
)
def test_reasons_are_for_people(fetch, error, reason):
    with pytest.raises(Failed) as caught:
        fetch("CC0", error=error)
    assert str(caught.value) == reason


def test_a_runtime_that_is_missing_is_named(fetch, monkeypatch):
    def warn(self: PlatformIE, url: str) -> dict[str, Any]:
        self.report_warning("No supported JavaScript runtime could be found")
        raise ExtractorError("Only images are available", expected=True)

    monkeypatch.setattr(PlatformIE, "_real_extract", warn)
    with pytest.raises(Failed, match="see mien doctor"):
        fetch("CC0")


def test_what_came_of_a_video_that_is_too_large_goes(fetch, tmp_path: Path):
    fetch.limits = Limits(largest_bytes=2_000)
    with pytest.raises(Skipped, match="the limit is 2,000"):
        fetch("CC0")
    assert list((tmp_path / "out").iterdir()) == []
