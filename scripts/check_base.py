"""The base dependencies are enough to predict, and the rest says what it needs. Uses nothing but them: no pytest.

Run it in an environment without the extras: `make base-check`.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

HEAVY = ("torch", "torchvision", "timm", "pandas", "sklearn", "scipy", "matplotlib", "onnx")
#: Verbs that need the extra `lab`, with arguments that get them as far as asking for it.
LAB = (
    ["train", "s3", "--data", "faces.csv"],
    ["evaluate", "default", "faces.csv"],
    ["export", "runs/s3"],
    ["data", "split", "faces.csv"],
    ["data", "stats", "faces.csv"],
    ["data", "toy", "--out", "toy"],
)


def mien(*arguments: str, folder: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "mien", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def check(statement: bool, what: str) -> None:
    """Stop with one line when a statement does not hold."""
    if not statement:
        sys.exit(f"base check failed: {what}")


def main() -> None:
    """Check everything; prints one line."""
    present = [name for name in HEAVY if importlib.util.find_spec(name)]
    check(not present, f"this environment has {', '.join(present)}: run it in one with the base dependencies alone")

    import mien as package

    picture = str(files("mien") / "assets" / "eileen_collins.jpg")
    readings = package.predict(picture)
    check(len(readings) == 1, f"expected one face in {Path(picture).name}, found {len(readings)}")
    check(abs(float(readings[0].prediction.probabilities.sum()) - 1) < 1e-5, "probabilities do not sum to one")

    with tempfile.TemporaryDirectory() as folder:
        answer = mien("predict", picture, "--json", folder=folder)
        check(answer.returncode == 0, f"mien predict: {answer.stderr}")
        json.loads(answer.stdout)
        sound = mien("models", "verify", folder=folder)
        check(sound.returncode == 0, f"mien models verify: {sound.stdout}{sound.stderr}")
        for arguments in LAB:
            (Path(folder) / "faces.csv").write_text("image,label,split\n")
            refused = mien(*arguments, folder=folder)
            told = refused.stderr.strip()
            check(
                refused.returncode == 2,
                f"mien {' '.join(arguments)}: exit code {refused.returncode}, expected 2: {told}",
            )
            check("pip install 'mien[lab]'" in told, f"mien {' '.join(arguments)} does not say what to install: {told}")
            check("Traceback" not in told, f"mien {' '.join(arguments)} shows a traceback")
    print(f"base check: fine (no torch; {len(LAB)} verbs name the missing extra)")


if __name__ == "__main__":
    main()
