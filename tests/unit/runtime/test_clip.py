"""Videos, frame by frame: numbers, times, what is damaged."""

from types import SimpleNamespace

import av
import numpy as np
import pytest

from mien.errors import VideoError
from mien.runtime.clip import Clip, _quarter_turns, is_video


def read(path, *span):
    with Clip(path, threads=1) as video:
        frames = [(frame.number, frame.time_s, frame.image) for frame in video.frames(*span)]
        return frames, video


def numbers(path, *span):
    return [number for number, _, _ in read(path, *span)[0]]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx-vp9"), ("a.avi", None)]
)
def test_every_frame_with_its_number_and_time(clip, tmp_path, name, codec):
    frames, video = read(clip(name, codec=codec) if codec else _avi(tmp_path / name))
    assert [number for number, _, _ in frames] == list(range(50))
    assert [time_s for _, time_s, _ in frames] == pytest.approx([number / 25 for number in range(50)], abs=0.0011)
    assert [image.mean() for _, _, image in frames] == pytest.approx([4 * number for number in range(50)], abs=6)
    assert frames[0][2].shape == (48, 64, 3)
    assert (video.size_px, video.problem) == ((64, 48), None)
    assert video.frame_count == pytest.approx(50, abs=1)
    assert video.rate == pytest.approx(25)


def _avi(path):
    """AVI knows frames and a rate, and no times."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for number in range(50):
            picture = np.full((48, 64, 3), 4 * number, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def test_an_uneven_rate_keeps_its_times(clip):
    times = [0.0, 0.02, 0.1, 0.5, 0.54, 1.5]
    pictures = [np.full((48, 64, 3), 40 * number, np.uint8) for number in range(6)]
    frames, video = read(clip(pictures=pictures, times_s=times))
    assert [time_s for _, time_s, _ in frames] == pytest.approx(times, abs=1e-4)
    assert [round(image.mean() / 40) for _, _, image in frames] == list(range(6))
    assert video.problem is None


def test_a_video_that_starts_later_starts_at_zero(clip):
    frames, _ = read(clip("late.ts", times_s=[3 + number / 25 for number in range(50)], codec="libx264"))
    assert frames[0][1] == pytest.approx(0.0, abs=1e-3)
    assert frames[-1][1] == pytest.approx(49 / 25, abs=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_part_of_it_has_the_same_numbers(clip, name):
    path = clip(name, key_every=10)
    assert numbers(path, 0.6, 1.0) == list(range(15, 25))
    frames, video = read(path, 0.59, 0.7)  # 0.56 is too early; key frames are at 0.4 and 0.8
    assert [(number, round(image.mean() / 4)) for number, _, image in frames] == [(15, 15), (16, 16), (17, 17)]
    assert video.problem is None
    assert numbers(path, 1.9) == [48, 49]


def test_a_part_of_a_video_with_an_uneven_rate(clip):
    path = clip(pictures=[np.zeros((48, 64, 3), np.uint8)] * 5, times_s=[0, 0.5, 0.6, 0.7, 2.0], key_every=2)
    assert numbers(path, 0.55) == [2, 3, 4]


def test_a_truncated_video_gives_what_there_is(clip):
    noise = np.random.default_rng(0).integers(0, 256, (200, 48, 64, 3), np.uint8)
    path = clip("cut.mkv", list(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, video = read(path)
    assert 50 < len(frames) < 150
    assert video.problem.startswith(f"{path}: it ends at {frames[-1][1]:.1f} s of 8.0 s")


def test_damage_in_the_middle_is_told_and_the_rest_is_read(clip):
    noise = np.random.default_rng(0).integers(0, 256, (60, 48, 64, 3), np.uint8)
    path = clip("hurt.mp4", list(noise), options={"movflags": "faststart"}, key_every=5)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3_000] = b"\xff" * 3_000
    path.write_bytes(content)
    frames, video = read(path)
    assert 30 < len(frames) < 60
    assert "damaged packet" in video.problem
    assert frames[-1][1] == pytest.approx(59 / 25, abs=1e-3)


def test_files_that_are_no_videos(clip, tmp_path):
    whole = clip("whole.mp4", sound="aac")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello, this is not a video at all")
    (tmp_path / "headless.mp4").write_bytes(whole.read_bytes()[:1000])
    for name, message in [
        ("none.mp4", "no such file"),
        ("empty.mp4", "is empty"),
        ("text.mp4", "cannot be opened as a video"),
        ("headless.mp4", "cannot be opened as a video"),
    ]:
        with pytest.raises(VideoError, match=message) as caught:
            Clip(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "Errno" not in str(caught.value)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "song.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=16_000)
        stream.layout = "mono"
        part = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
        part.sample_rate = 16_000
        output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    with pytest.raises(VideoError, match="has no picture, only audio"):
        Clip(path)


def test_too_large_frames_are_refused(clip, monkeypatch):
    monkeypatch.setattr("mien.runtime.clip.MAX_PIXELS", 3_000)
    with pytest.raises(VideoError, match="64 x 48 pixels a frame, the limit is 3,000"):
        Clip(clip())


def test_it_is_read_once(clip):
    with Clip(clip()) as video:
        list(video.frames())
        with pytest.raises(VideoError, match="open it again"):
            list(video.frames())


@pytest.mark.parametrize(("degrees", "turns"), [(0, 0), (90, 1), (-90, 3), (180, 2), (-180, 2)])
def test_turns_of_a_phone(degrees, turns):
    """FFmpeg's mark is the angle against the clock by which a player turns the picture, and so is that of rot90."""
    assert _quarter_turns(SimpleNamespace(rotation=degrees)) == turns


def test_names_of_videos():
    assert all(is_video(name) for name in ("a.mp4", "b.MOV", "c/d.webm", "rtsp://camera/1", "http://host/live"))
    assert not any(is_video(name) for name in ("a.jpg", "b.gif", "mp4", "c.mp4/d.png"))
