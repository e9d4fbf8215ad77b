"""``mien models``."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien.faces.yunet import SHIPPED


@pytest.fixture
def store(tmp_path, monkeypatch, colours):
    folder = tmp_path / "store"
    folder.mkdir()
    path = colours(
        "mine.onnx",
        licence="MIT",
        data_licence="drawn, free for any use",
        description="colours",
        metrics={"val": {"accuracy": 0.5, "rows": 40}},
    )
    path.rename(folder / "mine.onnx")
    monkeypatch.setenv("MIEN_MODELS", str(folder))
    return folder


def test_list(mien, store):
    done = mien("models", "list", "--json")
    found = {item["name"]: item for item in json.loads(done.out)}
    assert found["mine"]["classes"] == ["angry", "happy", "sad"]
    assert (found["mine"]["licence"], found["mine"]["size_px"], found["mine"]["reason"]) == ("MIT", 8, None)
    assert found["mine"]["metrics"] == {"val": {"accuracy": 0.5, "rows": 40}}
    assert found["mine"]["headline"] == {
        "text": "50.0 % on val", "measure": "accuracy", "value": 0.5, "split": "val", "rows": 40, "has_chosen": False,
    }  # fmt: skip
    assert found["libfacedetection"]["kind"] == "detector"
    assert [found[name]["shipped"] for name in ("default", "mine")] == [True, False]
    text = mien("models", "list")
    assert re.search("mine +recognizer +0.0 +angry, happy, sad; 8 px +50.0 % on val +MIT", text.out)
    assert str(store) in text.err


def test_list_with_times(mien, store, monkeypatch, tmp_path):
    monkeypatch.setattr("mien.runtime.models.SHIPPED", tmp_path)  # those that ship take longer
    found = json.loads(mien("models", "list", "--time", "--json").out)
    assert all(min(item["per_second"].values()) > 0 for item in found)
    assert "one by one, and 32 together" in mien("models", "list", "--time").out


def test_a_file_that_is_no_recognizer_is_told_of_and_hides_nothing(mien, store):
    (store / "face_detection_yunet_2023mar.onnx").write_bytes(SHIPPED.read_bytes())
    (store / "broken.onnx").write_bytes(b"x")
    (store / "default.onnx").write_bytes((store / "mine.onnx").read_bytes())
    (store / "lost.onnx.json").write_text("{}")
    done = mien("models", "list")
    assert done.code == 0
    assert re.search(r"face_detection_yunet_2023mar +detector +0\.2 +boxes and landmarks", " ".join(done.out.split()))
    assert re.search("broken +– +0.0 +not a model", done.out)
    assert re.search("lost +– +its file is", done.out)
    assert "default (hidden)" in done.out
    assert {item["name"]: item["reason"] is None for item in json.loads(mien("models", "list", "--json").out)}["mine"]


def test_show(mien, store):
    done = mien("models", "show", "mine")
    assert done.code == 0
    assert "AI Act" in done.out
    assert re.search("of its data +drawn, free for any use", done.out)
    assert hashlib.sha256((store / "mine.onnx").read_bytes()).hexdigest() in done.out
    card = json.loads(mien("models", "show", store / "mine.onnx", "--json").out)
    assert (card["name"], card["preprocess"]["size_px"], card["bytes"]) == (
        "mine", 8, (store / "mine.onnx").stat().st_size,
    )  # fmt: skip


def test_show_tells_where_it_came_from(mien, store, colours):
    mien("models", "add", colours("new.onnx"))
    assert re.search(r"added +\d{4}-\d\d-\d\d from .*new\.onnx", mien("models", "show", "new").out)
    assert json.loads(mien("models", "show", "new", "--json").out)["source"].endswith("new.onnx")


def test_show_of_other_kinds(mien, store):
    assert "enlarges        x4; luminance; trained on 48 px" in mien("models", "show", "subpixel").out
    done = mien("models", "show", "libfacedetection")
    assert "detector: a YuNet" in done.out
    assert hashlib.sha256(SHIPPED.read_bytes()).hexdigest() in done.out
    assert json.loads(mien("models", "show", "libfacedetection", "--json").out)["kind"] == "detector"


def test_show_as_a_page(mien, store):
    assert mien("models", "show", "mine", "--markdown").out == mien("models", "card", "mine").out
    assert mien("models", "show", "subpixel", "--markdown").out.startswith("# Model card: subpixel")
    done = mien("models", "show", "libfacedetection", "--markdown")
    assert (done.code, "no model card" in done.err) == (2, True)
    assert mien("models", "show", "--markdown", "--json").code == 2


def test_show_of_an_unknown_one(mien, store):
    done = mien("models", "show", "mime")
    assert (done.code, "did you mean 'mine'" in done.err) == (2, True)


def test_verify(mien, store):
    done = mien("models", "verify")
    assert (done.code, done.out.splitlines()[-1]) == (0, "9 checked, none with a fault")
    assert "no digest to compare" in done.out  # of mine, which was copied by hand
    mien("models", "add", store / "mine.onnx")
    assert mien("models", "verify", "mine").out == "ok     mine (yours)\n1 checked, none with a fault\n"
    (store / "mine.onnx").write_bytes(SHIPPED.read_bytes())
    done = mien("models", "verify")
    assert (done.code, done.out.splitlines()[-1]) == (1, "9 checked, 1 with a fault")
    assert re.search(r"FAULT +mine \(yours\)\n +it has changed since it was added", done.out)
    done = mien("models", "verify", "mine", "default", "--json")
    assert done.code == 1
    assert [(item["name"], len(item["faults"])) for item in json.loads(done.out)] == [("mine", 1), ("default", 0)]


def test_add_and_remove(mien, store, colours, portrait):
    done = mien("models", "add", colours("new.onnx"), "--name", "fresh")
    assert (done.code, "added: fresh (recognizer, 0.0 MB)" in done.out) == (0, True)
    assert "mien predict PICTURE --model fresh" in done.out
    assert mien("predict", portrait, "--model", "fresh", "--threads", "1").code == 0
    done = mien("models", "add", colours("new.onnx"), "--name", "fresh")
    assert (done.code, "--replace" in done.err) == (2, True)
    record = json.loads(mien("models", "add", colours("new.onnx"), "--name", "fresh", "--replace", "--json").out)
    assert (record["name"], record["kind"]) == ("fresh", "recognizer")
    assert mien("models", "remove", "fresh").out == f"removed: {store / 'fresh.onnx'}\n"
    assert mien("models", "remove", "fresh").code == 2


def test_get(mien, store, colours, file_server):
    path = colours("far.onnx")
    file_server.content, digest = path.read_bytes(), hashlib.sha256(path.read_bytes()).hexdigest()
    url = f"{file_server.url}/far.onnx"
    done = mien("models", "get", url)
    assert (done.code, "--sha256 is missing" in done.err) == (2, True)
    done = mien("models", "get", f"{url}#sha256={digest}")
    assert (done.code, "added: far (recognizer" in done.out) == (0, True)
    file_server.ways = [500]
    done = mien("models", "get", url, "--sha256", "0" * 64, "--name", "near", "--retries", "0", "--timeout-s", "1")
    assert (done.code, "500" in done.err, "Traceback" in done.err) == (2, True, False)
    assert "mien models add FILE" in done.err
    done = mien("models", "get", url, "--sha256", "0" * 64, "--name", "near", "--max-mb", "0.0001")
    assert (done.code, "--max-mb" in done.err) == (2, True)
    assert not (store / "near.onnx").exists()


def test_a_download_that_was_killed_goes_on(mien, store, colours, file_server):
    content = colours("far.onnx").read_bytes()
    file_server.content, digest = content, hashlib.sha256(content).hexdigest()
    file_server.ways = ["stall 200"]
    command = ["models", "get", f"{file_server.url}/far.onnx", "--sha256", digest]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    program = [sys.executable, "-m", "mien", *command, "--retries", "0"]
    partial = store / ".downloads" / f"{digest}.part"
    with subprocess.Popen(program, env=environment, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and not (partial.exists() and partial.stat().st_size == 200):
            time.sleep(0.01)
        running.kill()
    assert partial.read_bytes() == content[:200]
    assert mien(*command).code == 0
    assert file_server.asked == [None, "bytes=200-"]
    assert (store / "far.onnx").read_bytes() == content
    assert not partial.exists()
