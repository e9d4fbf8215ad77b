"""A network that can be computed by hand, videos of pictures that are known, and a server of one file."""

import re
import runpy
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


#: Of the generator below: colour (r, g, b from 0 to 1) of the average face of each class.
MEANS = np.array([[0.2, 0.4, 0.6], [0.6, 0.4, 0.2], [0.5, 0.5, 0.5]], np.float32)


@pytest.fixture
def generator_file(tmp_path) -> Callable[..., Path]:
    """Write a generator whose faces can be computed by hand: 8 px, Z = 4, K = 64 (one number per pixel).

    The value of channel c at a pixel is ``mean of the class + truncation * (0.1 * latent c + 0.05 * noise there)``,
    from 0 to 1. Without classes the mean is 0.5.

    ``generator_file("name.onnx", classes=("fear", "happy", "neutral"), channels=3, **fields_of_the_card)``
    """

    def write(
        name: str = "faces.onnx",
        classes: tuple[str, ...] = ("fear", "happy", "neutral"),
        channels: int = 3,
        means: np.ndarray | None = None,
        **card: Any,
    ) -> Path:
        if means is None:
            means = MEANS[np.arange(len(classes)) % 3] if classes else np.full((1, 3), 0.5, np.float32)
        std, mean = np.full(channels, 0.25, np.float32), np.full(channels, 0.5, np.float32)
        arrays = {
            "means": means[:, :channels].astype(np.float32),
            "latent_scale": np.eye(4, channels, dtype=np.float32) * np.float32(0.1),
            "noise_scale": np.float32(0.05),
            "noise_shape": np.array([-1, 1, 8, 8], np.int64),
            "corners": np.array([2, 3], np.int64),
            "mean": mean[:, None, None],
            "std": std[:, None, None],
        }
        inputs = {"latents": 4, "classes": len(classes), "truncation": 1, "noise": 64}
        average = [helper.make_node("MatMul", ["classes", "means"], ["average"])]
        if not classes:
            inputs.pop("classes")
            average = [helper.make_node("Identity", ["means"], ["average"])]
        graph = helper.make_graph(
            [
                *average,
                helper.make_node("MatMul", ["latents", "latent_scale"], ["tint"]),
                helper.make_node("Mul", ["tint", "truncation"], ["tint_cut"]),
                helper.make_node("Add", ["average", "tint_cut"], ["flat"]),
                helper.make_node("Unsqueeze", ["flat", "corners"], ["colour"]),
                helper.make_node("Mul", ["noise", "noise_scale"], ["grain"]),
                helper.make_node("Mul", ["grain", "truncation"], ["grain_cut"]),
                helper.make_node("Reshape", ["grain_cut", "noise_shape"], ["texture"]),
                helper.make_node("Add", ["colour", "texture"], ["values"]),
                helper.make_node("Sub", ["values", "mean"], ["centred"]),
                helper.make_node("Div", ["centred", "std"], ["faces"]),
            ],
            "generator",
            [helper.make_tensor_value_info(key, TensorProto.FLOAT, ["n", size]) for key, size in inputs.items()],
            [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", channels, 8, 8])],
            [numpy_helper.from_array(np.asarray(value), key) for key, value in arrays.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        prepare = Preprocess(size_px=8, channels=channels, mean=tuple(mean.tolist()), std=tuple(std.tolist()))
        about = {"name": Path(name).stem, "kind": "generator", "classes": classes, "preprocess": prepare, **card}
        helper.set_model_props(model, {KEY: Card(**about).to_json()})
        onnx.checker.check_model(model)
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return write


class FileServer:
    """Gives one file, under any path, in the ways that a test asks for.

    Attributes:
        content: the file.
        ways: how the next requests are answered, the first first; when none is left, well. A number is a status;
            ``no range``: all of it, whatever was asked for; ``cut 100``: the promised length, but only so many bytes;
            ``stall 100``: so many bytes, then nothing for two seconds; ``drip``: byte by byte; ``other part``: a part
            that nobody asked for; ``unknown length``; ``to URL``: a redirection.
        headers: sent beside.
        asked: the Range header of every request, None where there was none.
        url: its address; any path may follow.
    """

    def __init__(self) -> None:
        self.content = b""
        self.ways: list[int | str] = []
        self.headers: dict[str, str] = {}
        self.asked: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.headers["Range"])
                server.answer(self, server.ways.pop(0) if server.ways else "well")

            def log_message(self, *about: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, way: int | str) -> None:
        content, found = self.content, re.match(r"bytes=(\d+)-", request.headers["Range"] or "")
        start = int(found[1]) if found and way != "no range" else 0
        word, _, rest = str(way).partition(" ")
        if word == "to":
            request.send_response(302)
            request.send_header("Location", rest)
        elif isinstance(way, int):
            request.send_response(way)
            content, start = b"", 0
        elif start >= len(content) > 0:
            request.send_response(416)
            content = b""
        else:
            request.send_response(206 if start else 200)
            if start:
                shown = start + 1 if way == "other part" else start
                request.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
            if way != "unknown length":
                request.send_header("Content-Length", str(len(content) - start))
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.end_headers()
        rest_of_it = content[start:] if word != "to" else b""
        if word in ("cut", "stall"):
            rest_of_it = rest_of_it[: int(rest)]
        for piece in [rest_of_it[i : i + 1] for i in range(len(rest_of_it))] if word == "drip" else [rest_of_it]:
            request.wfile.write(piece)
        if word == "stall":
            request.wfile.flush()
            time.sleep(2)


@pytest.fixture
def file_server(monkeypatch) -> Iterator[FileServer]:
    """A server of one file on this machine, without any proxy in between."""
    monkeypatch.setenv("no_proxy", "*")
    server = FileServer()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


@pytest.fixture
def made_up_ray(monkeypatch) -> Any:
    """In the place of Ray: calls in this process, one by one, in any order."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")  # and as before, after the test
    made = runpy.run_path(str(Path(__file__).with_name("made_up_ray.py")))["Ray"]()
    monkeypatch.setitem(sys.modules, "ray", made)
    return made


@pytest.fixture
def real_ray() -> Any:
    """Ray, where it is installed; it is none of the packages of ``make test``."""
    return pytest.importorskip("ray")
