"""Which addresses a file may be fetched from: HTTPS, and no way from there back to HTTP."""

from __future__ import annotations

import re
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from mien.errors import DownloadError

#: Hosts to which nothing leaves the machine, so that HTTP is as good as HTTPS.
LOCAL = {"localhost", "127.0.0.1", "::1"}


def check_url(url: str, allow_http: bool = False) -> None:
    """See that an address is one to download from.

    Raises:
        DownloadError: neither ``https://`` nor allowed otherwise, or with a name or password in it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DownloadError(f"{url}: expected an address that begins with https://; files: `mien models add FILE`")
    if parts.username is not None:
        raise DownloadError(
            f"{parts.scheme}://…@{parts.hostname}: addresses with a name or password are not taken, they end up in "
            "logs; download the file by other means, then `mien models add FILE`"
        )
    if parts.scheme == "http" and parts.hostname not in LOCAL and not allow_http:
        raise DownloadError(f"{url}: expected https://; --allow-http takes it all the same (the digest is checked)")


def check_digest(sha256: str) -> str:
    """A SHA-256 in lower case, without the prefix ``sha256:``.

    Raises:
        DownloadError: it is none.
    """
    found = sha256.strip().lower().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{64}", found):
        raise DownloadError(f"SHA-256 {sha256!r}: expected 64 hexadecimal digits, as `sha256sum FILE` prints them")
    return found


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to another address, but never from HTTPS to HTTP."""

    def __init__(self, allow_http: bool) -> None:
        self._allow_http = allow_http

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Called by urllib; see there."""
        check_url(newurl, self._allow_http)
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise DownloadError(f"{req.full_url}: leads from HTTPS to {newurl}, where anybody could change the file")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
