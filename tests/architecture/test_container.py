"""The container's files, which no test can build: what they name exists, and they are as careful as they say."""

import re

import yaml
from typer.testing import CliRunner

from mien.cli.app import app


def test_what_is_copied_exists_and_gets_through(root):
    text = (root / "Dockerfile").read_text()
    allowed = set(re.findall(r"^!(.+)$", (root / ".dockerignore").read_text(), re.MULTILINE))
    copied = [name for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for name in line.split()[:-1]]
    assert copied
    for name in copied:
        assert (root / name).exists(), name
        assert name.split("/")[0] in allowed, name


def test_it_is_not_root_and_says_whether_it_is_well(root):
    text = (root / "Dockerfile").read_text()
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert text.count("--require-hashes") == text.count("-r requirements/")


def test_the_service_may_do_little(root):
    service = yaml.safe_load((root / "compose.yaml").read_text())["services"]["mien"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    assert all(word in shown for word in service["command"] if word.startswith("--"))
