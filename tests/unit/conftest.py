"""A network that can be computed by hand, and videos of pictures that are known."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.card import KEY, Card
from mien.preprocess import Preprocess

#: Logits of classes a, b, c for the mean colour (r, g, b from 0 to 1): each class likes one colour.
LIKES = 4.0 * np.eye(3, dtype=np.float32)
#: Of videos: frames and samples of sound per second.
RATE = 25
SOUND_RATE = 16_000


def write_colours(path: Path, weights: np.ndarray, card: Card | str | None, shape: list[Any], classes: int) -> Path:
    """Mean of the left half's pixels, times a matrix."""
    half = shape[-1] // 2
    arrays = {"weights": weights, "starts": [0], "ends": [half], "width": [3]}
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["faces", "starts", "ends", "width"], ["left"]),
            helper.make_node("ReduceMean", ["left"], ["colour"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
        ],
        "colours",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [shape[0], classes])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if card is not None:
        helper.set_model_props(model, {KEY: card if isinstance(card, str) else card.to_json()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture
def colours(tmp_path) -> Callable[..., Path]:
    """Write a recognizer that answers by the mean colour of the left half of a face.

    ``colours("name.onnx", classes=("a", "b", "c"), weights=LIKES, size_px=8, margin=0.0, **fields_of_the_card)``
    """

    def write(
        name: str = "colours.onnx",
        classes: tuple[str, ...] = ("angry", "happy", "sad"),
        weights: np.ndarray = LIKES,
        size_px: int = 8,
        margin: float = 0.0,
        shift: float = 0.0,
        **card: Any,
    ) -> Path:
        prepare = Preprocess(size_px=size_px, mean=(0, 0, 0), std=(1, 1, 1), margin=margin, shift=shift)
        card = {"name": Path(name).stem, "classes": classes, "preprocess": prepare, **card}
        shape = ["faces", 3, size_px, size_px]
        return write_colours(tmp_path / name, weights.astype(np.float32), Card(**card), shape, len(classes))

    return write


@pytest.fixture
def raw_network(tmp_path) -> Callable[..., Path]:
    """Write the same network with any card, or none, and any declared shape."""

    def write(card: Card | str | None, shape: list[Any] | None = None) -> Path:
        return write_colours(tmp_path / "raw.onnx", LIKES, card, shape or ["faces", 3, 8, 8], 3)

    return write


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
