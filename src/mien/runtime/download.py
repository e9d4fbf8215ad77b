"""Fetch one file over HTTPS, with the standard library alone.

What arrives counts only when its SHA-256 is the one that was asked for. Until then it lies in a partial file named by
that digest, so that a download that broke off goes on where it stopped, in the same run or in a later one.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from mien.errors import DownloadError
from mien.runtime.address import Redirects, check_digest, check_url
from mien.runtime.room import check_room, megabytes, telling_when_full

#: Answers of a server that may be others a moment later.
PASSING = {408, 425, 429, 500, 502, 503, 504}
#: The system's ways to say that there is no way to the host; waiting seconds does not help.
NO_WAY = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}
#: A server that asks for more patience than this is not waited for as long as it says.
LONGEST_WAIT_S = 60.0
CHUNK = 1 << 18


@dataclass(frozen=True)
class Limits:
    """How far a download may go.

    Attributes:
        max_bytes: of the whole file.
        timeout_s: without a byte.
        retries: attempts after one that broke off, for as long as they bring nothing new.
        wait_s: before the first of them; doubles each time.
        allow_http: take plain HTTP from other machines, too; the digest still has to be right.
    """

    max_bytes: int = 1_000_000_000
    timeout_s: float = 30.0
    retries: int = 4
    wait_s: float = 1.0
    allow_http: bool = False


class _Passing(Exception):
    """What may go better the next time; ``wait_s`` is what the server asked for."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@contextmanager
def downloaded(
    url: str,
    sha256: str,
    folder: Path,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Path]:
    """Fetch a file; it is there, whole and checked, within the block, and deleted after it unless it was moved.

    Args:
        url: ``https://…``; ``http://`` for this machine or as ``limits`` say. The usual proxy variables are heeded.
        sha256: of the file, hexadecimal.
        folder: for the partial file; is made.
        limits: how far to go; by default up to 1 GB, 30 s without a byte, 4 retries.
        progress: told of bytes so far and in all (0: not known).

    Raises:
        DownloadError: it cannot be had, or is another file. What has come of it is kept for the next time, unless it
            turned out to be wrong.
        InputError: the disk is full.
    """
    limits = limits or Limits()
    check_url(url, limits.allow_http)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{check_digest(sha256)}.part"
    with partial.open("a+b") as file:
        _claim(file, url)
        transfer = _Transfer(url, check_digest(sha256), partial, file, limits, progress or (lambda done, total: None))
        try:
            transfer.run()
        except _Passing as reason:
            raise DownloadError(transfer.given_up(str(reason))) from None
        finally:
            if not transfer.size:
                partial.unlink(missing_ok=True)
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def _claim(file: IO[bytes], url: str) -> None:
    """See that no other process writes the same file; Windows has no such lock, there the digest finds it out."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DownloadError(f"{url}: another process is downloading it; wait for that one") from None


class _Transfer:
    """One file, over as many requests as it takes."""

    def __init__(
        self,
        url: str,
        sha256: str,
        partial: Path,
        file: IO[bytes],
        limits: Limits,
        progress: Callable[[int, int], None],
    ) -> None:
        self._url, self._sha256, self._limits, self._progress = url, sha256, limits, progress
        self._partial, self._file = partial, file
        self._host = urlsplit(url).netloc
        self._open = urllib.request.build_opener(Redirects(limits.allow_http)).open
        self._total = 0

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return os.fstat(self._file.fileno()).st_size

    def run(self) -> None:
        """Fetch until the file is whole and right."""
        was_resumed, most, failures = self.size > 0, self.size, 0
        while True:
            try:
                digest = self._request()
            except _Passing as reason:
                failures = 1 if self.size > most else failures + 1
                most = max(most, self.size)
                if failures > self._limits.retries:
                    raise
                time.sleep(min(max(self._limits.wait_s * 2 ** (failures - 1), reason.wait_s), LONGEST_WAIT_S))
                continue
            if digest == self._sha256:
                return
            if not was_resumed:
                self._refuse(digest)
            was_resumed = False  # what was there before may have been of another file: once more, from the start
            self._file.truncate(0)

    def _request(self) -> str:
        """One request and what comes of it; the SHA-256 of all that is there then."""
        have = self.size
        headers = {"User-Agent": "mien", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            response = self._open(urllib.request.Request(self._url, headers=headers), timeout=self._limits.timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                    return self._digest(have).hexdigest()  # all of it is there already, or it is of another file
                raise self._refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._trouble(error) from None
        with response:
            return self._receive(response, have)

    def _receive(self, response: Any, have: int) -> str:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadError(f"{self._url}: the server sends it packed ({response.headers['Content-Encoding']})")
        begin = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        start = have if response.status == http.client.PARTIAL_CONTENT and begin and int(begin[1]) == have else 0
        if response.status == http.client.PARTIAL_CONTENT and start == 0:
            self._file.truncate(0)
            raise _Passing(f"the server gave another part of the file than the one from byte {have:,}")
        length = response.headers.get("Content-Length", "")
        self._total = start + int(length) if length.isdigit() else 0
        self._check_size(self._total)
        self._file.truncate(start)
        check_room(self._partial.parent, max(self._total - start, 0))
        digest, done = self._digest(start), start
        for chunk in self._chunks(response):
            done += len(chunk)
            self._check_size(done)
            self._write(chunk)
            digest.update(chunk)
            self._progress(done, self._total)
            if done == self._total:  # not waiting for the server to hang up
                break
        if done < self._total:
            raise _Passing(f"the connection broke off at {megabytes(done)} of {megabytes(self._total)}")
        return digest.hexdigest()

    def _chunks(self, response: Any) -> Iterator[bytes]:
        while True:
            try:
                chunk = response.read1(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise self._trouble(error) from None
            if not chunk:
                return
            yield chunk

    def _write(self, chunk: bytes) -> None:
        try:
            with telling_when_full(self._partial.parent):
                self._file.write(chunk)
                self._file.flush()
        except Exception:
            self._file.truncate(0)  # a full disk is not left full
            raise

    def _digest(self, count: int) -> hashlib._Hash:
        """Of the first bytes that are there."""
        digest = hashlib.sha256()
        self._file.seek(0)
        while count > 0 and (chunk := self._file.read(min(CHUNK, count))):
            digest.update(chunk)
            count -= len(chunk)
        return digest

    def _check_size(self, count: int) -> None:
        if count > self._limits.max_bytes:
            self._file.truncate(0)
            raise DownloadError(
                f"{self._url}: larger than {megabytes(self._limits.max_bytes)}; --max-mb allows more, if it is a model"
            )

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        told = f"{error.code} {error.reason}".strip()
        if error.code in PASSING:
            wait = error.headers.get("Retry-After", "")
            return _Passing(f"the server answers {told}", float(wait) if wait.isdigit() else 0.0)
        ways = {
            401: "it wants a login: download the file by other means, then `mien models add FILE`",
            403: "it gives it to some only: download the file by other means, then `mien models add FILE`",
            404: "there is no such file: check the address",
            410: "the file is gone: look for a new address",
        }
        return DownloadError(f"{self._url}: {self._host} answers {told}; {ways.get(error.code, 'check the address')}")

    def _trouble(self, error: OSError | http.client.HTTPException) -> Exception:
        """What went wrong between here and there: an error to report, or one that may pass."""
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            return DownloadError(
                f"{self._url}: the certificate of {self._host} cannot be trusted ({reason.verify_message}); behind a "
                "proxy of your own, SSL_CERT_FILE names its certificate"
            )
        if isinstance(reason, socket.gaierror) or (isinstance(reason, OSError) and reason.errno in NO_WAY):
            return DownloadError(self._offline(f"cannot reach {self._host} ({reason.strerror or reason})"))
        if isinstance(reason, TimeoutError):
            return _Passing(f"nothing came for {self._limits.timeout_s:g} s")
        return _Passing(str(reason) or type(reason).__name__)

    def _offline(self, reason: str) -> str:
        return (
            f"{reason}. Without a connection: download {self._url} on another machine, copy the file here, "
            f"and `mien models add FILE --sha256 {self._sha256}`"
        )

    def given_up(self, reason: str) -> str:
        """What to say after the last attempt."""
        kept = f"; {megabytes(self.size)} are kept, the same command goes on from there" if self.size else ""
        return self._offline(f"{self._host}: {reason}, after {self._limits.retries + 1} attempts{kept}")

    def _refuse(self, digest: str) -> None:
        """Say what came instead of the file, and keep nothing of it."""
        self._file.seek(0)
        beginning = self._file.read(512).lstrip().lower()
        count = self.size
        self._file.truncate(0)
        if beginning.startswith((b"<!doctype html", b"<html")):
            what = "a web page and not a file; give the address of the file itself (behind 'raw' or 'download')"
        elif beginning.startswith(b"version https://git-lfs"):
            what = "a pointer of Git LFS and not the file it stands for; give the address of the file itself"
        else:
            what = f"another file ({megabytes(count)}): its SHA-256 is {digest}, expected {self._sha256}"
        raise DownloadError(f"{self._url}: what came is {what}. Nothing is kept")
