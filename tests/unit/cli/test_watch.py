"""``mien watch``, on videos that play and on cameras that are not there."""

import csv
import json

import numpy as np
import pytest

from mien.cli import watch as command
from mien.errors import VideoError
from mien.runtime import camera

RED = np.full((48, 64, 3), (255, 0, 0), np.uint8)


@pytest.fixture
def scene(clip, colours):
    colours()
    clip(pictures=[RED] * 15)
    return ("watch", "clip.mp4", "--model", "colours.onnx", "--detector", "whole", "--threads", "1")


def test_a_line_a_second_where_there_is_no_terminal(mien, scene):
    done = mien(*scene)
    assert (done.code, done.err) == (0, "")
    first, last = done.out.splitlines()
    assert first.endswith(" s  1: angry 96%")
    assert "frames read in" in last


def test_json_lines(mien, scene, tmp_path):
    done = mien(*scene, "--json", "--output", "out/all.jsonl")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines[0]["faces"][0]["track"] == 1
    assert [line["frame"] for line in lines] == sorted({line["frame"] for line in lines})
    assert lines[-1]["frame"] == 14
    assert (tmp_path / "out" / "all.jsonl").read_text() == done.out


def test_csv(mien, scene, tmp_path):
    done = mien(*scene, "--output", "all.csv")
    assert "written: all.csv" in done.out
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert rows[-1]["frame"] == "14"
    assert {row["label"] for row in rows} == {"angry"}


def test_it_stops_after_a_time(mien, scene):
    done = mien(*scene, "--json", "--duration", "0.1")
    assert done.code == 0
    assert 0 < len(done.out.splitlines()) < 10


def test_the_display(mien, scene, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    done = mien(*scene)
    assert "clip.mp4" in done.out
    assert "Pictures are not kept. Ctrl+C ends." in done.out
    assert "███" in done.out


def test_ctrl_c_is_the_usual_end(mien, scene, monkeypatch):
    def interrupt(self, *arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command._Display, "show", interrupt)
    done = mien(*scene)
    assert done.code == 0
    assert "1 frame read" in done.out


def test_a_camera_that_is_not_there(mien, colours, monkeypatch):
    def missing(device):
        raise VideoError(f"camera {device}: cannot be opened; there is no camera here")

    monkeypatch.setattr(camera, "Camera", missing)
    done = mien("watch", "--model", colours())
    assert (done.code, done.err) == (2, "mien: camera 0: cannot be opened; there is no camera here\n")


def test_a_name_that_is_no_format(mien, scene):
    done = mien(*scene, "--output", "a.json")
    assert (done.code, done.err) == (2, "mien: --output a.json: the name must end with .jsonl or .csv\n")
