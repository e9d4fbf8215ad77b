"""The door: who may ask, from where and how often; and what every answer carries.

Plain ASGI, because Starlette's middleware of functions gets in the way of streams. A request may be refused before its
body was read; uvicorn reads on for some seconds, so that a client that is still sending sees the reason.
"""

from __future__ import annotations

import hmac
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.web.limits import Rate
from mien.web.metrics import Metrics
from mien.web.notice import SHORT
from mien.web.problems import Problem
from mien.web.settings import LOCAL_NAMES, Settings

#: Without a token: the page, its files, the description, and whether the server is well.
PUBLIC = ("/static/",)
PUBLIC_PATHS = frozenset({"/", "/health", "/openapi.json", "/favicon.ico"})
#: Prefix of the WebSocket subprotocol that carries the token: browsers cannot set other headers there.
BEARER = "bearer."

HEADERS = {
    "cache-control": "no-store",
    # everything from here; the rest is what a network needs that runs inside the page
    "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "mien-notice": SHORT,
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """Wraps an app."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._rate = Rate(settings.rate)
        self._names = LOCAL_NAMES | {settings.host} | {str(urlsplit(origin).hostname) for origin in settings.origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request (ASGI)."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope, Headers(scope=scope))
            refused = None
        except Problem as problem:
            refused = problem
        if scope["type"] == "http":
            await self._http(scope, receive, send, refused)
        elif refused is None:
            await self._app(scope, receive, send)
        else:
            await self._close(scope, receive, send, refused)

    async def _http(self, scope: Scope, receive: Receive, send: Send, refused: Problem | None) -> None:
        start, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        self._metrics.in_flight.inc()
        try:
            if refused is None:
                await self._app(scope, receive, sending)
            else:
                await refused.response()(scope, receive, sending)
        finally:
            self._metrics.in_flight.dec()
            route = getattr(scope.get("route"), "path", "other")  # never the path itself: anybody could fill the memory
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
            self._metrics.requests.labels(method, route, status).inc()
            self._metrics.seconds.labels(method, route).observe(time.perf_counter() - start)

    async def _close(self, scope: Scope, receive: Receive, send: Send, refused: Problem) -> None:
        """Refuse a WebSocket: with the whole answer where the server can, else with the code of "not allowed"."""
        await receive()
        self._metrics.requests.labels("GET", "/live", refused.status).inc()
        if "websocket.http.response" in scope.get("extensions", {}):
            await refused.response()(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": refused.code})

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        self._check_place(host, headers.get("origin"))
        if self._settings.token is not None and not self._is_public(scope):
            self._check_token(headers, self._settings.token)
        if scope["type"] == "websocket" or scope["method"] == "POST":
            client = scope.get("client")
            wait_s = self._rate.take(client[0] if client else "unknown")
            if wait_s:
                message = f"more than {self._settings.rate:g} requests per second; try again in {wait_s:.2f} s"
                raise Problem.wait("rate_limited", message, wait_s)

    def _check_place(self, host: str, origin: str | None) -> None:
        """Web pages from elsewhere must not use a server that trusts whoever reaches it."""
        name = _host_name(host)
        if self._settings.token is None and self._settings.is_local and name not in self._names:
            # a name that leads here but is not ours: how a page elsewhere gets around the rule below (DNS rebinding)
            raise Problem(403, "forbidden_origin", f"host {name[:80]!r} is not this server's; start it with --origin")
        if origin is not None and origin.partition("://")[2] != host and origin not in self._settings.origins:
            raise Problem(
                403, "forbidden_origin", f"pages of {origin[:80]} may not use this server (--origin lets them)"
            )

    @staticmethod
    def _is_public(scope: Scope) -> bool:
        return scope["path"] in PUBLIC_PATHS or scope["path"].startswith(PUBLIC) or scope.get("method") == "OPTIONS"

    @staticmethod
    def _check_token(headers: Headers, token: str) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            offered = [item.strip() for item in headers.get("sec-websocket-protocol", "").split(",")]
            given = next((item.removeprefix(BEARER) for item in offered if item.startswith(BEARER)), "")
        # takes as long whatever is wrong; as bytes, because compare_digest takes no text outside of ASCII
        if not hmac.compare_digest(given.strip().encode(), token.encode()):
            reason = "wrong token" if given else "this server wants a token: Authorization: Bearer …"
            raise Problem(401, "unauthorized", reason, {"WWW-Authenticate": "Bearer"})


def _host_name(host: str) -> str:
    """Without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
