"""Commands and Python examples in the pages run as they stand: those under the comment `<!-- tested -->`.

The blocks of one page run in their order, in one empty folder that has the project's `src` in it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- tested -->\n+```(console|python)\n(.*?)```", re.DOTALL)
#: The reader waits a minute for a good toy model, a test does not: the same commands with less to do.
SHORTER = {
    "--count 2000": "--count 400",
    "--count 700": "--count 210",
    "--out toy --count 600": "--out toy --count 210",
    "--precision int8": "--precision int8 --calibrate 32",
    "mien train toy": "mien train toy --set schedule.epochs=2",
}
PAGES = {
    name: BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))
    for name in (
        "README.md",
        "docs/start.md",
        "docs/guides/predict.md",
        "docs/guides/video.md",
        "docs/guides/serve.md",
        "docs/guides/data.md",
        "docs/guides/report.md",
        "docs/guides/train.md",
        "docs/guides/bias.md",
        "docs/guides/compare.md",
        "docs/guides/calibrate.md",
        "docs/guides/enhance.md",
        "docs/guides/models.md",
        "docs/guides/synth.md",
    )
}


def test_every_page_has_examples():
    assert all(PAGES.values())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page, tmp_path):
    (tmp_path / "src").symlink_to(ROOT / "src")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "COLUMNS": "120",
    }
    for kind, block in PAGES[page]:
        if kind == "python":
            commands = [[sys.executable, "-c", block]]
        else:
            for long, short in SHORTER.items():
                block = block.replace(long, short)
            commands = [["bash", "-c", line[2:]] for line in block.splitlines() if line.startswith("$ ")]
        for command in commands:
            done = subprocess.run(
                command,
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=280,
            )
            is_answer = done.returncode == 1 and command[-1].startswith("mien data audit")  # it found something
            assert done.returncode == 0 or is_answer, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
