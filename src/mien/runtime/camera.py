"""Live pictures: a camera, or a video played at its own speed; whoever looks gets the newest frame.

A reader that is slower than the camera must not fall behind: frames are taken in a thread, only the newest is kept, and
those that nobody came for are dropped.
"""

from __future__ import annotations

import glob
import os
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType

import cv2
import numpy as np

from mien.errors import VideoError
from mien.images import Pixels
from mien.runtime.clip import Clip, Frame

#: Seconds that a frame may take; then the camera has gone.
PATIENCE_S = 10.0
ELSE = "A video file or an address goes as well: mien watch clip.mp4"


class Camera:
    """A camera that is open.

    Args:
        device: its number, from 0, or a path such as ``/dev/video0``.

    Raises:
        VideoError: it cannot be opened.
    """

    def __init__(self, device: int | str) -> None:
        self.source = f"camera {device}" if isinstance(device, int) else device
        path = f"/dev/video{device}" if isinstance(device, int) else device
        # looked for before OpenCV does, which would print warnings of its own
        if not os.path.exists(path) and (isinstance(device, str) or sys.platform == "linux"):
            raise VideoError(f"{self.source}: no such device; {_present()}. {ELSE}")
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            self._capture.release()
            raise VideoError(f"{self.source}: cannot be opened: is it in use, or are you not allowed to? {ELSE}")

    def frames(self) -> Iterator[Frame]:
        """Frames as they come; times are seconds since the first.

        Raises:
            VideoError: the camera gives no picture.
        """
        start_s, number = None, 0
        while True:
            is_good, bgr = self._capture.read()
            now_s = time.monotonic()
            if not is_good:
                raise VideoError(
                    f"{self.source}: gives no {'further ' if number else ''}picture; has it been unplugged?"
                )
            start_s = now_s if start_s is None else start_s
            picture: Pixels = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
            yield Frame(number, now_s - start_s, lambda picture=picture: picture)  # type: ignore[misc]
            number += 1

    def close(self) -> None:
        """Let others use it."""
        self._capture.release()


def _present() -> str:
    if sys.platform != "linux":
        return "other cameras have the numbers 1, 2, …"
    found = sorted(glob.glob("/dev/video*"))
    return f"cameras here: {', '.join(found)}" if found else "there is no camera here"


def open_live(source: str, threads: int | None = None) -> Camera | Clip:
    """Open what is named: ``0`` (a camera's number), ``/dev/video0``, a file or an address.

    Raises:
        VideoError: it cannot be opened.
    """
    if source.isdecimal():
        return Camera(int(source))
    return Camera(source) if source.startswith("/dev/video") else Clip(source, threads)


class Newest:
    """Takes frames in a thread and keeps the newest; use it as a context, and loop over it.

    Args:
        origin: a camera, or a video, which is played at its own speed.

    Attributes:
        dropped: frames that nobody came for.

    Raises:
        VideoError: (in the loop) the origin stopped with an error, or gave nothing for ``PATIENCE_S``.
    """

    def __init__(self, origin: Camera | Clip) -> None:
        self.dropped = 0
        self._origin = origin
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._error: BaseException | None = None
        self._has_ended = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take, name="mien-camera", daemon=True)

    def __enter__(self) -> Newest:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        if not self._thread.is_alive():  # else it waits for a picture: closing under it would crash
            self._origin.close()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._frame is not None or self._has_ended, PATIENCE_S):
                    raise VideoError(f"{self._origin.source}: gave no picture for {PATIENCE_S:g} s")
                frame, self._frame = self._frame, None
            if frame is None:
                if self._error is not None:
                    raise self._error
                return
            yield frame

    def _take(self) -> None:
        # a stream from an address comes at its own speed by itself
        is_file = isinstance(self._origin, Clip) and "://" not in self._origin.source
        start_s = time.monotonic()
        try:
            for frame in self._origin.frames():
                if self._stop.wait(max(0.0, frame.time_s - (time.monotonic() - start_s)) if is_file else 0):
                    break
                with self._changed:
                    self.dropped += self._frame is not None
                    self._frame = frame
                    self._changed.notify()
        except Exception as error:  # whatever it is, it belongs to the reader
            self._error = error
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify()
