"""Downloads by the real yt-dlp from a server on this machine."""

import csv
import time
from pathlib import Path

import pytest

from mien.collect import download as module
from mien.collect import fetch
from mien.collect.download import download
from mien.collect.fetch import Limits
from mien.errors import InputError


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(fetch, "LONGEST_WAIT_S", 0.0)


def write_list(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def table(out: Path) -> dict[str, dict[str, str]]:
    with (out / "downloads.csv").open(newline="", encoding="utf-8") as file:
        return {row["video"]: row for row in csv.DictReader(file)}


def get(site, tmp_path, *names: str, limits: Limits | None = None, **columns: str):
    rows = [{"url": f"{site.address}/{name}", "licence": "CC-BY", **columns} for name in names]
    found = download(write_list(tmp_path / "list.csv", rows), tmp_path / "out", limits, has_right=True, pause_s=0)
    return {result.link.name: result for result in found}


def test_a_video_comes_with_what_is_known_of_it(site, movie, tmp_path):
    site.files["/clips/ada.mp4"] = ("video/mp4", movie)
    found = get(site, tmp_path, "clips/ada.mp4", category="happy", channel="A channel")["ada"]
    assert (found.status, found.reason, found.size_bytes) == ("ok", "", len(movie))
    assert found.seconds == pytest.approx(2.0)
    assert (tmp_path / "out" / "ada.mp4").read_bytes() == movie
    assert table(tmp_path / "out")["ada"] == {
        "video": "ada",
        "file": "ada.mp4",
        "status": "ok",
        "reason": "",
        "bytes": str(len(movie)),
        "seconds": "2.000",
        "url": f"{site.address}/clips/ada.mp4",
        "licence": "CC-BY",
        "category": "happy",
        "channel": "A channel",
    }


def test_one_failure_stops_nothing(site, movie, tmp_path):
    site.files |= {
        "/page.html": ("text/html", b"<html><title>nothing</title></html>"),
        "/lie.mp4": ("video/mp4", b"no video " * 400),
        "/good.mp4": ("video/mp4", movie),
    }
    found = get(site, tmp_path, "gone.mp4", "page.html", "lie.mp4", "good.mp4")
    assert {name: result.status for name, result in found.items()} == {
        "gone": "failed",
        "page": "failed",
        "lie": "failed",
        "good": "ok",
    }
    assert "404" in found["gone"].reason
    assert "Unsupported URL" in found["page"].reason
    assert found["lie"].reason.startswith("lie.mp4: cannot be opened as a video")
    assert not any("\x1b" in result.reason or "report this" in result.reason for result in found.values())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["archive.txt", "downloads.csv", "good.mp4"]
    assert (tmp_path / "out" / "archive.txt").read_text().split() == ["generic", "good"]


def test_a_transfer_that_breaks_off_is_taken_up_where_it_ended(site, movie, tmp_path):
    site.files["/ada.mp4"] = ("video/mp4", movie)
    site.cuts["/ada.mp4"] = [10, 3_000, 2_000]  # the first is the look at what it is
    assert get(site, tmp_path, "ada.mp4")["ada"].status == "ok"
    assert (tmp_path / "out" / "ada.mp4").read_bytes() == movie
    begins = [int(asked[len("bytes=") : -1]) for _, asked in site.asked if asked]
    assert 0 < begins[0] <= 3_000 < len(movie)  # less the piece that was not complete
    assert begins[0] < begins[1] <= begins[0] + 2_000


def test_what_came_before_a_stop_is_not_asked_for_again(site, movie, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "RETRIES", 0)
    site.files["/ada.mp4"] = ("video/mp4", movie)
    site.cuts["/ada.mp4"] = [10, 3_000]
    failed = get(site, tmp_path, "ada.mp4")["ada"]
    assert failed.status == "failed"
    assert failed.reason
    came = (tmp_path / "out" / "ada.mp4.part").stat().st_size
    assert 0 < came <= 3_000
    assert get(site, tmp_path, "ada.mp4")["ada"].status == "ok"
    assert site.asked[-1] == ("/ada.mp4", f"bytes={came}-")
    assert (tmp_path / "out" / "ada.mp4").read_bytes() == movie


def test_a_second_call_asks_for_nothing(site, movie, tmp_path):
    site.files["/ada.mp4"] = ("video/mp4", movie)
    first = get(site, tmp_path, "ada.mp4")
    before = (tmp_path / "out" / "downloads.csv").read_text()
    site.asked.clear()
    assert get(site, tmp_path, "ada.mp4") == first
    assert site.asked == []
    assert (tmp_path / "out" / "downloads.csv").read_text() == before
    (tmp_path / "out" / "ada.mp4").unlink()  # deleted on purpose: the faces are cut out, or the person asked for it
    again = get(site, tmp_path, "ada.mp4")["ada"]
    assert (again.status, again.file) == ("skipped", "")
    assert "archive" in again.reason
    assert not (tmp_path / "out" / "ada.mp4").exists()


def test_only_open_licences_unless_told_otherwise(site, movie, tmp_path):
    site.files["/ada.mp4"] = ("video/mp4", movie)
    for licence in ("youtube", ""):
        found = get(site, tmp_path, "ada.mp4", licence=licence)["ada"]
        assert found.status == "skipped"
        assert (licence or "not known") in found.reason
    assert all(asked is None for _, asked in site.asked)
    assert get(site, tmp_path, "ada.mp4", licence="", limits=Limits(any_licence=True))["ada"].status == "ok"


def test_large_and_long_videos_are_left_out(site, movie, tmp_path):
    site.files["/ada.mp4"] = ("video/mp4", movie)
    large = get(site, tmp_path, "ada.mp4", limits=Limits(largest_bytes=1_000))["ada"]
    assert large.reason == f"{len(movie):,} bytes, the limit is 1,000"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["downloads.csv"]
    long = get(site, tmp_path, "ada.mp4", limits=Limits(longest_s=60), duration_s="61")["ada"]
    assert (long.status, long.reason) == ("skipped", "61 s long, the limit is 60")


def test_names_do_not_run_into_each_other(site, movie, tmp_path):
    other = movie + b"\0" * 100
    site.files |= {"/a/clip.mp4": ("video/mp4", movie), "/b/clip.mp4": ("video/mp4", other)}
    found = get(site, tmp_path, "a/clip.mp4", "b/clip.mp4")
    assert [result.status for result in found.values()] == ["ok", "ok"]
    assert {(tmp_path / "out" / result.file).stat().st_size for result in found.values()} == {len(movie), len(other)}
    single = {"url": f"{site.address}/a/clip.mp4", "licence": "CC0", "video": "one"}
    for url in (single["url"], f"{site.address}/b/clip.mp4"):  # two lists use one name for different videos
        lists = write_list(tmp_path / "list.csv", [{**single, "url": url}])
        download(lists, tmp_path / "two", has_right=True, pause_s=0)
    assert sorted(row["bytes"] for row in table(tmp_path / "two").values()) == sorted(
        [str(len(movie)), str(len(other))]
    )


def test_names_that_a_shell_or_a_template_would_mind(site, movie, tmp_path):
    site.files["/v"] = ("video/mp4", movie)
    for name in ("-_dash", "100%(id)s", "../../up"):
        assert get(site, tmp_path, f"v?{len(name)}", video=name).popitem()[1].status == "ok"
    assert {path.name for path in (tmp_path / "out").glob("*.mp4")} == {"-_dash.mp4", "100-id-s.mp4", "-..-up.mp4"}
    assert not (tmp_path / "up.mp4").exists()


def test_an_address_that_moved(site, movie, tmp_path):
    site.files["/new/place.mp4"] = ("video/mp4", movie)
    site.moved["/old.mp4"] = "/new/place.mp4"
    assert get(site, tmp_path, "old.mp4")["old"].file == "old.mp4"


def test_the_rate_is_kept(site, movie, tmp_path):
    site.files["/ada.mp4"] = ("video/mp4", movie)
    begin = time.monotonic()
    get(site, tmp_path, "ada.mp4", limits=Limits(rate=len(movie)))
    assert time.monotonic() - begin > 0.7


def test_a_stop_leaves_the_table_of_what_was_tried(site, movie, tmp_path, monkeypatch):
    site.files |= {"/a.mp4": ("video/mp4", movie), "/b.mp4": ("video/mp4", movie)}

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.time, "sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        get(site, tmp_path, "a.mp4", "b.mp4")
    assert [row["status"] for row in table(tmp_path / "out").values()] == ["ok"]
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert [result.status for result in get(site, tmp_path, "a.mp4", "b.mp4").values()] == ["ok", "ok"]


def test_the_table_keeps_what_other_lists_brought(site, movie, tmp_path):
    site.files |= {"/a.mp4": ("video/mp4", movie), "/b.mp4": ("video/mp4", movie)}
    get(site, tmp_path, "a.mp4", label="happy", subject="P1")
    get(site, tmp_path, "b.mp4")
    assert {name: row["subject"] for name, row in table(tmp_path / "out").items()} == {"a": "P1", "b": ""}


def test_youtube_without_a_runtime_is_told_at_once(site, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "is_ready", lambda: False)
    rows = [{"url": "https://youtu.be/abcdefghijk", "licence": "youtube"}]  # skipped without a question
    said: list[str] = []
    download(write_list(tmp_path / "l.csv", rows), tmp_path / "out", has_right=True, say=said.append)
    assert len(said) == 1
    assert "JavaScript runtime" in said[0]


def test_without_the_right_nothing_happens(tmp_path):
    with pytest.raises(InputError, match=r"(?s)--i-have-the-right.*terms.*copyright.*privacy"):
        download(tmp_path / "none.csv", tmp_path / "out", has_right=False)
    assert list(tmp_path.iterdir()) == []
