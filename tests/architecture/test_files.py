"""What the files of the project look like, and what is not in them."""

import re
from pathlib import Path

LIMIT = 400
#: Written so that this file does not hold what it looks for.
PLACES = re.compile(
    "|".join(
        [
            r"(?<![\w.-])/" + r"(?:work|root|opt|home|Users)/",
            r"(?<![\w.-])/tmp/" + r"\w",
            r"[A-Z]:" + r"\\Users",
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"registry\." + r"npmjs",
            r"deb" + r"ian\.org",
            r"--(?:extra-)?index" + r"-url[ =]",
        ]
    )
)
BINARY = {".jpg", ".png", ".onnx", ".npz", ".npy", ".ttf", ".whl"}


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_long_module_says_why_it_is_long(tracked, root):
    silent = []
    for path in tracked:
        if path.suffix == ".py" and len(found := lines(path)) > LIMIT and "Long because" not in "\n".join(found[:40]):
            silent.append(f"{path.relative_to(root)}: {len(found)} lines")
    assert not silent, "split them, or say 'Long because …' in the docstring at the top"


def test_no_places_of_one_machine(tracked, root):
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path in tracked
        if path.suffix not in BINARY
        for number, line in enumerate(lines(path), 1)
        if PLACES.search(line)
    ]
    assert not found, "\n".join(found)


def test_nothing_large_is_tracked(tracked, root):
    large = {str(path.relative_to(root)): path.stat().st_size for path in tracked if path.stat().st_size > 20_000_000}
    assert not large


def test_no_module_is_a_drawer():
    names = {path.stem for path in (Path(__file__).parents[2] / "src").rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def test_nothing_is_put_off(tracked, root):
    later = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [str(path.relative_to(root)) for path in tracked if path.suffix == ".py" and later.search(path.read_text())]
    assert not found
