"""Videos: read one after the other in a thread of their own, and told of while they are.

A video is held in memory until it has been read, its readings until somebody deletes them or some time has passed. A
restart of the server forgets both.
"""

from __future__ import annotations

import io
import secrets
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Literal, cast

from mien.errors import InputError
from mien.runtime.clip import Clip, Frame
from mien.runtime.recognizer import Recognizer
from mien.runtime.stream import Answer
from mien.runtime.video import Every, read_clip
from mien.web.metrics import Metrics
from mien.web.notice import NOTICE
from mien.web.problems import Problem, shape
from mien.web.settings import Settings
from mien.web.upload import Upload

State = Literal["queued", "running", "done", "failed", "cancelled"]
#: Faces in one result, over all frames: about 500 bytes each.
MAX_READINGS = 200_000
#: Threads that look for faces in a video; pictures and cameras have the other cores.
WORKERS = 1


def container_of(content: bytes | bytearray) -> str:
    """FFmpeg's name of a container, by its first bytes.

    The name is given to FFmpeg, so that it guesses nothing: among what it opens by guessing are play lists, which
    name other files and addresses.

    Raises:
        Problem: 415 or 422, none that is read here.
    """
    if not content:
        raise Problem(422, "empty", "the file is empty")
    head = bytes(content[:16])
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    if head.startswith(b"OggS"):
        return "ogg"
    if head[:1] == b"G" and content[188:189] in (b"G", b""):
        return "mpegts"
    raise Problem(415, "not_a_video", "its first bytes are not those of MP4, MOV, WebM, MKV, AVI, Ogg or MPEG-TS")


class Job:
    """One video.

    Attributes:
        id: cannot be guessed; who has it can see the result.
        state: where it is.
        result: when it is done.
        error: why it failed.
    """

    def __init__(self, upload: Upload, recognizer: Recognizer, model: str, options: dict[str, Any]) -> None:
        self.id = secrets.token_urlsafe(16)
        self.state: State = "queued"
        self.result: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self.ended_s: float | None = None
        self._name, self._content = upload.name, upload.content
        self._kind = container_of(upload.content)
        self._recognizer, self._model, self._options = recognizer, model, options
        self._frames, self._time_s = 0, 0.0
        self._duration_s: float | None = None
        self._is_cancelled = threading.Event()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        share = 1.0 if self.state == "done" else 0.0
        if self.state == "running" and self._duration_s:
            share = min(0.99, self._time_s / self._duration_s)
        return {
            "id": self.id,
            "source": self._name,
            "model": self._model,
            "state": self.state,
            "progress": round(share, 3),
            "frames": self._frames,
            "time_s": round(self._time_s, 3),
            "duration_s": None if self._duration_s is None else round(self._duration_s, 3),
            "error": self.error,
        }

    def cancel(self) -> None:
        """Stop at the next frame."""
        self._is_cancelled.set()

    def run(self, max_pixels: int, max_s: float) -> None:
        """Read the video."""
        if self._is_cancelled.is_set():
            self._end("cancelled")
            return
        self.state = "running"
        try:
            self._read(max_pixels, max_s)
        except Problem as problem:
            self.error = problem.to_dict()["error"]
            self._end("failed")
        except InputError as error:
            self.error = shape(422, "damaged", str(error))["error"]
            self._end("failed")
        except BaseException:
            self.error = shape(500, "internal", "the server made a mistake; its log says which")["error"]
            self._end("failed")
            raise

    def _read(self, max_pixels: int, max_s: float) -> None:
        frames: list[dict[str, Any]] = []
        count = 0
        with Clip(self._name, content=io.BytesIO(self._content), kind=self._kind, max_pixels=max_pixels) as clip:
            self._content = b""
            self._duration_s = clip.duration_s
            if (clip.duration_s or 0) > max_s:
                raise Problem(422, "too_long", f"the video has {clip.duration_s:.0f} s, the limit is {max_s:g} s")
            made = read_clip(self._recognizer, clip, workers=WORKERS, **self._options)
            with closing(cast("Generator[tuple[Frame, Answer | None]]", made)) as reading:
                for frame, answer in reading:
                    if self._is_cancelled.is_set():
                        self._end("cancelled")
                        return
                    self._frames, self._time_s = frame.number + 1, frame.time_s
                    if frame.time_s > max_s:  # its header told otherwise, or nothing
                        raise Problem(422, "too_long", f"the video is longer than {max_s:g} s, which is the limit")
                    if answer is None:
                        continue
                    count += len(answer.readings)
                    if count > MAX_READINGS:
                        message = f"more than {MAX_READINGS:,} faces in all frames; read fewer of them (every)"
                        raise Problem(422, "too_long", message)
                    frames.append({key: value for key, value in answer.to_dict().items() if key != "source"})
            if clip.size_px is None:
                raise Problem(422, "damaged", str(clip.problem))
            self.result = {
                "model": [network.card.name for network in self._recognizer.networks],
                "labels": list(self._recognizer.labels),
                "source": self._name,
                "problem": clip.problem,
                "frames": frames,
                "notice": NOTICE,
            }
        self._end("done")

    def _end(self, state: State) -> None:
        self.state, self.ended_s, self._content = state, time.monotonic(), b""


class Jobs:
    """The videos of a server."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._jobs: dict[str, Job] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mien-video")

    def check_room(self) -> None:
        """See that one more video can be taken, before it is sent.

        Raises:
            Problem: 429, there is no room.
        """
        self._forget_old()
        if len(self._jobs) >= self._settings.max_jobs:
            message = f"there are {len(self._jobs)} videos, which is the limit: delete those that are done, or wait"
            raise Problem.wait("busy", message, 10)

    def add(self, upload: Upload, recognizer: Recognizer, model: str, every: str, smooth_s: float) -> Job:
        """Take a video.

        Raises:
            Problem: it is none, a parameter is wrong, or there is no room.
        """
        self.check_room()
        try:
            options = {"every": Every.parse(every), "smooth_s": smooth_s}
        except InputError as error:
            raise Problem(422, "invalid", str(error)) from None
        job = Job(upload, recognizer, model, options)
        self._jobs[job.id] = job
        self._metrics.jobs.set(len(self._jobs))
        self._thread.submit(self._run, job)
        return job

    def _run(self, job: Job) -> None:
        try:
            job.run(self._settings.max_pixels, self._settings.max_video_s)
        finally:
            self._metrics.videos.labels(job.state).inc()

    def get(self, id: str) -> Job:
        """A video by its id.

        Raises:
            Problem: 404, there is none.
        """
        self._forget_old()
        job = self._jobs.get(id)
        if job is None:
            raise Problem(404, "not_found", "no such video: it was deleted, or too old, or the server was restarted")
        return job

    def delete(self, id: str) -> None:
        """Stop a video and forget it.

        Raises:
            Problem: 404, there is none.
        """
        self.get(id).cancel()
        del self._jobs[id]
        self._metrics.jobs.set(len(self._jobs))

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._jobs = {
            id: job
            for id, job in self._jobs.items()
            if job.ended_s is None or now - job.ended_s < self._settings.keep_s
        }
        self._metrics.jobs.set(len(self._jobs))

    def close(self) -> None:
        """Stop all of them."""
        for job in self._jobs.values():
            job.cancel()
        self._thread.shutdown()
