"""Videos that are made here, of pictures whose colour or content is known."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

RATE = 25
SOUND_RATE = 16_000


@pytest.fixture
def clip(tmp_path) -> Callable[..., Path]:
    """Write a video.

    ``clip("name.mp4", pictures, times_s=None, sound="aac", codec="libx264", options={})``: pictures (H, W, 3) uint8,
    by default 50 of 64 x 48 px whose brightness is four times their number; times by default at 25 frames a second.
    """

    def write(
        name: str = "clip.mp4",
        pictures: Sequence[np.ndarray] | None = None,
        times_s: Sequence[float] | None = None,
        sound: str | None = None,
        codec: str = "libx264",
        options: dict[str, str] | None = None,
        key_every: int = 10,
    ) -> Path:
        if pictures is None:
            pictures = [np.full((48, 64, 3), 4 * number, np.uint8) for number in range(50)]
        times_s = [number / RATE for number in range(len(pictures))] if times_s is None else times_s
        path = tmp_path / name
        with av.open(str(path), "w", options=options or {}) as output:
            stream: Any = output.add_stream(codec, rate=RATE, options={"g": str(key_every)})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, 30_000)
            heard: Any = output.add_stream(sound, rate=SOUND_RATE) if sound else None
            if heard is not None:
                heard.layout = "mono"
            for picture, time_s in zip(pictures, times_s, strict=True):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round(time_s * 30_000), Fraction(1, 30_000)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
            if heard is not None:
                output.mux([packet for part in _tone(times_s[-1]) for packet in heard.encode(part)])
                output.mux(heard.encode(None))
        return path

    return write


def _tone(seconds: float) -> list[av.AudioFrame]:
    """440 Hz, in parts of 40 ms."""
    parts = []
    for start in range(0, round((seconds + 1 / RATE) * SOUND_RATE), SOUND_RATE // RATE):
        phase = np.arange(start, start + SOUND_RATE // RATE) / SOUND_RATE * 440 * 2 * np.pi
        part = av.AudioFrame.from_ndarray((8_000 * np.sin(phase)).astype(np.int16)[None], format="s16", layout="mono")
        part.sample_rate, part.pts = SOUND_RATE, start
        parts.append(part)
    return parts
