"""Threads and a cluster give the same answers."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MissingExtra, UnknownName
from mien.images import write
from mien.runtime.biases import Biases
from mien.runtime.engines import ENGINES
from mien.runtime.recognizer import Recognizer

RAYS = pytest.mark.parametrize("ray", ["made_up_ray", "real_ray"])
ignored = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def pictures(tmp_path) -> list[str]:
    """Ninety: coloured, one in eleven damaged, one in seven missing."""
    draw = np.random.default_rng(0)
    paths = []
    for number in range(90):
        path = tmp_path / "pictures" / f"{number}.png"
        paths.append(str(path))
        if number % 11 == 3:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"not a picture")
        elif number % 7:
            write(path, draw.integers(0, 256, (8 + number % 5, 9, 3), dtype=np.uint8))
    return paths


def rows(answers) -> list[str]:
    return [json.dumps(answer.to_dict()) for answer in answers]


@ignored
@RAYS
def test_the_same_answers(colours, pictures, ray, request):
    request.getfixturevalue(ray)
    models = [colours("a.onnx"), colours("b.onnx", classes=("happy", "sad", "angry"))]
    recognizer = Recognizer(
        models, detector="whole", batch_size=8, labels="fer7", threshold=0.6, flip=True, biases=Biases.of({"sad": 2.0})
    )
    with ENGINES.load("threads")(recognizer, 3) as read:
        here = rows(read(pictures))
    with ENGINES.load("ray")(recognizer, 2) as read:
        assert rows(read(pictures)) == here
        assert rows(read(iter(pictures[:1]))) == here[:1]
        assert rows(read([])) == []
    assert sum("no such file" in row for row in here) > 5
    assert sum("format" in row for row in here) > 5
    assert sum('"abstained": true' in row for row in here) > 5


@ignored
def test_a_worker_that_is_killed_over_a_picture_loses_nothing(colours, pictures, real_ray, tmp_path):
    marker, here = tmp_path / "killed", os.getpid()

    class Deadly(os.PathLike):  # a class of this function is sent to the workers with its code
        def __init__(self, path):
            self.path = path

        def __fspath__(self):
            if os.getpid() != here and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return self.path

    recognizer = Recognizer(colours(), detector="whole", threads=1)
    sources = [Deadly(path) if number == 50 else Path(path) for number, path in enumerate(pictures)]
    with ENGINES.load("ray")(recognizer, 2) as read:
        found = rows(read(sources))
    assert marker.exists()
    assert found == rows(recognizer.stream(pictures))


def test_only_a_little_is_taken_ahead(colours, made_up_ray):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield np.zeros((8, 8, 3), np.uint8)

    recognizer = Recognizer(colours(), detector="whole", threads=1, batch_size=4)
    ahead = []
    with ENGINES.load("ray")(recognizer, 2) as read:
        for number, _ in zip(range(600), read(endless()), strict=False):
            ahead.append(taken - number)
    assert max(ahead) <= max(ahead[:300])
    assert made_up_ray.most <= 4


def test_without_ray_it_says_what_to_install(colours, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    recognizer = Recognizer(colours(), detector="whole", threads=1)
    with pytest.raises(MissingExtra, match=r"--engine ray needs ray, .* pip install 'mien\[cluster\]'"):
        ENGINES.load("ray")(recognizer, None).__enter__()
    with pytest.raises(UnknownName, match="did you mean 'ray'"):
        ENGINES.load("rays")
