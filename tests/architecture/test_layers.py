"""Imports go one way, and no module escapes the contract."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

#: Allowed to know everything: the public face of the package, and `python -m mien`.
TOP = {"__init__", "__main__"}


def settings(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_the_contracts_hold(root):
    linter = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    done = subprocess.run(
        [linter, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_has_a_layer(root):
    layers = next(contract for contract in settings(root)["contracts"] if contract["id"] == "layers")["layers"]
    named = {name.strip().removeprefix("mien.") for layer in layers for name in layer.split("|")}
    package = root / "src" / "mien"
    found = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/*.py")}
    assert found - TOP == named


def test_every_folder_of_the_light_side_is_kept_from_torch(root):
    torch = next(contract for contract in settings(root)["contracts"] if contract["id"] == "torch")
    guarded = {name.removeprefix("mien.") for name in torch["source_modules"]}
    folders = {path.parent.name for path in (root / "src" / "mien").glob("*/*.py")}
    assert folders - {"train"} <= guarded
