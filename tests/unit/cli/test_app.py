"""The command itself: exit codes, one line for a mistake, a traceback when asked."""

import subprocess
import sys

import pytest

import mien as package
from mien.errors import MienError


def test_version_and_help(mien):
    assert mien("--version") == (0, f"mien {package.__version__}\n", "")
    done = mien("--help")
    assert done.code == 0
    assert all(verb in done.out for verb in ("predict", "data", "train", "evaluate", "export", "models", "doctor"))


def test_a_mistake_is_one_line_and_exit_code_2(mien):
    done = mien("predict", "x.jpg", "--model", "defautl.onnx")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mien: defautl.onnx: no such model file")
    assert done.err.count("\n") == 1


def test_debug_shows_where_it_happened(mien):
    with pytest.raises(MienError):
        mien("--debug", "predict", "x.jpg", "--model", "none.onnx")


@pytest.mark.parametrize("arguments", [("preditc", "x.jpg"), ("predict",), ("predict", "x.jpg", "--batch-size", "0")])
def test_a_mistake_in_the_command_line(mien, arguments):
    done = mien(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_a_result_that_cannot_be_written(mien, colours, portrait, tmp_path):
    (tmp_path / "file").touch()
    done = mien("predict", portrait, "--model", colours(), "--output", "file/answers.json")
    assert done.code == 2
    assert done.err.startswith("mien: file: ")
    assert done.err.count("\n") == 1


def test_a_missing_extra_gives_the_line_that_installs_it(mien, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pandas", None)  # as if it were not installed
    (tmp_path / "faces.csv").write_text("image\na.png\n")
    done = mien("data", "stats", "faces.csv")
    assert (done.code, done.out) == (2, "")
    assert "pip install 'mien[lab]'" in done.err


def test_a_reader_that_goes_away_is_no_accident(colours, portrait):
    command = f'"{sys.executable}" -m mien predict {portrait} --json --model {colours()} | true'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
