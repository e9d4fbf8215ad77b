"""The light side stays light: no torch unless something is trained."""

import json
import subprocess
import sys
import time

import pytest

HEAVY = {"torch", "torchvision", "timm", "lightning_fabric", "pandas", "sklearn", "scipy", "matplotlib", "onnx"}
LOADED = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def loaded(python, program: str) -> set[str]:
    return set(json.loads(python(f"{program}\n{LOADED}").splitlines()[-1]))


def test_importing_mien_loads_almost_nothing(python):
    modules = loaded(python, "import mien")
    assert not modules & (HEAVY | {"cv2", "onnxruntime", "numpy", "typer"})


def test_every_public_name_resolves(python):
    python("import mien\nfor name in mien.__all__: getattr(mien, name)\nassert set(mien.__all__) <= set(dir(mien))")


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"], ["train", "--help"]])
def test_help_loads_nothing_heavy(python, arguments):
    program = f"""
import sys
sys.argv = ["mien", *{arguments!r}]
from mien.cli.app import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    modules = loaded(python, program)
    assert not modules & (HEAVY | {"cv2", "onnxruntime", "av"})


def test_listing_recipes_loads_no_torch(python):
    program = (
        "from typer.testing import CliRunner; from mien.cli.app import app; CliRunner().invoke(app, 'recipes list')"
    )
    assert not loaded(python, program) & HEAVY


def test_a_prediction_loads_no_torch(python):
    program = """
import mien
from importlib.resources import files
readings = mien.predict(str(files("mien") / "assets" / "eileen_collins.jpg"))
assert len(readings) == 1, readings
"""
    assert not loaded(python, program) & HEAVY


def test_reading_a_recipe_loads_no_torch(python):
    assert not loaded(python, "from mien.train.tables import load_recipe; load_recipe('s3')") & HEAVY


def test_naming_a_training_loads_no_torch(python):
    program = """
import mien
try:
    mien.train_model({"extends": "toy", "epochs": 3}, "cpu", data="missing.csv")
except mien.MienError as error:
    assert "schedule.epochs" in str(error), error
"""
    assert not loaded(python, program) & HEAVY


def test_help_answers_quickly():
    # the real figure (under half a second on an idle machine) is measured in benchmarks/; this guards against a leap
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mien", "--help"], check=True, capture_output=True, timeout=60)
    assert time.perf_counter() - start < 3
