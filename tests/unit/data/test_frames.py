"""From videos to faces: what is kept, file names, resuming, broken videos, columns from paths and tables."""

import json
from importlib.resources import files
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.data.frames import frames, read_about
from mien.data.picking import Picking
from mien.errors import InputError, VideoError
from mien.images import read
from mien.manifest import Manifest
from mien.runtime.video import Every

ALL = Every(frames=1)


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A face of 70 pixels on 160 x 160."""
    picture = read(files("mien") / "assets" / "eileen_collins.jpg")
    return cv2.resize(picture[20:276, 100:356], (160, 160), interpolation=cv2.INTER_AREA)


def write_video(path: Path, pictures: list[np.ndarray], rate: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


def test_faces_names_and_boxes(portrait, tmp_path):
    write_video(tmp_path / "in" / "ada.mp4", [portrait] * 12)
    manifest, reports = frames(
        [tmp_path / "in"], tmp_path / "out", Picking(Every(seconds=0.5)), workers=1, domain="web"
    )
    assert manifest.frame["image"].tolist() == [
        f"faces/ada.mp4/ada_f{frame:06d}_t{frame / 10:08.3f}_0.png" for frame in (0, 5, 10)
    ]
    assert manifest.frame[["video", "domain", "origin"]].drop_duplicates().to_numpy().tolist() == [
        ["ada.mp4", "web", "real"]
    ]
    assert (reports[0].frames, reports[0].faces, reports[0].problem) == (12, 3, "")
    saved = Manifest.load(tmp_path / "out" / "faces.csv")
    saved.check_files()
    picture, box = read(saved.paths()[0]), saved.boxes()[0]
    side = max(box[2] - box[0], box[3] - box[1])
    assert picture.shape[0] == pytest.approx(1.4 * side, abs=2)  # the margin is around the box
    assert (box[0] + box[2]) / 2 == pytest.approx(picture.shape[0] / 2, abs=0.1)


def test_small_blurred_and_other_faces_are_left_out(portrait, tmp_path):
    blurred = cv2.GaussianBlur(portrait, (0, 0), 5)
    two = np.concatenate([portrait, cv2.copyMakeBorder(cv2.resize(portrait, (80, 80)), 40, 40, 40, 40, 0)], axis=1)
    write_video(tmp_path / "blurred.mp4", [portrait, blurred])
    write_video(tmp_path / "two.mp4", [two])

    def kept(name: str, **wanted: object) -> int:
        try:
            return len(frames([tmp_path / name], tmp_path / "out", Picking(ALL, **wanted), workers=1)[0])
        except VideoError:
            return 0

    assert kept("blurred.mp4") == 2
    assert kept("blurred.mp4", sharpness=100.0) == 1
    assert kept("blurred.mp4", best_s=1.0) == 1
    assert kept("blurred.mp4", smallest_px=150) == 0
    assert kept("two.mp4", smallest_px=10) == 2
    assert kept("two.mp4", smallest_px=10, largest=True) == 1


def test_only_scenes_that_change(portrait, tmp_path):
    write_video(tmp_path / "cuts.mp4", [portrait] * 4 + [255 - portrait] * 4 + [portrait] * 4)
    manifest, _ = frames(
        [tmp_path / "cuts.mp4"], tmp_path / "out", Picking(ALL, scene=0.15, detector="whole"), workers=1
    )
    assert manifest.frame["frame"].tolist() == [0, 4, 8]


def test_a_second_call_does_only_what_changed(portrait, tmp_path):
    for name in ("a", "b"):
        write_video(tmp_path / "in" / f"{name}.mp4", [portrait] * 2)
    wanted = Picking(ALL, detector="whole")
    first, _ = frames([tmp_path / "in"], tmp_path / "out", wanted, workers=2)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
    (tmp_path / "out" / "videos" / "b.mp4.json").unlink()  # as if it had been stopped there
    (tmp_path / "out" / "faces" / "b.mp4" / "half.png").write_bytes(b"")
    again, _ = frames([tmp_path / "in"], tmp_path / "out", wanted, workers=1)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
    assert set(after) == set(before)
    assert {path.parent.name for path in after if after[path] == before[path]} == {"a.mp4"}
    assert again.frame.equals(first.frame)
    other, _ = frames([tmp_path / "in"], tmp_path / "out", Picking(Every(frames=2), detector="whole"), workers=1)
    assert len(other) == 2


def test_broken_videos_are_listed_and_the_rest_is_done(portrait, tmp_path):
    good = write_video(tmp_path / "in" / "good.mp4", [portrait] * 3)
    (tmp_path / "in" / "empty.mp4").write_bytes(b"")
    (tmp_path / "in" / "text.mkv").write_text("no video", encoding="utf-8")
    manifest, reports = frames([tmp_path / "in"], tmp_path / "out", Picking(ALL), workers=1)
    assert set(manifest.frame["video"]) == {good.name}
    problems = {report.video: report.problem for report in reports}
    assert problems["good.mp4"] == ""
    assert problems["empty.mp4"] == "empty.mp4: the file is empty"
    assert "cannot be opened as a video" in problems["text.mkv"]
    good.unlink()
    with pytest.raises(VideoError, match="no face was found in 2 videos: empty"):
        frames([tmp_path / "in"], tmp_path / "out", Picking(ALL), workers=1)


def test_columns_from_paths_and_a_table(portrait, tmp_path):
    for name in ("food/P1.mp4", "cars/P2.mp4"):
        write_video(tmp_path / "in" / name, [portrait])
    (tmp_path / "about.csv").write_text("video,label,age\nP1,happy,30\ncars/P2.mp4,neutral,\n", encoding="utf-8")
    manifest, _ = frames(
        [tmp_path / "in"],
        tmp_path / "out",
        Picking(detector="whole"),
        columns_from=r"^(?P<category>[^/]+)/(?P<subject>P\d+)",
        about=read_about(tmp_path / "about.csv"),
        workers=1,
    )
    columns = ["video", "category", "subject", "label", "age"]
    assert manifest.frame[columns].to_numpy().tolist() == [
        ["cars/P2.mp4", "cars", "P2", "neutral", ""],
        ["food/P1.mp4", "food", "P1", "happy", "30"],
    ]
    assert manifest.frame["image"][0].startswith("faces/cars-P2.mp4/P2_f")


def test_mistakes(portrait, tmp_path):
    write_video(tmp_path / "a.mp4", [portrait])
    (tmp_path / "none").mkdir()
    out = tmp_path / "out"
    for sources, options, reason in (
        ([tmp_path / "none"], {}, "no video in this folder"),
        ([tmp_path / "b.mp4"], {}, "no such file"),
        ([tmp_path / "a.mp4"], {"columns_from": "("}, "not a regular expression"),
        ([tmp_path / "a.mp4"], {"columns_from": "a"}, "no named group"),
        ([tmp_path / "a.mp4"], {"columns_from": "(?P<subject>P)"}, "fits none of 1 videos"),
        ([tmp_path / "a.mp4"], {"about": {"z": {}}}, "the table names z"),
    ):
        with pytest.raises(InputError, match=reason):
            frames(sources, out, **options)
    (tmp_path / "t.csv").write_text("video,x\na,1\na,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="a is there twice"):
        read_about(tmp_path / "t.csv")
    with pytest.raises(InputError, match="scene is 2"):
        Picking(scene=2)


def test_the_command(portrait, tmp_path):
    from typer.testing import CliRunner

    from mien.cli.data import app

    write_video(tmp_path / "a.mp4", [portrait] * 3)
    line = ["frames", str(tmp_path / "a.mp4"), "--out", str(tmp_path / "out"), "--every", "1", "--workers", "1"]
    result = CliRunner().invoke(app, [*line, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["faces"] == 3
    (tmp_path / "b.mp4").write_bytes(b"")
    result = CliRunner().invoke(app, [*line[:2], str(tmp_path / "b.mp4"), *line[2:]])
    assert result.exit_code == 1
    assert "b.mp4: the file is empty" in result.stdout
