"""From a video to readings: faces found, numbered, answered for and smoothed, in one pass.

``Follower`` is the part with a memory: it sees one frame after the other, from wherever they come (a file, a camera, a
web page), and knows who was where. ``read_clip`` drives it over a file and finds the faces of the next few frames in
threads meanwhile. A few frames are in memory at a time, however long the video is.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mien.errors import InputError
from mien.face import Face
from mien.faces.flow import follow
from mien.faces.track import Tracker
from mien.images import Pixels, grey
from mien.prediction import Prediction, Reading
from mien.runtime.clip import Clip, Frame
from mien.runtime.smooth import Smoother
from mien.runtime.stream import Answer, framings

if TYPE_CHECKING:
    from av import Packet

    from mien.runtime.recognizer import Recognizer

#: Time constant of smoothing: a new expression shows to 95 % after a second.
SMOOTH_S = 0.3
#: A face that is found again within this time, or within so many of the frames that are read, keeps its number.
MAX_GAP_S = 1.0
MAX_GAP_READS = 2.5


@dataclass(frozen=True)
class Every:
    """Which frames are read: each one of so many, or one in so many seconds.

    Example:
        >>> Every.parse("5"), Every.parse("0.5s")
        (Every(frames=5, seconds=0.0), Every(frames=1, seconds=0.5))
    """

    frames: int = 1
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Every:
        """Read ``"5"`` (frames) or ``"0.5s"`` (seconds).

        Raises:
            InputError: it is neither.
        """
        found = re.fullmatch(r"(\d+)|(\d*\.?\d+)s", text.strip())
        if found is None or not float(found[1] or found[2]) > 0:
            raise InputError(f"every {text!r}: expected a number of frames such as 5, or seconds such as 0.5s")
        return cls(frames=int(found[1])) if found[1] else cls(seconds=float(found[2]))

    def interval_s(self, rate: float) -> float:
        """Seconds between two frames that are read, at a rate in frames per second."""
        return self.seconds or self.frames / rate

    def picker(self) -> Callable[[float], bool]:
        """A function that is asked with the time of each frame, in order, whether it is to be read."""
        count, due_s = 0, float("-inf")

        def is_due(time_s: float) -> bool:
            nonlocal count, due_s
            count += 1
            if not self.seconds:
                return count % self.frames == 1 % self.frames
            if time_s < due_s - 1e-6:
                return False
            # on a grid, so that late frames do not push back those after them; anew after a gap or at the start
            due_s = due_s + self.seconds if time_s < due_s + self.seconds else time_s + self.seconds
            return True

        return is_due


class Follower:
    """Reads frames one after the other and remembers who is where.

    Args:
        recognizer: detector and networks.
        smooth_s: time constant of the smoothing in seconds; 0 for none.
        detect_every: look for faces in each one of so many frames; in the others those that are known are followed.
        max_gap_s: a face that is found again within this time keeps its number.

    Raises:
        InputError: a value is out of its range, or the recognizer's prior is ``auto``.

    Example:
        >>> from importlib.resources import files
        >>> from mien import Recognizer
        >>> from mien.images import read
        >>> follower, picture = Follower(Recognizer()), read(files("mien") / "assets" / "eileen_collins.jpg")
        >>> [follower.see(picture, time_s)[0].track for time_s in (0.0, 0.04)]
        [1, 1]
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        smooth_s: float = SMOOTH_S,
        detect_every: int = 1,
        max_gap_s: float = MAX_GAP_S,
    ) -> None:
        if detect_every < 1:
            raise InputError(f"detect_every is {detect_every}: expected 1 (every frame) or more")
        if recognizer.prior == "auto":
            raise InputError(
                "the prior 'auto' is estimated from all faces before the first answer, and frames are answered as they "
                "come: choose uniform or training"
            )
        self.recognizer = recognizer
        self.detect_every = detect_every
        self._tracker = Tracker(max_gap_s)
        self._smoother = Smoother(smooth_s)
        self._count = 0
        self._before: Pixels | None = None
        self._known: list[tuple[int, Face]] = []

    def see(
        self,
        image: Pixels,
        time_s: float,
        *,
        frame: int | None = None,
        source: str | None = None,
        faces: list[Face] | None = None,
    ) -> tuple[Reading, ...]:
        """Read the next frame.

        Args:
            image: (H, W, 3) uint8, RGB.
            time_s: of the frame, in seconds; must not go back.
            frame: its number, for the readings.
            source: of the video, for the readings.
            faces: those in it, when somebody has looked already.

        Returns:
            One reading per face, with its track.
        """
        self._known = self._find(image, time_s, faces)
        self._smoother.keep(self._tracker.alive)
        self._count += 1
        found = [face for _, face in self._known]
        if not found:
            return ()
        rows = self.recognizer.combine(framings(self.recognizer, image, found))
        return tuple(
            Reading(face, self._predict(track, row, time_s), source, frame, time_s, track)
            for (track, face), row in zip(self._known, rows, strict=True)
        )

    def _predict(self, track: int, row: Any, time_s: float) -> Prediction:
        smooth = self._smoother.add(track, row, time_s)
        return Prediction(self.recognizer.labels, smooth, self.recognizer.threshold)

    def _find(self, image: Pixels, time_s: float, faces: list[Face] | None) -> list[tuple[int, Face]]:
        """The faces of a frame and their tracks: followed when it is not the turn to look, found otherwise."""
        before, self._before = self._before, grey(image) if self.detect_every > 1 else None
        if faces is None and self._count % self.detect_every and before is not None:
            followed = self._follow(before, time_s)
            if followed is not None:
                return followed
        if faces is None:  # its turn, or somebody was lost
            faces = self.recognizer.detector.detect(image)
        return list(zip(self._tracker.update(faces, time_s), faces, strict=True))

    def _follow(self, before: Pixels, time_s: float) -> list[tuple[int, Face]] | None:
        """The faces of the last frame in this one; None when one of them was lost."""
        if self._before is None or before.shape != self._before.shape:
            return None
        sure = []
        for track, face in self._known:
            found = follow(before, self._before, face)
            if found is None:
                return None
            sure.append((track, found))
        self._tracker.forget(time_s)
        for track, face in sure:
            self._tracker.place(track, face, time_s)
        return sure


def read_clip(
    recognizer: Recognizer,
    clip: Clip,
    *,
    every: Every = Every(),
    start_s: float = 0.0,
    end_s: float | None = None,
    smooth_s: float = SMOOTH_S,
    detect_every: int = 1,
    also: Callable[[Packet[Any]], None] | None = None,
    workers: int | None = None,
) -> Iterator[tuple[Frame, Answer | None]]:
    """Read a video.

    Args:
        recognizer: detector and networks.
        clip: is read once; afterwards ``clip.problem`` says what was wrong with it.
        every: which frames to read.
        start_s: begin here.
        end_s: stop before this time; None reads to the end.
        smooth_s: as for ``Follower``, and so is the next.
        detect_every: counts the frames that are read.
        also: as for ``Clip.frames``.
        workers: threads that look for faces in the next frames; None = one per core.

    Yields:
        Every frame, with its answer when it was read and None when not, in order.
    """
    workers = workers or os.cpu_count() or 1
    gap_s = max(MAX_GAP_S, MAX_GAP_READS * detect_every * every.interval_s(clip.rate))
    follower = Follower(recognizer, smooth_s=smooth_s, detect_every=detect_every, max_gap_s=gap_s)
    is_due = every.picker()
    pending: deque[tuple[Frame, Future[list[Face]] | None, bool]] = deque()
    reads = 0

    def finish() -> tuple[Frame, Answer | None]:
        frame, looking, is_read = pending.popleft()
        if not is_read:
            return frame, None
        faces = None if looking is None else looking.result()
        readings = follower.see(frame.image, frame.time_s, frame=frame.number, source=clip.source, faces=faces)
        size_px = frame.image.shape[1], frame.image.shape[0]
        return frame, Answer(clip.source, readings, size_px, frame=frame.number, time_s=frame.time_s)

    with ThreadPoolExecutor(workers, thread_name_prefix="mien-look") as pool:
        try:
            for frame in clip.frames(start_s, end_s, also):
                is_read = is_due(frame.time_s)
                looking = None
                if is_read:
                    if reads % detect_every == 0:
                        looking = pool.submit(_look, recognizer, frame)
                    reads += 1
                pending.append((frame, looking, is_read))
                if len(pending) > 2 * workers:
                    yield finish()
            while pending:
                yield finish()
        finally:
            for _, looking, _ in pending:  # the reader stopped early
                if looking is not None:
                    looking.cancel()


def _look(recognizer: Recognizer, frame: Frame) -> list[Face]:
    return recognizer.detector.detect(frame.image)
