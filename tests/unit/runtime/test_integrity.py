"""Files that are what they were, and files that are not."""

import hashlib
import shutil

import pytest

from mien.errors import ModelError
from mien.faces import yunet
from mien.runtime import models, shelf
from mien.runtime.integrity import TABLE, verify


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch, colours):
    """A package with two small models that ship, and an empty model store."""
    weights = tmp_path / "package" / "weights"
    weights.mkdir(parents=True)
    (tmp_path / "package" / "faces").mkdir()
    finder = tmp_path / "package" / "faces" / "finder.onnx"
    shutil.copy(yunet.SHIPPED, finder)
    colours("default.onnx").rename(weights / "default.onnx")
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tmp_path / 'package')}\n"
        for path in (weights / "default.onnx", finder)
    ]
    (weights / TABLE).write_text("".join(lines))
    monkeypatch.setattr(models, "SHIPPED", weights)
    monkeypatch.setattr(yunet, "SHIPPED", finder)
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "store"))
    return weights


def faults(names=()):
    return {finding.entry.name: " | ".join(finding.faults) for finding in verify(names)}


def test_all_is_well(colours):
    shelf.add(colours("mine.onnx"))
    assert faults() == {"default": "", "finder": "", "mine": ""}
    assert faults(["mine"]) == {"mine": ""}


def test_a_file_that_has_changed(package, colours):
    other = colours("other.onnx", classes=("a", "b", "c"))
    entry = shelf.add(colours("mine.onnx"))
    shutil.copy(other, package / "default.onnx")
    shutil.copy(other, entry.path)
    found = faults()
    digest = hashlib.sha256(other.read_bytes()).hexdigest()
    assert f"changed since it shipped: its SHA-256 is {digest}" in found["default"]
    assert "install mien again" in found["default"]
    assert f"changed since it was added: its SHA-256 is {digest}" in found["mine"]
    assert "add it again with --replace" in found["mine"]


def test_a_damaged_file_has_both_faults(package):
    content = (package / "default.onnx").read_bytes()
    (package / "default.onnx").write_bytes(content[: len(content) // 2])
    assert "changed since" in faults()["default"]
    assert "not a model that ONNX Runtime can open" in faults()["default"]


def test_files_that_are_missing(package, colours):
    (package / "default.onnx").unlink()
    shelf.add(colours("mine.onnx")).path.unlink()
    found = faults()
    assert "its file is missing; install mien again" in found["default"]
    assert "its file is missing; add it again, or `mien models remove mine`" in found["mine"]
    shelf.remove("mine")
    assert "mine" not in faults()


def test_a_file_that_did_not_ship(package, colours):
    colours("stranger.onnx").rename(package / "stranger.onnx")
    assert "is not in" in faults()["stranger"]
    (package / TABLE).unlink()
    with pytest.raises(ModelError, match="table of checksums is missing; install mien again"):
        verify()


def test_a_file_that_was_copied_by_hand(tmp_path, colours):
    (tmp_path / "store").mkdir()
    colours("mine.onnx").rename(tmp_path / "store" / "mine.onnx")
    (finding,) = verify(["mine"])
    assert finding.faults == ()
    assert "no digest to compare" in finding.note
    assert finding.to_dict()["sha256"] == hashlib.sha256((tmp_path / "store" / "mine.onnx").read_bytes()).hexdigest()


def test_a_record_that_cannot_be_read(tmp_path, colours):
    shelf.add(colours("mine.onnx"))
    (tmp_path / "store" / "mine.onnx.json").write_text("{}")
    assert "not a record of mien" in faults()["mine"]


def test_a_file_anywhere(colours, raw_network):
    (finding,) = verify([colours("else.onnx")])
    assert (finding.entry.name, finding.faults) == ("else", ())
    (finding,) = verify([raw_network(None)])
    assert "without a mien card" in finding.faults[0]
    with pytest.raises(ModelError, match="unknown model 'nobody'"):
        verify(["nobody"])
