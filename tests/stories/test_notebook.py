"""The notebook runs from top to bottom as it stands, says what it says quietly, and carries no outputs."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "notebooks" / "first_model.ipynb"
#: The reader waits for ten epochs, a test does not.
SHORTER = {'"epochs": 10': '"epochs": 7'}
#: As Jupyter runs cells: one namespace, and the value of a last expression is shown.
RUNNER = """
import ast, json, sys

def run(cell, namespace):
    tree = ast.parse(cell["source"])
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell["id"], "exec"), namespace)
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), namespace)
    if hasattr(value, "_repr_png_"):
        return ["picture", *value.size, len(value._repr_png_())]
    if hasattr(value, "_repr_html_"):
        return ["table", *value.shape]
    return None if value is None else [type(value).__name__]

namespace = {"__name__": "__main__"}
shown = {cell["id"]: run(cell, namespace) for cell in json.load(sys.stdin)}
test, trained = namespace["test"], namespace["trained"]
answers = [reading.prediction.label for reading in namespace["mien"].predict(namespace["picture"])]
numbers = {"accuracy": test.raw.metrics.accuracy, "epochs": len(trained.history), "answers": answers}
assert chr(27) not in str(test), "colours where plain text is meant"
print(json.dumps({"shown": shown, **numbers}))
"""


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return found


def test_every_cell_runs_and_nothing_warns(notebook: dict[str, Any], tmp_path: Path):
    cells = [
        {"id": cell["id"], "source": "".join(cell["source"])}
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]
    for long, short in SHORTER.items():
        assert sum(long in cell["source"] for cell in cells) == 1
        cells = [{**cell, "source": cell["source"].replace(long, short)} for cell in cells]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(cells),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "FORCE_COLOR": "1"},  # as Jupyter
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert (done.returncode, done.stderr) == (0, "")
    *lines, last = done.stdout.splitlines()
    found = json.loads(last)
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == [f"{epoch}/7" for epoch in range(1, 8)]
    assert "" not in lines
    assert found["accuracy"] > 0.6, "one in four is chance"
    assert sum(line.startswith(("val ", "test ")) for line in lines) == 2
    kinds = {name: value[0] for name, value in found["shown"].items() if value}
    assert kinds == {
        "draw": "table",
        "look": "picture",
        "split": "table",
        "curves": "picture",
        "confusion": "picture",
        "predict": "picture",
        "photograph": "picture",
    }
    assert all(value[3] > 5_000 for value in found["shown"].values() if value and value[0] == "picture")
    assert found["answers"].count("happy") == 3, "three of the six prints show a smile"
    assert {path.name for path in tmp_path.iterdir()} == {"first-model"}


def test_it_is_a_notebook_by_the_book(notebook: dict[str, Any]):
    """By hand, the rules of nbformat 4.5's schema that a file can break."""
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"] == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}  # no version: that of whoever opens it
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in ids)
    for cell in notebook["cells"]:
        more = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | more
        assert cell["cell_type"] in ("code", "markdown")
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        assert not cell["source"][-1].endswith("\n")


def test_it_carries_no_traces_of_a_run(notebook: dict[str, Any]):
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            ast.parse("".join(cell["source"]))  # plain Python: no magics, no shell
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.:/)-])/(?:\w+/)+", text), "no absolute paths"


def test_its_links_lead_somewhere(notebook: dict[str, Any]):
    text = "".join(line for cell in notebook["cells"] if cell["cell_type"] == "markdown" for line in cell["source"])
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(links) >= 4
    assert [link for link in links if not (NOTEBOOK.parent / link).is_file()] == []
