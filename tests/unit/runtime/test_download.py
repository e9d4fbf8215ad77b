"""Downloads from a server on this machine that answers as badly as servers do."""

import errno
import hashlib
import os
import shutil
import socket
import ssl
import urllib.error

import pytest

from mien.errors import DownloadError, InputError
from mien.runtime import download as module
from mien.runtime.address import check_digest, check_url
from mien.runtime.download import Limits, downloaded

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()
QUICK = Limits(wait_s=0.001, timeout_s=0.3, retries=2)


@pytest.fixture
def server(file_server):
    file_server.content = CONTENT
    return file_server


@pytest.fixture
def fetch(server, tmp_path):
    """Fetch the file into a folder; gives its bytes."""

    def run(url=None, sha256=DIGEST, limits=QUICK, progress=None):
        with downloaded(url or f"{server.url}/a.onnx", sha256, tmp_path / "parts", limits, progress) as path:
            return path.read_bytes()

    return run


def left(folder):
    """What lies in the folder of partial files."""
    return {path.name: path.stat().st_size for path in (folder / "parts").iterdir()}


def test_a_file_comes_whole_and_nothing_else_stays(server, fetch, tmp_path):
    told = []
    assert fetch(progress=lambda done, total: told.append((done, total))) == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert left(tmp_path) == {}
    assert server.asked == [None]


def test_what_breaks_off_goes_on_where_it_stopped(server, fetch):
    server.ways = ["cut 100", "cut 200"]
    assert fetch() == CONTENT
    assert server.asked == [None, "bytes=100-", "bytes=300-"]


def test_progress_renews_patience(server, fetch):
    server.ways = ["cut 10"] * 6  # more than the retries, but each brings something
    assert fetch() == CONTENT


def test_a_later_run_goes_on_with_what_is_there(server, fetch, tmp_path):
    server.ways = ["cut 5000", 503, 503]
    with pytest.raises(DownloadError, match=r"503.*after 3 attempts; 5.0 kB are kept.*same command.*mien models add"):
        fetch()
    assert left(tmp_path) == {f"{DIGEST}.part": 5000}
    server.asked.clear()
    assert fetch() == CONTENT
    assert server.asked == ["bytes=5000-"]
    assert left(tmp_path) == {}


def test_a_server_without_ranges_sends_it_again(server, fetch):
    server.ways = ["cut 100", "no range"]
    assert fetch() == CONTENT


def test_a_part_that_nobody_asked_for_is_not_taken(server, fetch):
    server.ways = ["cut 100", "other part"]
    assert fetch() == CONTENT
    assert server.asked == [None, "bytes=100-", None]


def test_a_whole_part_needs_no_more(server, fetch, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / f"{DIGEST}.part").write_bytes(CONTENT)
    assert fetch() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("before", [b"something else", CONTENT[:-1] + b"?", CONTENT + b"more"])
def test_a_part_of_another_file_is_thrown_away(server, fetch, tmp_path, before):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / f"{DIGEST}.part").write_bytes(before)
    assert fetch() == CONTENT
    assert server.asked == [f"bytes={len(before)}-", None]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_errors_that_pass(server, fetch, status):
    server.ways = [status]
    assert fetch() == CONTENT


@pytest.mark.parametrize(
    ("status", "way_out"),
    [(404, "check the address"), (410, "new address"), (401, "login"), (403, "by other means"), (418, "check the")],
)
def test_errors_that_stay_are_told_at_once(server, fetch, tmp_path, status, way_out):
    server.ways = [status]
    with pytest.raises(DownloadError, match=f"127.0.0.1.*{status}.*{way_out}"):
        fetch()
    assert len(server.asked) == 1
    assert left(tmp_path) == {}


def test_retry_after_is_heeded_within_reason(server, fetch, monkeypatch):
    slept = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    server.headers = {"Retry-After": "7"}
    server.ways = [503, 503]
    fetch()
    server.headers = {"Retry-After": "86400"}
    server.ways = [503]
    fetch()
    assert slept == [7, 7, 60]


def test_waits_double(server, fetch, monkeypatch):
    slept = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    server.ways = [500, 500, 500]
    fetch(limits=Limits(wait_s=2, retries=3))
    assert slept == [2, 4, 8]


def test_a_server_that_falls_silent(server, fetch):
    server.ways = ["stall 300"]
    assert fetch() == CONTENT
    assert server.asked == [None, "bytes=300-"]


def test_a_server_that_stays_silent(server, fetch, tmp_path):
    server.ways = ["stall 300", "stall 0"]
    with pytest.raises(DownloadError, match=r"nothing came for 0.3 s, after 2 attempts; 0.3 kB are kept"):
        fetch(limits=Limits(wait_s=0.001, timeout_s=0.3, retries=1))


def test_a_slow_server_is_waited_for(server, fetch):
    server.content, server.ways = b"slowly", ["drip"]
    assert fetch(sha256=hashlib.sha256(b"slowly").hexdigest()) == b"slowly"


def test_of_a_wrong_file_nothing_is_kept(server, fetch, tmp_path):
    with pytest.raises(DownloadError, match=f"another file.*{DIGEST}, expected {'0' * 64}. Nothing is kept"):
        fetch(sha256="0" * 64)
    assert left(tmp_path) == {}
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\n<!DOCTYPE html><title>Sign in</title>", "a web page"),
        (b"<HTML><body>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a pointer of Git LFS"),
    ],
)
def test_what_is_no_model_has_a_name(server, fetch, content, told):
    server.content = content
    with pytest.raises(DownloadError, match=f"{told} and not .* the file itself"):
        fetch()


@pytest.mark.parametrize("way", ["well", "unknown length"])
def test_a_file_that_is_too_large(server, fetch, tmp_path, way):
    server.ways = [way]
    with pytest.raises(DownloadError, match=r"larger than 5.0 kB; --max-mb"):
        fetch(limits=Limits(max_bytes=5000))
    assert left(tmp_path) == {}


def test_a_length_that_is_not_told(server, fetch):
    told = []
    server.ways = ["unknown length"]
    assert fetch(progress=lambda done, total: told.append(total)) == CONTENT
    assert set(told) == {0}


def test_a_packed_file_is_refused(server, fetch):
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(DownloadError, match="packed"):
        fetch()


def test_too_little_room_is_seen_before(server, fetch, monkeypatch, tmp_path):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(InputError, match=r"parts: 10.2 kB are needed and 1.0 kB are free.*MIEN_MODELS"):
        fetch()


def test_a_disk_that_becomes_full_is_not_left_full(server, fetch, monkeypatch, tmp_path):
    write = module._Transfer._write

    class Full:
        """A file that takes ten bytes."""

        def __init__(self, file):
            self._file = file

        def write(self, chunk):
            self._file.write(chunk[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __getattr__(self, name):
            return getattr(self._file, name)

    def into_full(transfer, chunk):
        transfer._file = Full(transfer._file)
        write(transfer, chunk)

    monkeypatch.setattr(module._Transfer, "_write", into_full)
    with pytest.raises(InputError, match=r"parts: the disk is full; make room"):
        fetch()
    assert left(tmp_path) == {}


def test_redirections_are_followed_but_not_to_anywhere(server, fetch):
    server.ways = [f"to {server.url}/elsewhere.onnx"]
    assert fetch() == CONTENT
    server.ways = ["to http://models.example/a.onnx"]
    with pytest.raises(DownloadError, match="expected https://"):
        fetch()


def test_never_from_https_to_http():
    from urllib.request import Request

    from mien.runtime.address import Redirects

    asked = Request("https://models.example/a.onnx")
    with pytest.raises(DownloadError, match=r"from HTTPS to http://localhost/a\.onnx"):
        Redirects(allow_http=True).redirect_request(asked, None, 302, "Found", {}, "http://localhost/a.onnx")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "Network is unreachable"),
    ],
)
def test_offline(monkeypatch, tmp_path, reason, told):
    tries = []

    def open_(opener, request, data=None, timeout=None):
        tries.append(request.full_url)
        raise urllib.error.URLError(reason)

    monkeypatch.setattr("urllib.request.OpenerDirector.open", open_)
    expected = rf"cannot reach models.example \({told}\).*another machine.*mien models add FILE --sha256 {DIGEST}"
    with pytest.raises(DownloadError, match=expected), downloaded("https://models.example/a.onnx", DIGEST, tmp_path):
        pass
    assert len(tries) == 1
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(fetch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(DownloadError, match=f"cannot reach 127.0.0.1:{port}"):
        fetch(f"http://127.0.0.1:{port}/a.onnx")


def test_a_certificate_that_is_not_trusted(monkeypatch, tmp_path):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"

    def open_(opener, request, data=None, timeout=None):
        raise urllib.error.URLError(error)

    monkeypatch.setattr("urllib.request.OpenerDirector.open", open_)
    with (
        pytest.raises(DownloadError, match=r"models\.example cannot be trusted \(self-signed certificate\).*SSL_CERT"),
        downloaded("https://models.example/a.onnx", DIGEST, tmp_path),
    ):
        pass


def test_two_at_a_time(server, fetch, tmp_path):
    pytest.importorskip("fcntl")
    import fcntl

    (tmp_path / "parts").mkdir()
    with (tmp_path / "parts" / f"{DIGEST}.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="another process is downloading it"):
            fetch()
    assert fetch() == CONTENT


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://models.example/a.onnx", "expected https://; --allow-http"),
        ("file:///a.onnx", "mien models add FILE"),
        ("a.onnx", "mien models add FILE"),
        ("https:///a.onnx", "begins with https://"),
        ("https://me:secret@models.example/a.onnx", "name or password"),
    ],
)
def test_addresses_that_are_not_taken(url, told):
    with pytest.raises(DownloadError, match=told) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


def test_addresses_that_are_taken():
    for url in ("https://models.example/a.onnx", "http://localhost:8000/a", "http://127.0.0.1/a", "http://[::1]/a"):
        check_url(url)
    check_url("http://models.example/a.onnx", allow_http=True)


def test_digests():
    assert check_digest(f" sha256:{DIGEST.upper()}\n".replace("SHA256", "sha256")) == DIGEST
    for wrong in ("", "abc", "g" * 64, DIGEST + "0"):
        with pytest.raises(DownloadError, match="64 hexadecimal digits"):
            check_digest(wrong)
