"""The frames of one camera in, readings out, and never late: while one frame is read, only the latest waits."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from mien.runtime.video import Follower
from mien.web.engine import Engine
from mien.web.limits import Budget
from mien.web.metrics import Metrics
from mien.web.notice import NOTICE
from mien.web.pictures import decode
from mien.web.problems import Problem
from mien.web.settings import Settings

#: What the server speaks; a client may ask for it, and must when it sends a token as a second subprotocol.
PROTOCOL = "mien.v1"


class Live:
    """One connection.

    Args:
        socket: not accepted yet.
        engine: model that answers.
        smooth_s: time constant of the smoothing, in seconds.
        settings: of the server.
        metrics: are kept up to date.
        pool: threads in which frames are read.
        budget: pixels of decoded frames in memory at a time.
    """

    def __init__(
        self,
        socket: WebSocket,
        engine: Engine,
        smooth_s: float,
        settings: Settings,
        metrics: Metrics,
        pool: ThreadPoolExecutor,
        budget: Budget,
    ) -> None:
        self._socket, self._engine, self._settings, self._metrics = socket, engine, settings, metrics
        self._pool, self._budget = pool, budget
        self._follower = Follower(engine.recognizer, smooth_s=smooth_s)
        self._latest: bytes | None = None
        self._received = self._skipped = 0
        self._arrived = asyncio.Event()
        self._start_s = time.monotonic()

    async def run(self) -> None:
        """Serve until one side goes away."""
        offered = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(PROTOCOL if PROTOCOL in offered else None)
        labels = list(self._engine.recognizer.labels)
        try:
            await self._socket.send_json(
                {"type": "ready", "model": self._engine.name, "labels": labels, "notice": NOTICE}
            )
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read())
                await self._receive()
                reading.cancel()
        except* WebSocketDisconnect:
            pass  # while an answer was on its way

    async def _receive(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is None:
                refused = Problem(
                    422, "invalid", "a text message: expected one frame (JPEG, PNG or WebP) per binary message"
                )
                await self._send({"type": "error", "frame": None, **refused.to_dict()})
                continue
            if self._latest is not None:
                self._skipped += 1
                self._metrics.frames.labels("skipped").inc()
            self._latest = message["bytes"]
            self._received += 1
            self._arrived.set()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            content, self._latest = self._latest, None
            number, skipped, self._skipped = self._received - 1, self._skipped, 0
            if content is None:
                continue
            try:
                answer = await loop.run_in_executor(self._pool, self._answer, content, number)
            except Problem as problem:
                self._metrics.frames.labels(problem.code).inc()
                await self._send({"type": "error", "frame": number, "skipped": skipped, **problem.to_dict()})
            else:
                self._metrics.frames.labels("read").inc()
                await self._send({"type": "readings", "frame": number, "skipped": skipped, **answer})

    def _answer(self, content: bytes, number: int) -> dict[str, Any]:
        start = time.monotonic()
        limit = int(self._settings.max_frame_mb * 1e6)
        if len(content) > limit:
            raise Problem(413, "upload_too_large", f"a frame of {len(content):,} bytes, the limit is {limit:,}")
        with decode(content, "", self._settings.max_pixels, self._budget.hold) as image:
            size_px = [image.shape[1], image.shape[0]]
            readings = self._follower.see(image, start - self._start_s)
        faces = [{key: item for key, item in one.to_dict().items() if key != "time_s"} for one in readings]
        return {
            "time_s": round(start - self._start_s, 3),
            "size_px": size_px,
            "work_ms": round(1000 * (time.monotonic() - start), 1),
            "faces": faces,
        }

    async def _send(self, message: dict[str, Any]) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            await self._socket.send_json(message)
