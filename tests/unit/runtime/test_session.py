"""A model file, opened, whatever kind it is."""

import hashlib

import numpy as np
import onnxruntime
import pytest

from mien.errors import InputError, ModelError
from mien.runtime.network import Network
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
    with pytest.raises(InputError, match="expected auto, cuda, openvino or cpu"):
        providers("tpu")
    have.insert(0, "CUDAExecutionProvider")
    assert providers("auto") == providers("cuda") == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert providers("cpu") == ["CPUExecutionProvider"]


OPENVINO = "OpenVINOExecutionProvider"


def test_openvino_is_taken_when_asked_for(monkeypatch):
    have = ["CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: have)
    with pytest.raises(InputError, match="onnxruntime-openvino brings it"):
        providers("openvino")
    have.insert(0, OPENVINO)
    assert providers("openvino") == [(OPENVINO, {"device_type": "CPU"}), "CPUExecutionProvider"]
    threaded = {"device_type": "CPU", "num_of_threads": "2"}
    assert providers("openvino", threads=2) == [(OPENVINO, threaded), "CPUExecutionProvider"]
    assert providers("auto") == ["CPUExecutionProvider"]


def test_the_device_reaches_the_session(colours, monkeypatch):
    path, asked = colours(), []
    real = onnxruntime.InferenceSession

    def session(file, options, providers):
        asked.append(providers)
        return real(file, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [OPENVINO, "CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    network = Network(path, threads=1, device="openvino")
    assert asked == [[(OPENVINO, {"device_type": "CPU", "num_of_threads": "1"}), "CPUExecutionProvider"]]
    assert network.logits([np.zeros((8, 8, 3), np.uint8)]).tolist() == [[0, 0, 0]]
