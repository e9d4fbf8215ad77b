"""Requests to the YouTube Data API v3: the key, the quota, repeats, and errors that say the way out.

The key is read from the environment and travels in a header, so that it stands in no address, log or traceback.

Source: https://developers.google.com/youtube/v3/docs (search.list, videos.list, errors, determine_quota_cost).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from mien.errors import CollectError, InputError, need

#: Environment variables: the key, and another address of the API.
KEY = "YOUTUBE_API_KEY"
BASE = "MIEN_YOUTUBE_API"
ADDRESS = "https://www.googleapis.com/youtube/v3"
#: Units of a request. YouTube once counted all requests together, 10,000 units a day; now a project has 100 searches a
#: day and 10,000 units for all else, each request one. At 100 units a search, 10,000 are a day's searches either way.
COSTS = {"search": 100, "videos": 1}
DAY_UNITS = 10_000
#: Requests are tried this often, with 1, 2, 4, 8 seconds between, or what the server asks for, but no longer than this.
ATTEMPTS = 5
LONGEST_WAIT_S = 60.0
_CONSOLE = "https://console.cloud.google.com/apis"


class QuotaSpent(CollectError):
    """The quota, the API's or the user's own, does not allow another request."""


class PageGone(CollectError):
    """The place in the results where a search was stopped is not known any more."""


class YouTube:
    """The API, for one run; use it as a context.

    Args:
        quota: units that may be spent.
        address: of the API; by default ``$MIEN_YOUTUBE_API``, else YouTube's. Anything but this machine needs https,
            because the key goes there.
        wait: sleeps for so many seconds.

    Attributes:
        units: spent so far, and ``searches`` the number of searches among the requests.

    Raises:
        InputError: there is no key in the environment, or it is none, or the address is not a safe one.
        MissingExtra: httpx is not installed.
    """

    def __init__(
        self, quota: int = DAY_UNITS, address: str | None = None, wait: Callable[[float], object] = time.sleep
    ) -> None:
        self.quota, self.units, self.searches = quota, 0, 0
        self._wait = wait
        self._address = _safe(address or os.environ.get(BASE) or ADDRESS)
        httpx = need("httpx", "collect", "searching YouTube")
        self._failures: tuple[type[Exception], ...] = (httpx.TransportError, httpx.DecodingError)
        self._unreached: tuple[type[Exception], ...] = (httpx.ConnectError, httpx.ConnectTimeout)
        self._client = httpx.Client(headers={"X-Goog-Api-Key": _key()}, timeout=30.0)

    def __enter__(self) -> YouTube:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def get(self, what: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Ask for ``search`` or ``videos``; repeats what may succeed the next time.

        Raises:
            QuotaSpent: before the request, when it would go beyond ``quota``; or the API says so.
            PageGone: the page token is not known (any more).
            CollectError: the API refuses, or cannot be reached.
        """
        problem = ""
        for attempt in range(ATTEMPTS):
            if self.units + COSTS[what] > self.quota:
                raise QuotaSpent(f"{self.units:,} units are spent, and a request for {what} needs {COSTS[what]} more")
            pause = min(2.0**attempt, LONGEST_WAIT_S)
            try:
                answer = self._client.get(f"{self._address}/{what}", params=dict(parameters))
            except self._failures as error:
                problem = f"{type(error).__name__}: {error}"
                if not isinstance(error, self._unreached):
                    self._spend(what)
            else:
                self._spend(what)
                said = _content(answer.content)
                if answer.status_code == 200:
                    if "items" not in said:
                        raise CollectError(f"{self._address}/{what}: the answer is not one of the YouTube Data API")
                    return said
                reasons, message = _error(said)
                problem = " ".join([f"HTTP {answer.status_code}", *reasons, message])
                if not _may_pass(answer.status_code, reasons, message):
                    raise _refusal(problem, reasons, message)
                asked = answer.headers.get("Retry-After", "")
                pause = min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else pause
            if attempt + 1 < ATTEMPTS:
                self._wait(pause)
        raise CollectError(
            f"{self._address}: no answer after {ATTEMPTS} attempts ({problem}); is there a network? the same command "
            "goes on where it stopped"
        )

    def _spend(self, what: str) -> None:
        self.units += COSTS[what]
        self.searches += what == "search"


def _key() -> str:
    """The key; no message ever shows it."""
    key = os.environ.get(KEY, "").strip()
    if not key:
        raise InputError(
            f"no key for the YouTube Data API: set the environment variable {KEY} "
            f"(a key is made at {_CONSOLE}/credentials, after the API is enabled at {_CONSOLE}/library)"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(f"{KEY}: holds characters that no key has; copy it again")
    return key


def _safe(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}):
        return address.rstrip("/")
    raise InputError(f"{address}: the address of the API must begin with https://, because the key is sent to it")


def _content(body: bytes) -> dict[str, Any]:
    import json

    try:
        said = json.loads(body)
    except ValueError:  # a proxy's page, for example
        return {}
    return said if isinstance(said, dict) else {}


def _error(said: Mapping[str, Any]) -> tuple[list[str], str]:
    """Reasons (the old style, ``quotaExceeded``, and the new one, ``RATE_LIMIT_EXCEEDED``) and the API's message."""
    error = said.get("error")
    if not isinstance(error, dict):
        return [], ""
    entries = [*(error.get("errors") or []), *(error.get("details") or [])]
    reasons = [str(entry["reason"]) for entry in entries if isinstance(entry, dict) and entry.get("reason")]
    message = str(error.get("message", ""))
    key = os.environ.get(KEY, "").strip()
    return list(dict.fromkeys(reasons)), message.replace(key, "(the key)") if key else message


def _may_pass(status: int, reasons: list[str], message: str) -> bool:
    """Whether the same request may succeed in a while: the server's trouble, and too many requests a minute."""
    is_hasty = status == 429 or bool({"rateLimitExceeded", "userRateLimitExceeded"} & set(reasons))
    return status >= 500 or (is_hasty and "per day" not in message.lower())


def _refusal(problem: str, reasons: list[str], message: str) -> CollectError:
    """The error to raise for a request that will not succeed by being repeated."""
    found = set(reasons)
    if found & {"quotaExceeded", "dailyLimitExceeded"} or "per day" in message.lower():
        return QuotaSpent(
            "YouTube says that today's quota is spent; it starts anew at midnight Pacific time "
            f"(see it, or ask for more, at {_CONSOLE}/api/youtube.googleapis.com/quotas)"
        )
    if "invalidPageToken" in found:
        return PageGone(problem)
    if found & {"keyInvalid", "API_KEY_INVALID", "keyExpired"} or "API key not valid" in message:
        return CollectError(
            f"YouTube does not know the key in {KEY}: compare it with those at {_CONSOLE}/credentials ({problem})"
        )
    if found & {"accessNotConfigured", "SERVICE_DISABLED"}:
        return CollectError(
            "the project of the key has not enabled the YouTube Data API: enable it at "
            f"{_CONSOLE}/library/youtube.googleapis.com and wait some minutes ({problem})"
        )
    if "ipRefererBlocked" in found or any(reason.startswith("API_KEY_") for reason in found):
        return CollectError(
            "the key may not be used from here or not for this API: see its restrictions at "
            f"{_CONSOLE}/credentials ({problem})"
        )
    return CollectError(f"YouTube refuses the request: {problem}")
