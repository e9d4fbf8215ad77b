"""What a server is told when it starts: where to listen, what to serve, and how much."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any

from mien.errors import InputError
from mien.faces import DEFAULT as DEFAULT_DETECTOR
from mien.runtime.models import DEFAULT as DEFAULT_MODEL

#: Shorter tokens can be guessed.
MIN_TOKEN = 16
#: Characters that a token may have: those that go into a header and a WebSocket's subprotocol as they are (RFC 7230).
TOKEN = re.compile(rf"[A-Za-z0-9._~!#$%&'*+^|-]{{{MIN_TOKEN},}}")
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set.

    Attributes:
        host: address to listen on.
        port: 0 takes a free one.
        models: names or paths of the models to serve; the first answers when none is asked for.
        detector: an entry of ``mien.faces.DETECTORS``.
        threshold: abstain below this confidence; None = as the models' cards say.
        token: what a client must show; None asks for none.
        is_open: listen on other addresses than this machine's own without a token.
        origins: web pages elsewhere that may use the server, such as ``https://faces.example.org``; also the names
            under which a proxy offers it.
        proxies: addresses of proxies whose ``X-Forwarded-For`` is believed.
        max_upload_mb: of one request with pictures.
        max_pixels: of one picture, or of one frame.
        max_images: in one request.
        max_waiting: requests with pictures at a time; more are sent away with 429.
        max_held_mb: of uploads in memory at a time, over all requests.
        rate: requests with work per second and client, on average; 0 for any number.
        max_live: cameras at a time.
        max_frame_mb: one frame of a camera.
        max_video_mb: one video.
        max_video_s: length of a video, in seconds.
        max_jobs: videos that are read, wait, or have a result that nobody has deleted.
        keep_s: how long the result of a video is kept.
        upload_timeout_s: for the whole body of a request.
        batch_wait_ms: how long a run of the network waits for faces of other requests; 0 runs each request by itself.
        threads: CPU threads of the network.
        device: what computes: ``auto`` (CUDA where there is one, else the CPU), ``cuda``, ``openvino`` or ``cpu``.
        workers: threads that decode pictures and look for faces; None = one per core.

    Raises:
        InputError: a value is out of its range, or the server would be open to everybody.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    detector: str = DEFAULT_DETECTOR
    threshold: float | None = None
    token: str | None = field(default=None, repr=False)
    is_open: bool = False
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    max_upload_mb: float = 20.0
    max_pixels: int = 25_000_000
    max_images: int = 16
    max_waiting: int = 64
    max_held_mb: float = 256.0
    rate: float = 100.0
    max_live: int = 8
    max_frame_mb: float = 4.0
    max_video_mb: float = 100.0
    max_video_s: float = 600.0
    max_jobs: int = 4
    keep_s: float = 900.0
    upload_timeout_s: float = 60.0
    batch_wait_ms: float = 4.0
    threads: int = 1
    device: str = "auto"
    workers: int | None = None

    def __post_init__(self) -> None:
        least: dict[str, float] = {
            **dict.fromkeys(("max_upload_mb", "max_frame_mb", "max_video_mb", "max_video_s", "keep_s"), 0.001),
            **dict.fromkeys(("max_pixels", "max_images", "max_waiting", "max_live", "max_jobs", "threads"), 1),
            **{"rate": 0, "batch_wait_ms": 0, "port": 0, "upload_timeout_s": 0.1, "max_held_mb": self.max_upload_mb},
        }
        for name, value in least.items():
            given: Any = getattr(self, name)
            if not given >= value:
                raise InputError(f"{name} is {given}: expected {value:g} or more")
        if not self.models:
            raise InputError("no model given: name at least one")
        for origin in self.origins:
            if not re.fullmatch(r"https?://[^/\s]+", origin):
                raise InputError(f"origin {origin!r}: expected such as https://faces.example.org, without a path")
        if self.token is not None and not TOKEN.fullmatch(self.token):
            raise InputError(
                f"the token is too short or has unusual characters: expected {MIN_TOKEN} or more letters and digits, "
                'such as `python -c "import secrets; print(secrets.token_urlsafe(32))"` prints'
            )
        if not (self.is_local or self.token or self.is_open):
            raise InputError(
                f"host {self.host}: others could use this server, and there is no token. Give one (MIEN_TOKEN or "
                "--token-file), listen on 127.0.0.1, or say --open-to-everyone"
            )

    @property
    def is_local(self) -> bool:
        """True when only programs on this machine can reach the server."""
        if self.host in LOCAL_NAMES:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
