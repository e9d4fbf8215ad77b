"""A model file, opened, whatever kind it is."""

import hashlib

import onnxruntime
import pytest

from mien.errors import InputError, ModelError
from mien.runtime.session import Opened, providers


def test_a_model_of_any_kind(colours):
    path = colours(kind="generator")
    opened = Opened(path, threads=1)
    assert opened.card.kind == "generator"
    assert opened.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert opened.session.get_inputs()[0].name == "faces"


def test_files_that_are_none(tmp_path, raw_network):
    (tmp_path / "x.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match="can open"):
        Opened(tmp_path / "x.onnx")
    with pytest.raises(ModelError, match="without a mien card"):
        Opened(raw_network(None))


def test_devices(monkeypatch):
    have = ["CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: have)
    assert providers("auto") == providers("cpu") == ["CPUExecutionProvider"]
    with pytest.raises(InputError, match="has none"):
        providers("cuda")
    with pytest.raises(InputError, match="expected auto, cuda or cpu"):
        providers("tpu")
    have.insert(0, "CUDAExecutionProvider")
    assert providers("auto") == providers("cuda") == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert providers("cpu") == ["CPUExecutionProvider"]
