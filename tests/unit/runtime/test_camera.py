"""Live frames: from a camera that is made up, and from videos at their own speed."""

import time

import numpy as np
import pytest

from mien.errors import VideoError
from mien.runtime import camera as module
from mien.runtime.camera import Camera, Newest, open_live
from mien.runtime.clip import Clip, Frame


class Capture:
    """What OpenCV opens: BGR pictures, then none."""

    def __init__(self, device, count=5, is_open=True):
        self.device, self.left, self.is_open, self.is_released = device, count, is_open, False

    def isOpened(self):
        return self.is_open

    def read(self):
        self.left -= 1
        return (self.left >= 0, np.full((4, 6, 3), (10, 20, 30), np.uint8))

    def release(self):
        self.is_released = True


class Quick:
    """An origin of numbered frames without a wait; ends with an error if it is given one."""

    source = "quick"

    def __init__(self, count, error=None):
        self.count, self.error, self.is_closed = count, error, False

    def frames(self):
        for number in range(self.count):
            yield Frame(number, number / 25, lambda: np.zeros((4, 4, 3), np.uint8))
        if self.error:
            raise self.error

    def close(self):
        self.is_closed = True


@pytest.fixture
def plugged_in(monkeypatch):
    """OpenCV finds a camera with any number."""
    monkeypatch.setattr(module.cv2, "VideoCapture", Capture)
    monkeypatch.setattr(module.os.path, "exists", lambda path: True)


def test_a_camera_gives_rgb_and_times(plugged_in):
    camera = open_live("0")
    frames = camera.frames()
    first, second = next(frames), next(frames)
    assert first.image[0, 0].tolist() == [30, 20, 10]
    assert (first.number, first.time_s, second.number) == (0, 0.0, 1)
    assert 0 <= second.time_s < 1
    with pytest.raises(VideoError, match="camera 0: gives no further picture"):
        list(frames)
    camera.close()
    assert camera._capture.is_released


def test_a_camera_that_is_not_there(monkeypatch):
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setattr(module.glob, "glob", lambda pattern: ["/dev/video1"])
    message = r"camera 977: no such device; cameras here: /dev/video1\. .*mien watch clip\.mp4"
    with pytest.raises(VideoError, match=message):
        Camera(977)
    with pytest.raises(VideoError, match="/dev/video-none: no such device"):
        open_live("/dev/video-none")
    with pytest.raises(VideoError, match=r"none.mp4: no such file"):
        open_live("none.mp4")


def test_a_camera_that_is_in_use(plugged_in, monkeypatch):
    monkeypatch.setattr(module.cv2, "VideoCapture", lambda device: Capture(device, is_open=False))
    with pytest.raises(VideoError, match="camera 0: cannot be opened: is it in use"):
        Camera(0)


def test_only_the_newest_is_kept():
    """A thousand frames come while the first is looked at."""
    origin = Quick(1000)
    with Newest(origin) as newest:
        seen = []
        for frame in newest:
            seen.append(frame.number)
            newest._thread.join(5)
    assert seen[-1] == 999
    assert len(seen) <= 2
    assert newest.dropped == 1000 - len(seen)
    assert origin.is_closed


def test_an_error_of_the_origin_reaches_the_reader():
    with Newest(Quick(3, VideoError("unplugged"))) as newest, pytest.raises(VideoError, match="unplugged"):
        list(newest)


def test_an_origin_that_gives_nothing(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)

    class Silent(Quick):
        def frames(self):
            time.sleep(0.2)
            yield from ()

    with Newest(Silent(0)) as newest, pytest.raises(VideoError, match="gave no picture"):
        list(newest)
    newest._thread.join(1)


def test_a_video_is_played_at_its_own_speed(clip):
    start_s = time.monotonic()
    with Newest(Clip(clip(pictures=[np.zeros((48, 64, 3), np.uint8)] * 10))) as newest:
        frames = list(newest)
    assert time.monotonic() - start_s >= 9 / 25
    assert frames[-1].number == 9
    assert len(frames) + newest.dropped == 10
