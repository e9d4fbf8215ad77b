"""``mien doctor``: what it looks for is what the project asks for; what it finds wrong gets exit code 1."""

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from mien.cli import doctor as command
from mien.runtime import models

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


def names(requirements):
    return {re.split(r"[\[<>=~;, ]", line)[0].lower() for line in requirements} - {"mien"}


def test_it_looks_for_what_the_project_asks_for():
    wanted = {"base": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    del wanted["dev"]
    assert {extra: set(found) for extra, (_, found) in command.EXTRAS.items()} == {
        extra: names(lines) for extra, lines in wanted.items()
    }


@pytest.fixture
def default(tmp_path, monkeypatch, colours):
    """A default model of our own, so that nothing depends on the shipped one."""
    (tmp_path / "store").mkdir()
    colours("default.onnx").rename(tmp_path / "store" / "default.onnx")
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "store"))


def missing(monkeypatch, *absent):
    found = command.version

    def version(name):
        if name in absent:
            raise PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(command, "version", version)


def test_all_is_well(mien, default):
    report = json.loads(mien("doctor", "--json").out)
    assert report["prediction"] == "works"
    assert "CPUExecutionProvider" in report["providers"]
    assert report["models"]["default"].endswith("store/default.onnx")
    done = mien("doctor")
    assert done.code == 0
    assert "prediction: works" in done.out
    assert "base (predict): complete" in done.out


def test_a_missing_extra_is_no_fault_and_gets_its_line(mien, default, monkeypatch):
    missing(monkeypatch, "torch", "pandas")
    done = mien("doctor")
    assert done.code == 0
    assert "missing pandas, torch" in done.out
    assert "pip install 'mien[lab]'" in done.out


def test_a_broken_base_is_one(mien, default, monkeypatch):
    missing(monkeypatch, "onnxruntime")
    done = mien("doctor")
    assert done.code == 1
    assert "missing onnxruntime" in done.out
    assert "pip install mien" in done.out
    assert "not tried" in done.out


def test_a_prediction_that_does_not_work_is_one(mien, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "nowhere")
    done = mien("doctor")
    assert done.code == 1
    assert "prediction: ModelError: unknown model 'default'" in done.out


def test_two_opencvs(mien, default, monkeypatch):
    found = command.version
    monkeypatch.setattr(command, "version", lambda name: "4.0" if name == "opencv-python" else found(name))
    assert "pip uninstall opencv-python" in mien("doctor").out


def test_what_youtube_needs(mien, default, monkeypatch):
    from mien.collect import javascript

    monkeypatch.setattr(javascript, "runtimes", lambda: {"node": ("20.1.0", False)})
    done = mien("doctor")
    assert "for YouTube: not ready (JavaScript runtime: node 20.1.0 (22.0.0 or newer is needed)" in done.out
    assert "install: pip install deno" in done.out
    monkeypatch.setattr(javascript, "runtimes", lambda: {"deno": ("2.9.8", True)})
    assert "for YouTube: ready" in mien("doctor").out
    missing(monkeypatch, "yt-dlp-ejs")
    assert json.loads(mien("doctor", "--json").out)["youtube"]["is_ready"] is False
    assert "install: pip install 'mien[collect]'" in mien("doctor").out
