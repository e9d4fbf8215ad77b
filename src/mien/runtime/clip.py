"""A video file, frame by frame: numbers, times and upright pictures. One pass, constant memory.

Times are those of the container, and not frame numbers divided by a rate: phones and browsers record at an uneven rate.
Zero is where a player begins to play. A damaged or truncated video gives all frames that can be read; afterwards
``Clip.problem`` says what is wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mien.errors import VideoError
from mien.images import MAX_PIXELS, Pixels

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
        *(".wmv", ".flv", ".3gp", ".ogv"),
    }
)
#: Rate of streams that do not say theirs, in frames per second.
USUAL_RATE = 25.0
#: A video that ends this much before the time that its header names, in seconds, has been cut off; sound often ends
#: a little later than the picture.
SLACK_S = 1.0


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a video: a file with a video's suffix, or the address of a stream."""
    name = os.fspath(path)
    return "://" in name or os.path.splitext(name)[1].lower() in SUFFIXES


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    Attributes:
        number: from 0, counted from the beginning of the video, also when reading began later.
        time_s: when it is shown, in seconds.
        make: gives the picture; only frames whose pictures are looked at are converted.
    """

    number: int
    time_s: float
    make: Callable[[], Pixels]

    @cached_property
    def image(self) -> Pixels:
        """(H, W, 3) uint8 RGB, upright."""
        return self.make()


class Clip:
    """A video that is open; use it as a context.

    Args:
        source: path, or an address that FFmpeg can open (``rtsp://``, ``http://``).
        threads: of the decoder; None leaves it to FFmpeg (one per core).
        content: the video itself, when it is in memory; ``source`` is then only its name.
        kind: FFmpeg's name of the container, e.g. ``mov``; None lets FFmpeg find out.
        max_pixels: refuse videos with larger frames, also where they grow in the middle of it; None = ``MAX_PIXELS``.

    Attributes:
        source: as it was given.
        container: PyAV's container, and ``video`` its stream.
        size_px: (width, height) of the upright picture; None before the first frame.
        rate: frames per second, on average.
        begin_s: time of the container that counts as 0, in seconds.
        duration_s: length that the file says its picture has, else all of it; None when it does not say.
        frame_count: number of frames that the file says it has, or that its length makes likely; for progress bars.
        problem: what is wrong with it, or None; complete when all frames have been read.
        frames_read: so far, and ``seconds_read`` the time of the last of them.

    Raises:
        VideoError: it cannot be opened, or has no picture, or too large a one.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        threads: int | None = None,
        *,
        content: BinaryIO | None = None,
        kind: str | None = None,
        max_pixels: int | None = None,
    ) -> None:
        import av

        max_pixels = MAX_PIXELS if max_pixels is None else max_pixels
        limit = {"max_pixels": str(max_pixels)}  # for FFmpeg, which has to look into the video to open it
        self.source = os.fspath(source)
        if content is None and "://" not in self.source and not os.path.exists(self.source):
            raise VideoError(f"{self.source}: no such file")
        if content is None and os.path.isfile(self.source) and os.path.getsize(self.source) == 0:
            raise VideoError(f"{self.source}: the file is empty")
        try:
            self.container: InputContainer = av.open(content or self.source, "r", format=kind, options=limit)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise VideoError(f"{self.source}: cannot be opened as a video ({_reason(error)})") from None
        if not self.container.streams.video:
            kinds = _kinds(self.container)
            self.container.close()
            raise VideoError(f"{self.source}: has no picture, only {kinds}")
        self.video: VideoStream = self.container.streams.video[0]
        width, height = self.video.width, self.video.height
        if width * height > max_pixels:
            self.container.close()
            raise VideoError(f"{self.source}: {width} x {height} pixels a frame, the limit is {max_pixels:,}")
        self.video.codec_context.options = limit  # and for frames that are larger than the header says
        self.video.thread_type = "AUTO"
        if threads is not None:
            self.video.codec_context.thread_count = threads
        self.rate = float(self.video.average_rate or self.video.guessed_rate or USUAL_RATE)
        self.size_px: tuple[int, int] | None = None
        self.problem: str | None = None
        self.duration_s = self._duration_s()
        likely = None if self.duration_s is None else round(self.duration_s * self.rate)
        self.frame_count: int | None = self.video.frames or likely
        self.begin_s = (self.container.start_time or 0) / 1_000_000
        self.frames_read = 0
        self.seconds_read = 0.0
        self._is_read = False

    def __enter__(self) -> Clip:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def _duration_s(self) -> float | None:
        if self.video.duration and self.video.time_base:
            return float(self.video.duration * self.video.time_base)
        duration = self.container.duration
        return None if duration is None or duration <= 0 else duration / 1_000_000

    def time_of(self, packet: Packet[Any]) -> float | None:
        """When what a packet holds is shown or heard, in seconds; None when it does not say."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        return None if stamp is None or packet.time_base is None else float(stamp * packet.time_base) - self.begin_s

    def frames(
        self, start_s: float = 0.0, end_s: float | None = None, also: Callable[[Packet[Any]], None] | None = None
    ) -> Iterator[Frame]:
        """Read the video, once.

        Args:
            start_s: leave out what comes before; the file is not decoded up to there.
            end_s: stop before this time.
            also: is given the packets of the first sound track, in their order, for whoever copies them.

        Yields:
            Frames in the order in which they are shown.

        Raises:
            VideoError: it has been read before.
        """
        if self._is_read:
            raise VideoError(f"{self.source}: has been read; open it again")
        self._is_read = True
        number = self._skip_to(start_s) if start_s > 0 else 0
        time_s, damaged = 0.0, 0
        has_ended = False
        for found in self._decoded(also):
            if found is None:
                damaged += 1
                continue
            time_s = number / self.rate if found.time is None else found.time - self.begin_s
            if time_s < start_s - 1e-6:
                number += found.time is None  # numbers before the start are counted by _skip_to, but for these
                continue
            if end_s is not None and time_s >= end_s:
                has_ended = True
                break
            self.size_px = self.size_px or _upright_size(found)
            self.frames_read, self.seconds_read = self.frames_read + 1, time_s
            yield Frame(number, time_s, _Picture(found))
            number += 1
        self._judge(number, time_s, damaged, has_ended)

    def _decoded(self, also: Callable[[Packet[Any]], None] | None) -> Iterator[VideoFrame | None]:
        """Frames; None for a packet that could not be decoded."""
        import av

        sound = self.container.streams.audio[:1] if also is not None else ()
        packets = self.container.demux(self.video, *sound)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError) as error:
                self.problem = f"{self.source}: cannot be read to its end ({_reason(error)})"
                return
            if packet.stream is not self.video:
                if also is not None and packet.size:
                    also(packet)
                continue
            try:
                frames: list[Any] = packet.decode()
            except (av.error.FFmpegError, ValueError):
                yield None
                continue
            yield from frames

    def _skip_to(self, start_s: float) -> int:
        """Go to the last key frame before a time; gives the number of the first frame after it.

        The packets up to there are counted, not decoded: a hundred times as quick, and the numbers are right at any
        rate.
        """
        import av

        count, key = 0, None
        try:
            for packet in self.container.demux(self.video):
                time_s = self.time_of(packet)
                if not packet.size or time_s is None:
                    continue
                if time_s < start_s - 1e-6:
                    count += 1
                if packet.is_keyframe and time_s <= start_s:
                    key = packet.pts if packet.pts is not None else packet.dts
                if time_s > start_s + 2:  # frames are stored in the order of decoding, which is a little different
                    break
            self.container.seek(key if key is not None else 0, stream=self.video, backward=True)
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(
                f"{self.source}: cannot be read from {start_s:g} s on ({_reason(error)}); leave out the start"
            ) from None
        return count

    def _judge(self, number: int, time_s: float, damaged: int, has_ended: bool) -> None:
        """Say what was wrong with the video that has been read."""
        parts = [self.problem.partition(": ")[2]] if self.problem else []
        if number == 0 and not has_ended:
            parts.append("no frame of it can be read")
        elif not has_ended and self.duration_s is not None and time_s + SLACK_S < self.duration_s:
            parts.append(f"it ends at {time_s:.1f} s of {self.duration_s:.1f} s")
        if damaged:
            parts.append(f"{damaged} damaged {'packet' if damaged == 1 else 'packets'}")
        if parts:
            self.problem = f"{self.source}: {'; '.join(parts)}"


class _Picture:
    """The picture of a decoded frame, when it is asked for."""

    def __init__(self, frame: VideoFrame) -> None:
        self._frame = frame

    def __call__(self) -> Pixels:
        turns = _quarter_turns(self._frame)
        picture = np.asarray(self._frame.to_ndarray(format="rgb24"), np.uint8)
        return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def _quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns against the clock that make the picture upright; phones turn the picture by a mark only."""
    return round(getattr(frame, "rotation", 0) / 90) % 4


def _upright_size(frame: VideoFrame) -> tuple[int, int]:
    return (frame.height, frame.width) if _quarter_turns(frame) % 2 else (frame.width, frame.height)


def _kinds(container: InputContainer) -> str:
    return ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"


def _reason(error: BaseException) -> str:
    """The cause without error number and file name."""
    return str(getattr(error, "strerror", None) or error).splitlines()[0]
