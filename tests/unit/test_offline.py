"""Nothing is told to anybody: no file of ONNX Runtime's telemetry appears in a home that was empty."""

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


def test_a_prediction_leaves_nothing_in_the_home(tmp_path):
    program = """
from importlib.resources import files
import mien
assert len(mien.predict(files("mien") / "assets" / "eileen_collins.jpg")) == 1
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []


def test_who_wants_it_may_have_it():
    program = "import os, mien; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for wanted in (None, "0"):
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        environment.pop("ORT_DISABLE_TELEMETRY", None)
        if wanted is not None:
            environment["ORT_DISABLE_TELEMETRY"] = wanted
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert done.stdout.strip() == (wanted or "1")
