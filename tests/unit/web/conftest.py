"""A server whose model can be computed by hand: each picture is one face, and its colour is its expression."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from mien.web.app import create_app
from mien.web.settings import Settings

#: The class that likes each colour, in the order of the network of ``colours``.
COLOURS = {"angry": (255, 0, 0), "happy": (0, 255, 0), "sad": (0, 0, 255)}


@pytest.fixture
def settings(colours) -> Callable[..., Settings]:
    """Settings with that model."""
    path = str(colours())

    def make(**values: Any) -> Settings:
        return Settings(**{"models": (path,), "detector": "whole", "workers": 2, "rate": 0, **values})

    return make


@pytest.fixture
def client(settings) -> Callable[..., Any]:
    """``with client(**settings) as c``: a client of a server in this process."""

    @contextmanager
    def make(**values: Any) -> Iterator[TestClient]:
        with TestClient(create_app(settings(**values)), base_url="http://localhost") as found:
            yield found

    return make


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """A file of one colour: ``picture("happy", "PNG", size=(40, 30))``."""

    def make(expression: str = "happy", format: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", size, COLOURS[expression]).save(file, format, **options)
        return file.getvalue()

    return make


@pytest.fixture
def video() -> Callable[..., bytes]:
    """A video of one colour per frame, ten frames per second: ``video(["happy", "sad"])``."""

    def make(expressions: list[str], format: str = "mp4") -> bytes:
        file = io.BytesIO()
        with av.open(file, "w", format=format) as container:
            stream = container.add_stream("mpeg4", 10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for expression in expressions:
                image = np.full((48, 64, 3), COLOURS[expression], np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
            container.mux(stream.encode())
        return file.getvalue()

    return make
