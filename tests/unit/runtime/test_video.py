"""Readings of a video: numbers of people, smoothing, what is read and what is kept in memory."""

import tracemalloc
import warnings

import numpy as np
import pytest

import mien
from mien.errors import InputError, VideoError
from mien.face import Face
from mien.images import read, resize
from mien.runtime.clip import Clip
from mien.runtime.recognizer import Recognizer
from mien.runtime.video import Every, Follower, read_clip

RED, GREEN = (255, 0, 0), (0, 255, 0)


def plain(colour, height=48, width=64):
    return np.full((height, width, 3), colour, np.uint8)


class Squares:
    """Finds squares by brightness: the first third, middle or last third of the width, where it is not black."""

    def __init__(self):
        self.looks = 0

    def detect(self, image):
        self.looks += 1
        third = image.shape[1] // 3
        boxes = [np.array([x, 4, x + third, 4 + third], np.float32) for x in (0, third, 2 * third)]
        return [Face(box) for box in boxes if image[5, int(box[0]) + third // 2].max() > 60]


@pytest.fixture
def squares(colours):
    """A recognizer that sees coloured squares as faces."""
    recognizer = Recognizer(colours(), threads=1)
    recognizer.detector = Squares()
    return recognizer


def row(*places):
    image = plain((0, 0, 0), 40, 96)
    for third, colour in places:
        image[:, 32 * third : 32 * third + 32] = colour
    return image


def test_readings_know_when_and_who(squares, clip):
    pictures = [row((0, RED))] * 5 + [row((0, RED), (2, GREEN))] * 5
    with Clip(clip(pictures=pictures)) as video:
        answers = [answer for _, answer in read_clip(squares, video, workers=1)]
    assert [answer.frame for answer in answers] == list(range(10))
    assert [answer.time_s for answer in answers] == pytest.approx([number / 25 for number in range(10)], abs=1e-4)
    assert [[reading.track for reading in answer.readings] for answer in answers] == [[1]] * 5 + [[1, 2]] * 5
    assert answers[0].size_px == (96, 40)
    last = answers[-1].readings
    assert [reading.prediction.label for reading in last] == ["angry", "happy"]
    assert last[1].to_dict()["track"] == 2
    assert (last[1].frame, last[1].source) == (9, video.source)
    whole = answers[-1].to_dict()
    assert (whole["frame"], whole["time_s"], whole["faces"][1]["track"]) == (9, pytest.approx(0.36, abs=1e-4), 2)
    assert set(whole["faces"][1]) == {"track", "face", "expression"}


def test_smoothing_in_a_video(squares, clip):
    """Red until 0.4 s, then green: logits go from (4, 0, 0) to (0, 4, 0); they meet after 0.3 * ln 2 = 0.208 s."""
    pictures = [row((1, RED))] * 10 + [row((1, GREEN))] * 15
    labels = {}
    for smooth_s in (0.0, 0.3):
        with Clip(clip(pictures=pictures)) as video:
            reading = read_clip(squares, video, smooth_s=smooth_s, workers=1)
            labels[smooth_s] = [answer.readings[0].prediction.label for _, answer in reading]
    assert labels[0.0] == ["angry"] * 10 + ["happy"] * 15
    assert labels[0.3] == ["angry"] * 15 + ["happy"] * 10  # frame 9 is the last red; 0.208 s are 5.2 frames


def test_only_some_frames(squares, clip):
    path = clip(pictures=[row((0, RED))] * 50)

    def read_frames(**options):
        with Clip(path) as video:
            pairs = list(read_clip(squares, video, workers=2, **options))
        assert [frame.number for frame, _ in pairs] == list(range(pairs[0][0].number, pairs[-1][0].number + 1))
        return [answer.frame for _, answer in pairs if answer is not None]

    assert read_frames(every=Every(10)) == [0, 10, 20, 30, 40]
    assert read_frames(every=Every(seconds=0.5)) == [0, 13, 25, 38]  # the first at or after 0, 0.5, 1 and 1.5 s
    assert read_frames(every=Every(4), start_s=1.0, end_s=1.5) == [25, 29, 33, 37]
    assert read_frames(every=Every(seconds=0.01), start_s=1.9) == [48, 49]


def test_a_person_keeps_the_number_when_few_frames_are_read(squares, clip):
    with Clip(clip(pictures=[row((0, RED))] * 5, times_s=[0, 3, 6, 9, 12])) as video:
        pairs = list(read_clip(squares, video, every=Every(seconds=3.0), workers=1))
    assert [answer.readings[0].track for _, answer in pairs] == [1] * 5


def test_faces_are_followed_between(portrait):
    """The portrait moves by 3 px a frame; looked for in every fifth frame only."""
    image = read(portrait)
    image = resize(image, 300, round(image.shape[1] * 300 / image.shape[0]))
    recognizer = Recognizer(threads=1)
    searched, followed = Follower(recognizer), Follower(recognizer, detect_every=5)
    looks = 0
    inner = recognizer.detector.detect

    class Counting:
        def detect(self, picture):
            nonlocal looks
            looks += 1
            return inner(picture)

    followed.recognizer = type("R", (), {"detector": Counting(), "combine": recognizer.combine})()
    for name in ("networks", "detector_name", "labels", "threshold"):
        setattr(followed.recognizer, name, getattr(recognizer, name))
    for frame in range(10):
        picture = np.roll(image, 3 * frame, axis=1)
        one, other = (each.see(picture, frame / 25) for each in (searched, followed))
        assert [reading.track for reading in other] == [reading.track for reading in one] == [1]
        assert np.abs(one[0].face.box - other[0].face.box).max() < 0.06 * one[0].face.size_px
        assert np.abs(one[0].prediction.probabilities - other[0].prediction.probabilities).max() < 0.1
    assert looks == 2


def test_a_lost_face_is_looked_for_at_once(squares):
    """Flat squares have nothing to follow, so the detector is asked in each frame."""
    follower = Follower(squares, detect_every=10)
    for frame in range(5):
        assert len(follower.see(row((0, RED)), frame / 25)) == 1
    assert squares.detector.looks == 5


@pytest.mark.parametrize(
    ("text", "every"), [("1", Every()), (" 25 ", Every(25)), ("2s", Every(seconds=2)), (".25s", Every(seconds=0.25))]
)
def test_every(text, every):
    assert Every.parse(text) == every


@pytest.mark.parametrize("text", ["0", "0s", "-1", "1.5", "s", "2 frames", ""])
def test_every_that_makes_no_sense(text):
    with pytest.raises(InputError, match="expected a number of frames"):
        Every.parse(text)


def test_every_so_often_after_a_gap():
    is_due = Every(seconds=1.0).picker()
    assert [is_due(time_s) for time_s in (0, 0.5, 1.04, 1.9, 2.0, 7.3, 8.0, 8.3)] == [
        True, False, True, False, True, True, False, True,
    ]  # fmt: skip


def test_from_python(clip, colours):
    path = clip(pictures=[plain(RED)] * 10)
    found = list(mien.read_video(path, colours(), detector="whole", every="0.2s", threads=1))
    assert [(reading.frame, reading.track, reading.prediction.label) for reading in found] == [
        (0, 1, "angry"), (5, 1, "angry"),
    ]  # fmt: skip
    first = next(mien.read_video(path, colours(), detector="whole"))
    assert first.time_s == 0.0


def test_a_truncated_video_from_python(clip, colours):
    noise = np.random.default_rng(0).integers(0, 256, (100, 48, 64, 3), np.uint8)
    path = clip("cut.mkv", list(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match=r"it ends at .* of 4.0 s"):
        found = list(mien.read_video(path, colours(), detector="whole"))
    assert len(found) > 20
    path.write_text("no video")
    with pytest.raises(VideoError, match="cannot be opened"):
        next(mien.read_video(path, colours(), detector="whole"))


def test_stopping_early_leaves_nothing_open(squares, clip):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Clip(clip(pictures=[row((0, RED))] * 50)) as video:
            reading = read_clip(squares, video, workers=2)
            next(reading)
            reading.close()


def test_memory_does_not_grow_with_the_length(clip, colours):
    """Python's and numpy's memory over 20 and over 200 frames of 0.9 MB each."""
    recognizer = Recognizer(colours(), detector="whole", threads=1)

    def peak(count):
        path = clip(f"{count}.mp4", pictures=[plain(RED, 480, 640)] * count)
        with Clip(path, threads=1) as video:
            tracemalloc.start()
            for _ in read_clip(recognizer, video, workers=2):
                pass
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    peak(20)
    short, long = peak(20), peak(200)
    assert long < short + 2_000_000
