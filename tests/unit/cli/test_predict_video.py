"""``mien predict`` of videos, alone and among pictures."""

import csv
import io
import json

import av
import numpy as np
import pytest

from mien.images import read, write
from mien.runtime.clip import Clip

RED, GREEN = (255, 0, 0), (0, 255, 0)


def plain(colour, height=48, width=64):
    return np.full((height, width, 3), colour, np.uint8)


@pytest.fixture
def scene(clip, colours):
    """A second of red, then one of green; the whole picture is a face."""
    colours()
    clip(pictures=[plain(RED)] * 25 + [plain(GREEN)] * 25, sound="aac")
    return ("predict", "clip.mp4", "--model", "colours.onnx", "--detector", "whole", "--threads", "1")


def test_the_table_has_a_row_per_track(mien, scene):
    done = mien(*scene)
    assert (done.code, done.err) == (0, "")
    head, row, tail = done.out.splitlines()
    assert head.split()[:5] == ["source", "time", "track", "perceived", "conf."]
    assert row.split()[:3] == ["clip.mp4", "0:00–0:01", "1"]
    assert tail.strip() == "1 video, 50 frames read, 1 track"


def test_json_and_lines_and_csv_say_the_same(mien, scene, tmp_path):
    printed = mien(*scene, "--every", "0.5s", "--smooth", "0", "--json", "--output", "a.json")
    whole = json.loads(printed.out)
    assert json.loads((tmp_path / "a.json").read_text()) == whole
    assert [(frame["frame"], frame["time_s"]) for frame in whole["pictures"]] == [
        (0, 0.0), (13, 0.52), (25, 1.0), (38, 1.52),
    ]  # fmt: skip
    labels = [frame["faces"][0]["expression"]["label"] for frame in whole["pictures"]]
    assert labels == ["angry", "angry", "happy", "happy"]
    (video,) = whole["videos"]
    assert (video["source"], video["size_px"], video["frames_read"], video["problem"]) == (
        "clip.mp4",
        [64, 48],
        4,
        None,
    )
    assert video["tracks"][0]["shares"] == {"angry": 0.5, "happy": 0.5, "sad": 0.0}
    assert mien(*scene, "--every", "0.5s", "--smooth", "0", "--output", "a.jsonl").code == 0
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == whole["pictures"]
    assert mien(*scene, "--every", "0.5s", "--smooth", "0", "--output", "a.csv").code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [(row["frame"], row["time_s"], row["track"], row["label"]) for row in rows] == [
        ("0", "0.0", "1", "angry"),
        ("13", "0.52", "1", "angry"),
        ("25", "1.0", "1", "happy"),
        ("38", "1.52", "1", "happy"),
    ]


def test_videos_among_pictures(mien, scene, tmp_path):
    (tmp_path / "all").mkdir()
    write(tmp_path / "all" / "a.png", plain(GREEN))
    (tmp_path / "clip.mp4").rename(tmp_path / "all" / "b.mp4")
    write(tmp_path / "all" / "c.png", plain(RED))
    done = mien(
        "predict", "all", "--model", "colours.onnx", "--detector", "whole", "--every", "25",
        "--output", "a.json", "--annotated", "drawn", "--timeline", "plots",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()[1:4]] == ["a.png", "b.mp4", "c.png"]
    assert "2 pictures, 2 faces, 1 video, 2 frames read, 1 track" in done.out
    whole = json.loads((tmp_path / "a.json").read_text())
    assert [item["source"] for item in whole["pictures"]] == ["all/a.png", "all/b.mp4", "all/b.mp4", "all/c.png"]
    assert ["frame" in item for item in whole["pictures"]] == [False, True, True, False]
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["a.jpg", "b.mp4", "c.jpg"]
    assert read(tmp_path / "plots" / "b.png").std() > 20
    with av.open(str(tmp_path / "drawn" / "b.mp4")) as drawn:
        assert [stream.type for stream in drawn.streams] == ["audio", "video"]
        assert sum(1 for _ in drawn.decode(video=0)) == 50, "all frames, also those that were not read"


def test_a_part(mien, scene, tmp_path):
    done = mien(*scene, "--start", "0:01", "--end", "1.2", "--annotated", "part.mkv", "--json")
    assert [frame["frame"] for frame in json.loads(done.out)["pictures"]] == [25, 26, 27, 28, 29]
    with Clip(tmp_path / "part.mkv") as part:
        assert [frame.time_s for frame in part.frames()] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16], abs=0.0011)


def test_damaged_videos(mien, clip, colours, tmp_path):
    colours()
    noise = np.random.default_rng(0).integers(0, 256, (100, 48, 64, 3), np.uint8)
    cut = clip("cut.mkv", list(noise))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (tmp_path / "text.mp4").write_text("not a video")
    base = ("--model", "colours.onnx", "--detector", "whole")
    done = mien("predict", "cut.mkv", "text.mp4", *base, "--output", "a.csv", "--annotated", "drawn")
    assert done.code == 0
    assert "cut.mkv: it ends at" in done.out
    assert "text.mp4: cannot be opened as a video" in done.out
    assert "1 without an answer" in done.out
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert len(rows) > 20
    assert [row["source"] for row in rows if row["reason"]] == ["cut.mkv", "text.mp4"]
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["cut.mp4"]
    done = mien("predict", "text.mp4", *base, "--json")
    assert done.code == 2
    assert "cannot be opened" in json.loads(done.out)["videos"][0]["problem"]


def test_nobody_in_a_video(mien, clip, colours):
    clip(pictures=[plain((90, 90, 90), 240, 320)] * 3)
    done = mien("predict", "clip.mp4", "--model", colours())
    assert done.code == 0
    assert "clip.mp4: no face found" in done.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--every", "often"), "every 'often': expected a number of frames such as 5, or seconds such as 0.5s"),
        (("--start", "soon"), "--start soon: expected a time such as 90, 1:30 or 0:01:30.5"),
        (("--start", "5", "--end", "0:05"), "--end 0:05: expected a time after the start (5 s)"),
        (("--annotated", "a.png"), "--annotated a.png: clip.mp4 is a video; give a folder or"),
        (("other.mp4", "--annotated", "a.mp4"), "--annotated a.mp4: one file for 2 sources; give a folder"),
        (("other.mp4", "--timeline", "a.png"), "--timeline a.png: one file for 2 videos; give a folder"),
    ],
)
def test_options_that_make_no_sense(mien, scene, options, message):
    done = mien(*scene, *options)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_timeline_of_pictures(mien, scene, tmp_path):
    write(tmp_path / "a.png", plain(RED))
    done = mien("predict", "a.png", "--model", "colours.onnx", "--timeline", "a.svg")
    assert (done.code, done.err) == (2, "mien: --timeline a.svg: there is no video among the sources\n")


def test_nothing_between_start_and_end(mien, scene):
    done = mien(*scene, "--start", "100")
    assert done.code == 2
    assert "clip.mp4: has no frame between 100 s and its end" in done.out
