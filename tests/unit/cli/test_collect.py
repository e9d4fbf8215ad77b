"""``mien collect``: what is printed, exit codes, the way from a list of links to a manifest of faces."""

import csv
import json
import sys
from importlib.resources import files
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.cli.collect import _bytes
from mien.errors import InputError
from mien.images import read

from ..collect import conftest as stand_ins

api, site, no_proxy = stand_ins.api, stand_ins.site, stand_ins.no_proxy


@pytest.fixture
def portrait_video(tmp_path) -> bytes:
    """Ten frames of one face."""
    picture = read(files("mien") / "assets" / "eileen_collins.jpg")[20:276, 100:356]
    picture = np.ascontiguousarray(cv2.resize(picture, (160, 160), interpolation=cv2.INTER_AREA))
    with av.open(str(tmp_path / "portrait.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 160, 160, "yuv420p", 4_000_000
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return (tmp_path / "portrait.mp4").read_bytes()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_search(mien, api, tmp_path):
    api.results |= {"angry reaction": ["a" * 11, "b" * 11], "laughing": ["b" * 11]}
    (tmp_path / "queries.csv").write_text("query,category\nlaughing,happy\n", encoding="utf-8")
    done = mien("collect", "search", "angry=angry reaction", "--table", "queries.csv", "--max", 10)
    assert done.code == 0, done.err
    assert [row["category"] for row in rows(tmp_path / "videos.csv")] == ["angry", "angry|happy"]
    assert "1 videos were found for several categories" in done.out
    assert "quota: 2 searches, 201 units" in done.out
    assert "mien collect download videos.csv" in done.out


def test_a_search_that_its_quota_ends(mien, api, tmp_path):
    api.results["a"] = [f"{number:011d}" for number in range(80)]
    done = mien("collect", "search", "a", "--max", 80, "--quota", 150, "--out", "found.csv")
    assert done.code == 1
    assert "101 units are spent" in done.out
    assert "The same command goes on" in done.out
    assert not (tmp_path / "found.csv").exists()
    done = mien("collect", "search", "a", "--max", 80, "--out", "found.csv", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert (told["table"], told["units"], told["stopped"], len(told["videos"])) == ("found.csv", 101, None, 80)


def test_a_search_without_a_key_or_a_query(mien, api, monkeypatch):
    done = mien("collect", "search")
    assert (done.code, done.out) == (2, "")
    assert "nothing to search for" in done.err
    monkeypatch.delenv("YOUTUBE_API_KEY")
    done = mien("collect", "search", "a")
    assert done.code == 2
    assert "YOUTUBE_API_KEY" in done.err


def test_a_search_that_is_stopped(mien, api, monkeypatch):
    from mien.collect.api import YouTube

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(YouTube, "get", stop)
    done = mien("collect", "search", "a")
    assert done.code == 1
    assert "the same command goes on" in done.err


def test_from_links_to_faces(mien, site, portrait_video, tmp_path):
    site.files["/ada.mp4"] = ("video/mp4", portrait_video)
    (tmp_path / "list.csv").write_text(
        "url,licence,category,channel,title\n"
        f"{site.address}/ada.mp4,creativeCommon,happy,Ada,Ada laughs\n"
        f"{site.address}/gone.mp4,creativeCommon,happy,Bo,Bo laughs\n"
        f"{site.address}/other.mp4,youtube,sad,Cy,Cy weeps\n",
        encoding="utf-8",
    )
    done = mien("collect", "download", "list.csv", "--out", "videos")
    assert done.code == 2
    assert "--i-have-the-right" in done.err
    assert site.asked == []
    command = ["collect", "download", "list.csv", "--out", "videos", "--i-have-the-right", "--sleep", 0]
    done = mien(*command)
    assert done.code == 1
    assert "1 ok, 1 skipped, 1 failed" in done.out
    assert f"failed: {site.address}/gone.mp4" in done.out
    assert "licence youtube: only open licences" in done.out
    (following,) = [line for line in done.out.splitlines() if line.startswith("next: mien ")]
    told = json.loads(mien(*command, "--json").out)
    assert [video["status"] for video in told["videos"]] == ["ok", "failed", "skipped"]
    words = following.removeprefix("next: mien ").split()
    assert mien(*words, "--workers", 1, "--every", "0.5s").code == 0
    faces = rows(tmp_path / "faces" / "faces.csv")
    assert len(faces) == 2
    assert {(row["video"], row["category"], row["channel"], row["licence"], row["domain"]) for row in faces} == {
        ("ada.mp4", "happy", "Ada", "creativeCommon", "web")
    }


def test_a_download_that_is_stopped(mien, site, monkeypatch, tmp_path):
    from mien.collect.fetch import Fetcher

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Fetcher, "fetch", stop)
    (tmp_path / "list.csv").write_text(f"url\n{site.address}/ada.mp4\n", encoding="utf-8")
    done = mien("collect", "download", "list.csv", "--out", "videos", "--i-have-the-right")
    assert done.code == 1
    assert "videos/downloads.csv has the videos that were tried" in done.err
    (row,) = rows(tmp_path / "videos" / "downloads.csv")
    assert (row["status"], row["reason"]) == ("failed", "stopped before its end")


@pytest.mark.parametrize(
    ("text", "size"), [("", None), ("100", 100), ("2M", 2 * 1024**2), ("1.5k", 1536), ("3 GiB", 3 * 1024**3)]
)
def test_sizes(text, size):
    assert _bytes("--rate", text) == size


@pytest.mark.parametrize("text", ["fast", "0", "-1M", "2T"])
def test_sizes_that_are_none(text):
    with pytest.raises(InputError, match=f"--rate {text}: expected bytes"):
        _bytes("--rate", text)


@pytest.mark.parametrize("package", ["httpx", "yt_dlp"])
def test_without_the_extra(mien, api, monkeypatch, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "list.csv").write_text("url\nhttp://127.0.0.1/ada.mp4\n", encoding="utf-8")
    search = ["search", "a"]
    download = ["download", "list.csv", "--out", "videos", "--i-have-the-right"]
    done = mien("collect", *(search if package == "httpx" else download))
    assert done.code == 2
    assert "pip install 'mien[collect]'" in done.err
