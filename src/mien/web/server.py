"""The process: listens, tells where, and ends without losing a request that it has begun."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable

import uvicorn

from mien.web.app import create_app
from mien.web.settings import Settings

#: Seconds for requests that are being served when the server is told to stop.
GRACE_S = 30


class Server(uvicorn.Server):
    """A server that says where it listens.

    Args:
        settings: where and what.
        ready: is told the address as soon as requests are taken.

    Raises:
        ModelError: a model cannot be used.
    """

    def __init__(self, settings: Settings, ready: Callable[[str], None] = lambda address: None) -> None:
        self._settings, self._ready = settings, ready
        config = uvicorn.Config(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            access_log=False,  # addresses of people
            log_level="warning",
            server_header=False,
            proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=list(settings.proxies),
            timeout_graceful_shutdown=GRACE_S,
            ws="websockets-sansio",
            # up to twice the limit a frame gets an answer that says why not; beyond that the connection is closed
            ws_max_size=int(2e6 * settings.max_frame_mb),
            ws_per_message_deflate=False,  # pictures are packed already, and small messages can unpack to large ones
        )
        # Pillow tells of damaged metadata in pictures; a log of the server says nothing about pictures
        warnings.filterwarnings("ignore", module="PIL")
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            listening = [item for server in self.servers for item in server.sockets]
            host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
            self._ready(f"http://{host}:{listening[0].getsockname()[1]}")


def serve(settings: Settings, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until the process is told to stop (SIGTERM, or Ctrl-C)."""
    Server(settings, ready).run()
