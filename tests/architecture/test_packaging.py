"""The package: its files, its version, its extras, its pinned requirements."""

import re
import tomllib

import pytest

import mien

PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def pins(path) -> set[tuple[str, str]]:
    return set(PIN.findall(path.read_text()))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~;, ]", requirement)[0].lower() for requirement in requirements}


def test_the_version_is_in_the_changelog(root):
    first = re.search(r"^## (\d\S+)", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == mien.__version__


def test_extras_named_in_messages_exist(project, root):
    source = "\n".join(path.read_text(encoding="utf-8") for path in (root / "src").rglob("*.py"))
    asked = set(re.findall(r"need\(\s*\"[\w.]+\",\s*\"(\w+)\"", source)) | set(re.findall(r"mien\[(\w+)\]", source))
    assert asked <= set(project["optional-dependencies"])


def test_base_is_a_part_of_dev_pin_by_pin(root):
    base, dev = pins(root / "requirements/base.txt"), pins(root / "requirements/dev.txt")
    assert base
    assert base <= dev


def test_every_dependency_is_pinned(project, root):
    base = {name for name, _ in pins(root / "requirements/base.txt")}
    dev = {name for name, _ in pins(root / "requirements/dev.txt")}
    extras = project["optional-dependencies"]
    assert names(project["dependencies"]) <= base
    assert (names(extras["lab"]) | names(extras["dev"])) - {"mien"} <= dev


def test_every_pin_has_hashes_and_no_address(root):
    for path in (root / "requirements").glob("*.txt"):
        text = path.read_text()
        blocks = re.split(r"\n(?=[a-z0-9])", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
        assert all("--hash=sha256:" in block for block in blocks if block.strip()), path.name
        assert "://" not in text
        assert "find-links" not in text


def test_the_base_stays_light(root):
    base = {name for name, _ in pins(root / "requirements/base.txt")}
    assert not base & {"torch", "torchvision", "timm", "pandas", "scikit-learn", "scipy", "matplotlib", "onnx"}


def test_one_opencv(root):
    dev = {name for name, _ in pins(root / "requirements/dev.txt")}
    assert {name for name in dev if name.startswith("opencv")} == {"opencv-python-headless"}
