"""Many pictures: in order, with reasons, in bounded memory."""

import json
import os
import threading
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from mien.images import read, resize, write
from mien.runtime.network import Network
from mien.runtime.recognizer import Recognizer
from mien.runtime.stream import find, stream

COLOURS = {"angry": (255, 0, 0), "happy": (0, 255, 0), "sad": (0, 0, 255)}


def plain(colour, side=16):
    return np.full((side, side, 3), colour, np.uint8)


@pytest.fixture
def whole(colours):
    return Recognizer(colours(), detector="whole", threads=1, batch_size=4)


def test_in_order_with_a_reason_for_each_bad_one(whole, tmp_path):
    wanted = []
    for number in range(30):
        path = tmp_path / f"{number}.png"
        if number % 7 == 3:
            path.write_bytes(b"" if number % 2 else b"not a picture")
            wanted.append((str(path), None))
        else:
            name = list(COLOURS)[number % 3]
            write(path, plain(COLOURS[name], 16 + number))
            wanted.append((str(path), name))
    answers = list(whole.stream(path for path, _ in wanted))
    found = [(answer.source, answer.readings[0].prediction.label if answer.readings else None) for answer in answers]
    assert found == wanted
    assert all((answer.error is None) == bool(answer.readings) for answer in answers)
    assert "empty" in answers[3].reason
    assert "format" in answers[10].reason
    assert answers[4].size_px == (20, 20)


def test_no_face_is_a_reason_and_not_an_error(colours):
    (answer,) = Recognizer(colours(), threads=1).stream([plain((80, 80, 80), 64)])
    assert (answer.source, answer.error, answer.reason) == ("picture 1", None, "no face found")
    assert answer.to_dict() == {"source": "picture 1", "size_px": [64, 64], "reason": "no face found", "faces": []}


def test_an_answer_is_ready_for_json(whole):
    (answer,) = whole.stream([plain(COLOURS["sad"])])
    found = json.loads(json.dumps(answer.to_dict()))
    assert (found["source"], found["reason"]) == ("picture 1", None)
    (face,) = found["faces"]
    assert face["face"] == {"box": [0.0, 0.0, 16.0, 16.0], "score": 1.0, "landmarks": None}
    assert face["expression"]["label"] == "sad"
    assert list(face["expression"]["probabilities"]) == ["angry", "happy", "sad"]


def test_a_huge_picture_is_refused_before_it_is_decoded(whole, tmp_path):
    path = tmp_path / "huge.png"
    Image.new("1", (20_000, 20_000)).save(path)
    bad, good = whole.stream([str(path), plain(COLOURS["happy"])])
    assert "too many pixels" in bad.reason
    assert good.readings[0].prediction.label == "happy"


def test_it_reads_only_a_little_ahead(whole):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield plain(COLOURS["happy"])

    answers = whole.stream(endless())
    workers = os.cpu_count() or 1
    looked_for, runs = 2 * workers + 4, workers + 3  # of four: in flight, one that is gathered, one that is read
    for number in range(1, 200):
        next(answers)
        assert taken - number <= looked_for + 4 * runs
    answers.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mien-work")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_side_by_side_the_readings_are_those_of_one_after_the_other(tmp_path, workers):
    recognizer, draw = Recognizer(), np.random.default_rng(0)
    assets = files("mien") / "assets"
    sources = [read(assets / name) for name in ("eileen_collins.jpg", "group.jpg", "grace_hopper.jpg")]
    sources = [resize(image, 160, 160) for image in sources] + [
        b"damaged",
        draw.integers(0, 256, (40, 50, 3), np.uint8),
    ]
    sources = [sources[number % 5] for number in range(24)]
    wanted = [(find(recognizer, "", source), source) for source in sources]
    found = list(stream(recognizer, sources, workers))
    assert [answer.source for answer in found] == [f"picture {number}" for number in range(1, 25)]
    for answer, (picture, _) in zip(found, wanted, strict=True):
        assert (answer.error, answer.size_px) == (picture.error, picture.size_px)
        assert [reading.face.box.tolist() for reading in answer.readings] == [
            face.box.tolist() for face in picture.faces
        ]
        for number, reading in enumerate(answer.readings):
            (row,) = recognizer.combine([[framed[number]] for framed in picture.framings])
            assert reading.prediction.probabilities.tobytes() == row.tobytes()
    assert sum(len(answer.readings) for answer in found) > 20


def test_runs_for_many_pictures_have_one_thread_each_and_eight_faces_at_most(colours, monkeypatch):
    recognizer, asked = Recognizer(colours(), detector="whole"), []
    run = Network._run
    monkeypatch.setattr(
        Network, "_run", lambda self, batch: (asked.append((self._threads, len(batch))), run(self, batch))[1]
    )
    list(recognizer.stream([plain(COLOURS["sad"])] * 20))
    assert sorted(asked) == [(1, 4), (1, 8), (1, 8)]
    asked.clear()
    list(recognizer.stream([plain(COLOURS["sad"])] * 3))
    assert asked == [(None, 3)], "a run that is alone has all cores"


def test_what_waits_for_a_batch_is_small(colours, monkeypatch):
    recognizer = Recognizer(colours(), detector="whole", threads=1, batch_size=8)
    held = []
    combine = recognizer.combine
    monkeypatch.setattr(recognizer, "combine", lambda framings: (held.extend(framings[0]), combine(framings))[1])
    list(recognizer.stream([plain(COLOURS["sad"], 400)] * 8))
    assert {face.shape for face in held} == {(8, 8, 3)}


def test_rows_of_an_array_file(whole, tmp_path):
    np.save(tmp_path / "faces.npy", np.stack([plain(colour) for colour in COLOURS.values()]))
    sources = [f"{tmp_path}/faces.npy#{row}" for row in (2, 0, 3)]
    answers = list(whole.stream(sources))
    assert [len(answer.readings) for answer in answers] == [1, 1, 0]
    assert [answer.readings[0].prediction.label for answer in answers[:2]] == ["sad", "angry"]
    assert "0 to 2" in answers[2].reason


def test_a_net_with_one_channel(colours, monkeypatch):
    from mien.preprocess import Preprocess

    recognizer = Recognizer(colours(), detector="whole", threads=1)
    prepare = Preprocess(size_px=8, channels=1, mean=(0,), std=(1,))
    fitted = prepare.fit(plain((10, 200, 30), 40))
    assert prepare.fit(fitted) is fitted, "fitting twice is fitting once"
    network = recognizer.networks[0]
    network.card = network.card.model_copy(update={"preprocess": prepare})
    monkeypatch.setattr(
        network, "_run", lambda batch: [np.repeat(batch.mean(axis=(2, 3)), 3, axis=1) * np.float32([1, 0, 0])]
    )
    (answer,) = recognizer.stream([plain((10, 200, 30), 40)])
    # BT.601: (0.299 * 10 + 0.587 * 200 + 0.114 * 30) / 255 = 123.81 / 255 -> 124 / 255
    weight = np.exp(124 / 255)
    assert answer.readings[0].prediction.probabilities[0] == pytest.approx(weight / (weight + 2), abs=1e-6)
