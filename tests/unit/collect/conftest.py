"""Stand-ins on this machine: a server that answers as the YouTube Data API does, and one that has videos."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import av
import numpy as np
import pytest

KEY = "AIza-a-key-of-the-tests"


class Server(ThreadingHTTPServer):
    """Runs in a thread; `asked` has every request."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.asked: list[Any] = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Quiet(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *arguments: object) -> None:
        pass


class Api(Quiet):
    """search.list and videos.list over `server.results` (query -> ids) and `server.videos` (id -> changes of it)."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((parts.path.rsplit("/", 1)[-1], asked, dict(self.headers)))
        if self.server.troubles:
            status, headers, body = self.server.troubles.pop(0)
        elif self.headers["X-Goog-Api-Key"] != KEY:
            status, headers, body = refusal(400, "badRequest", "API key not valid. Please pass a valid API key.")
        else:
            status, headers, body = 200, {}, (self.search if parts.path.endswith("/search") else self.videos)(asked)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def search(self, asked: dict[str, str]) -> dict[str, Any]:
        ids = self.server.results[asked["q"]]
        begin = int(asked.get("pageToken", "T0")[1:])
        end = begin + int(asked["maxResults"])
        more = {"nextPageToken": f"T{end}"} if end < len(ids) else {}
        items = [{"kind": "youtube#searchResult", "id": {"kind": "youtube#video", "videoId": one}} for one in ids]
        return {"kind": "youtube#searchListResponse", **more, "items": items[begin:end]}

    def videos(self, asked: dict[str, str]) -> dict[str, Any]:
        return {"items": [item(one, **self.server.videos.get(one, {})) for one in asked["id"].split(",")]}


def item(video: str, **changes: Any) -> dict[str, Any]:
    """An item of videos.list."""
    return {
        "id": video,
        "snippet": {
            "title": changes.get("title", f"Title of {video}"),
            "channelTitle": "A channel",
            "channelId": "UC1",
            "publishedAt": "2025-03-04T05:06:07Z",
            "liveBroadcastContent": changes.get("live", "none"),
        },
        "contentDetails": {"duration": changes.get("duration", "PT1M1S"), "definition": "hd"},
        "status": {"license": changes.get("licence", "creativeCommon"), "embeddable": True, "madeForKids": False},
        "statistics": {"viewCount": "12"},
    }


def refusal(status: int, reason: str, message: str = "", **headers: str) -> tuple[int, dict[str, str], Any]:
    """An error as the API words it."""
    errors = [{"domain": "youtube", "reason": reason, "message": message}]
    return status, headers, {"error": {"code": status, "message": message, "errors": errors}}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def api(monkeypatch) -> Iterator[Any]:
    """The API; `troubles` are answered first."""
    server: Any = Server(Api)
    server.results, server.videos, server.troubles = {}, {}, []
    monkeypatch.setenv("YOUTUBE_API_KEY", KEY)
    monkeypatch.setenv("MIEN_YOUTUBE_API", f"{server.address}/youtube/v3")
    yield server
    server.stop()


class Files(Quiet):
    """Files of `server.files` (path -> type, content), with ranges; `server.cuts` ends answers too early."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Range"]))
        path = urlsplit(self.path).path
        if path in self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if path not in self.server.files:
            self.send_error(404)
            return
        kind, content = self.server.files[path]
        begin = int((self.headers["Range"] or "bytes=0-")[len("bytes=") :].split("-")[0])
        self.send_response(206 if self.headers["Range"] else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) - begin))
        if self.headers["Range"]:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        cuts = self.server.cuts.get(path, [])
        end = begin + cuts.pop(0) if cuts else len(content)
        with suppress(OSError):  # the client has seen enough
            self.wfile.write(content[begin:end])

    do_HEAD = do_GET


@pytest.fixture
def site() -> Iterator[Any]:
    """A site with videos: `files`, `moved` (path -> address), `cuts` (path -> bytes of each answer)."""
    server: Any = Server(Files)
    server.files, server.moved, server.cuts = {}, {}, {}
    yield server
    server.stop()


@pytest.fixture(scope="session")
def movie(tmp_path_factory) -> bytes:
    """Two seconds of a 64 x 48 video."""
    path: Path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    generator = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 64, 48, "yuv420p", 400_000
        for _ in range(20):
            picture = generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()
