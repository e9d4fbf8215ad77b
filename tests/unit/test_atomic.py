"""Files appear whole or not at all."""

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from mien.atomic import write_bytes, write_text, writing


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "numbers.txt"
    write_text(path, "old")

    def fail():
        with writing(path) as temporary:
            temporary.write_text("half of the n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["numbers.txt"]


def test_folders_are_made_and_the_suffix_is_kept(tmp_path):
    with writing(tmp_path / "a" / "b" / "c.npz") as temporary:
        assert temporary.suffix == ".npz"
        assert temporary.parent == tmp_path / "a" / "b"
        temporary.write_bytes(b"1")
    write_bytes(tmp_path / "a" / "d", b"\x00\xff")
    assert (tmp_path / "a" / "d").read_bytes() == b"\x00\xff"


def test_a_file_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text("plain.txt", "ü")
    assert (tmp_path / "plain.txt").read_bytes() == b"\xc3\xbc"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_readable_like_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    write_text(tmp_path / "ours", "")
    rights = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "ours")}
    assert rights["usual"] == rights["ours"]


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_write_leaves_no_half_file(tmp_path):
    program = """
import sys, time
from mien.atomic import writing
with writing(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""
    path = tmp_path / "result.json"
    path.write_text("whole")
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        start = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert time.monotonic() - start < 30
    assert path.read_text() == "whole"
    assert [name for name in os.listdir(tmp_path) if not name.startswith(".")] == ["result.json"]
