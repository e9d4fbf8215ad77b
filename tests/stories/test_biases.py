"""A weak class is heard: score, choose factors, look at one picture with them, keep them in the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.cli.app import app
from mien.images import read
from mien.runtime.recognizer import Recognizer

SHIPPED = Path(__file__).parents[2] / "src" / "mien" / "weights" / "default.onnx"


def test_a_factor_is_tried_on_a_picture_and_kept_in_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portrait: Path
):
    monkeypatch.chdir(tmp_path)

    def mien(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    def shares(*arguments: str) -> dict[str, float]:
        answer = json.loads(mien("predict", str(portrait), "--json", "--threads", "1", *arguments))
        found: dict[str, float] = answer["pictures"][0]["faces"][0]["expression"]["probabilities"]
        return found

    plain = shares()
    changed = shares("--bias", "angry=4.5", "neutral=2.8")  # as words after the option
    assert (
        changed == shares("--bias", "angry=4.5,neutral=2.8") == shares("--bias", "angry=4.5", "--bias", "neutral=2.8")
    )
    factor = {**dict.fromkeys(plain, 1.0), "angry": 4.5, "neutral": 2.8}
    total = sum(plain[name] * factor[name] for name in plain)
    for name, share in changed.items():
        assert share == pytest.approx(plain[name] * factor[name] / total, abs=1e-5)  # printed with six digits

    # drawn faces are foreign to the shipped model: their answers are lopsided, which is what biases are for
    mien("data", "toy", "--out", "toy", "--count", "120", "--labels", "happy,sad,surprise", "--folders")
    model = tmp_path / "mine.onnx"
    model.write_bytes(SHIPPED.read_bytes())
    folder = str(next((tmp_path / "toy").rglob("happy")).parent)
    quick = ("--threads", "1", "--bootstrap", "50", "--folds", "3")
    mien("bias", str(model), "--images", folder, "--out", "bias.json", "--card", str(model), *quick)
    content = json.loads((tmp_path / "bias.json").read_text())
    assert content["in_sample"]["macro_recall"]["gain"] >= 0
    assert {name for name, bias in content["biases"].items() if bias} <= {"happy", "sad", "surprise"}

    # the file beside the old model, and the new model, give the same answers
    from_file = Recognizer("default", detector="whole", threads=1, biases="bias.json")
    from_card = Recognizer(model, detector="whole", threads=1)
    face = [read(portrait)]
    np.testing.assert_allclose(from_file.probabilities(face), from_card.probabilities(face), atol=1e-6)
