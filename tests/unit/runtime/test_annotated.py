"""Annotated videos: times, sound, sizes."""

import av
import numpy as np
import pytest

from mien.atomic import writing
from mien.errors import VideoError
from mien.face import Face
from mien.labels import Labels
from mien.prediction import Prediction, Reading
from mien.runtime.annotated import AnnotatedVideo
from mien.runtime.clip import Clip
from mien.runtime.draw import COLOURS

GREY = [np.full((240, 320, 3), 100, np.uint8)] * 25


def reading(*box, track=1):
    answer = Prediction(Labels(("calm", "glad")), np.array([0.1, 0.9], np.float32))
    return Reading(Face(np.array(box, np.float32)), answer, track=track)


def annotate(source, target, readings=(), start_s=0.0, end_s=None):
    with Clip(source) as clip, writing(target) as path, AnnotatedVideo(path, clip, start_s, threads=1) as video:
        for frame in clip.frames(start_s, end_s, also=video.copy_sound):
            video.write(frame, readings)
    return target


def pictures(path):
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def sound(path):
    """(rate, samples) of the sound, with silence where it begins later."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        first = float(frames[0].time)
        samples = np.concatenate([frame.to_ndarray()[0].astype(np.float64) for frame in frames])
        return stream.codec_context.name, first, samples, stream.rate


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
def test_times_and_boxes(clip, tmp_path, suffix):
    times = [0, 0.02, 0.1, 0.5, 0.54, 1.5]
    source = clip(pictures=GREY[:6], times_s=times)
    found = pictures(annotate(source, tmp_path / f"out{suffix}", [reading(100, 80, 180, 160)]))
    assert [time_s for time_s, _ in found] == pytest.approx(times, abs=0.0011)
    for _, image in found:
        assert image.shape == (240, 320, 3)
        assert np.abs(image[120, 100:103].astype(int).mean(axis=0) - COLOURS[1]).max() < 60, "the box's left side"
        assert np.abs(image[120, 140].astype(int) - 100).max() < 12, "the face stays free"


def test_sound_is_copied_packet_by_packet(clip, tmp_path):
    source = clip(pictures=GREY, sound="aac")
    target = annotate(source, tmp_path / "out.mp4")

    def packets(path):
        with av.open(str(path)) as container:
            return [(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.size]

    assert len(packets(source)) > 10
    assert packets(target) == packets(source)


def test_sound_that_the_new_file_cannot_hold_is_coded_anew(clip, tmp_path):
    codec, first, samples, rate = sound(annotate(clip(pictures=GREY, sound="aac"), tmp_path / "out.webm"))
    assert (codec, rate) == ("opus", 48_000)
    assert first == pytest.approx(0, abs=0.05)
    assert len(samples) / rate == pytest.approx(1.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[: rate // 2] * np.hanning(rate // 2)))
    assert np.argmax(spectrum) * 2 == pytest.approx(440, abs=4), "still the tone of 440 Hz"


def test_a_part_keeps_its_sound_in_step(clip, tmp_path):
    """In the source the tone is silent until 0.6 s; in what begins at 0.4 s it must begin at 0.2 s."""
    source = tmp_path / "late.mp4"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
        heard = output.add_stream("aac", rate=16_000)
        heard.layout = "mono"
        for number in range(25):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(GREY[0], format="rgb24")))
            when = np.arange(640) + 640 * number
            tone = 8_000 * np.sin(when / 16_000 * 440 * 2 * np.pi) * (when >= 9_600)
            part = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], format="s16", layout="mono")
            part.sample_rate, part.pts = 16_000, 640 * number
            output.mux(heard.encode(part))
        output.mux(stream.encode(None))
        output.mux(heard.encode(None))
    for name in ("part.mp4", "part.webm"):
        target = annotate(source, tmp_path / name, start_s=0.4)
        shown = pictures(target)[0][0]
        _, first, samples, rate = sound(target)
        begins = np.argmax(np.abs(samples) > 0.1 * np.abs(samples).max()) / rate + first
        assert begins - shown == pytest.approx(0.2, abs=0.03), name
        assert len(pictures(target)) == 15


def test_odd_and_small_sizes(clip, tmp_path):
    """Frames of 101 x 75 px are enlarged by three for the text, and get an even side."""
    source = clip(pictures=[np.full((74, 100, 3), 100, np.uint8)] * 3)
    with Clip(source) as video, AnnotatedVideo(tmp_path / "out.mp4", video, threads=1) as out:
        for frame in video.frames():
            frame.__dict__["image"] = np.full((75, 101, 3), 100, np.uint8)
            out.write(frame, [reading(0, 0, 101, 75)])
    assert [image.shape for _, image in pictures(tmp_path / "out.mp4")] == [(226, 304, 3)] * 3


def test_a_change_of_size_is_refused(clip, tmp_path):
    with Clip(clip(pictures=GREY[:2])) as video:
        frames = list(video.frames())
        frames[1].__dict__["image"] = np.zeros((130, 170, 3), np.uint8)
        with AnnotatedVideo(tmp_path / "out.mp4", video, threads=1) as out:
            out.write(frames[0], [])
            with pytest.raises(VideoError, match="frame 1 has 340 x 260 pixels"):
                out.write(frames[1], [])


def test_names_that_are_no_video(clip, tmp_path):
    with Clip(clip()) as video, pytest.raises(VideoError, match="a video is written as"):
        AnnotatedVideo(tmp_path / "out.avi", video)
