"""A video with the readings drawn into it, and the sound it had.

Frames keep their times, so that one with an uneven rate stays in step with its sound. The sound is copied packet by
packet; only where the new kind of file cannot hold it, it is coded anew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import VideoError
from mien.images import Pixels
from mien.prediction import Reading
from mien.runtime.clip import Clip, Frame
from mien.runtime.draw import annotate

if TYPE_CHECKING:
    from av import Packet
    from av.container import OutputContainer

#: Suffix -> codecs for picture and sound, the first that this PyAV has.
CODECS: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".mkv"), (("libx264", "libopenh264", "mpeg4"), "aac")),
    ".webm": (("libvpx-vp9", "libvpx"), "libopus"),
}
SUFFIXES = frozenset(CODECS)
#: Settings of the codecs: good to look at, quick to make.
OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "crf": "12", "b": "4M"},
    "libopenh264": {"b": "4M"},
    "mpeg4": {"q": "4"},
}
#: Times are whole multiples of this: exact for 24, 25, 30, 50 and 60 frames a second and for 30000/1001.
TIME_BASE = Fraction(1, 30_000)


class AnnotatedVideo:
    """Writes a video; use it as a context.

    Args:
        path: where to; the suffix chooses the kind. It is written as it comes: give a path of ``atomic.writing``.
        clip: where the frames come from. Give ``copy_sound`` to ``Clip.frames`` to keep its sound.
        start_s: what is second 0 of the new video.
        threads: of the encoder; None leaves it to FFmpeg.

    Raises:
        VideoError: the suffix is none of ``SUFFIXES``, or this PyAV has no codec for it.
    """

    def __init__(
        self, path: str | os.PathLike[str], clip: Clip, start_s: float = 0.0, threads: int | None = None
    ) -> None:
        import av

        suffix = Path(path).suffix.lower()
        if suffix not in CODECS:
            raise VideoError(f"{path}: a video is written as {', '.join(sorted(SUFFIXES))}")
        names, self._sound_codec = CODECS[suffix]
        present = [name for name in names if name in av.codecs_available]
        if not present:
            raise VideoError(f"{path}: this PyAV has none of the codecs {', '.join(names)}; use another suffix")
        self.path, self._codec, self._threads = Path(path), present[0], threads
        self._clip, self._start_s = clip, start_s
        self._output: OutputContainer = av.open(os.fspath(path), "w")
        self._picture: Any = None  # PyAV's add_stream says of no stream which kind it is
        self._last = -1
        self._early: list[Packet[Any]] = []
        self._sound: Any = None
        self._is_copied = False
        self._prepare_sound()

    def __enter__(self) -> AnnotatedVideo:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None and self._picture is not None:
                self._output.mux(self._picture.encode(None))
                if self._sound is not None and not self._is_copied:
                    self._output.mux(self._sound.encode(None))
        finally:
            self._output.close()

    def _prepare_sound(self) -> None:
        streams = self._clip.container.streams.audio
        if not streams:
            return
        self._is_copied = streams[0].codec_context.name in self._output.supported_codecs
        if self._is_copied:
            try:
                self._sound = self._output.add_stream_from_template(streams[0])
            except ValueError:
                self._is_copied = False
        if not self._is_copied:
            rate = 48_000 if self._sound_codec == "libopus" else streams[0].rate
            self._sound = self._output.add_stream(self._sound_codec, rate=rate)
            self._sound.layout = streams[0].layout.name

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Draw and add the next frame."""
        import av

        image = _even(annotate(frame.image, readings, below=False))
        picture = self._picture or self._begin(image)
        if image.shape[:2] != (picture.height, picture.width):
            raise VideoError(
                f"{self._clip.source}: frame {frame.number} has {image.shape[1]} x {image.shape[0]} pixels, those "
                f"before had {picture.width} x {picture.height}: such a video can be read, but not annotated"
            )
        drawn = av.VideoFrame.from_ndarray(image, format="rgb24")
        self._last = max(round((frame.time_s - self._start_s) / TIME_BASE), self._last + 1)
        drawn.pts, drawn.time_base = self._last, TIME_BASE
        self._output.mux(picture.encode(drawn))

    def _begin(self, image: Pixels) -> Any:
        """The stream of pictures: its size is known with the first one."""
        rate = Fraction(self._clip.rate).limit_denominator(1001)
        picture: Any = self._output.add_stream(self._codec, rate=rate, options=dict(OPTIONS[self._codec]))
        picture.height, picture.width = image.shape[:2]
        picture.pix_fmt = "yuv420p"
        picture.codec_context.time_base = TIME_BASE
        picture.codec_context.sample_aspect_ratio = self._clip.video.sample_aspect_ratio or Fraction(1)
        if self._threads is not None:
            picture.codec_context.thread_count = self._threads
        self._picture = picture
        for packet in self._early:
            self._add_sound(packet)
        self._early.clear()
        return picture

    def copy_sound(self, packet: Packet[Any]) -> None:
        """Take the next packet of sound."""
        time_s = self._clip.time_of(packet)
        # from the very beginning all packets are kept: decoders need those before 0 to fill their memory
        is_early = time_s is not None and 0 < self._start_s > time_s
        if self._sound is None or time_s is None or is_early:
            return
        if self._picture is None:  # the file's head is written with the first packet, and names all streams
            self._early.append(packet)
        else:
            self._add_sound(packet)

    def _add_sound(self, packet: Packet[Any]) -> None:
        import av

        begin_s = self._start_s + self._clip.begin_s
        if self._is_copied:
            assert packet.time_base is not None
            shift = round(begin_s / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = self._sound
            self._output.mux(packet)
            return
        try:
            heard = packet.decode()
        except (av.error.FFmpegError, ValueError):  # a damaged packet is a moment of silence
            return
        for sound in heard:
            if sound.pts is not None and sound.time_base is not None:
                sound.pts -= round(begin_s / sound.time_base)
            self._output.mux(self._sound.encode(sound))


def _even(image: Pixels) -> Pixels:
    """Colour is stored for two by two pixels: an odd row or column is doubled."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return image
