"""The pages tell the truth: all verbs are told of, none is made up, links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from mien.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Written by people: the reference tells of every verb by itself.
WRITTEN = [page for page in PAGES if page.name != "reference.md"]
BLOCK = re.compile(r"```\w*\n(.*?)```", re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def verbs() -> dict[str, Any]:
    """Every command that can be run, by its words after `mien`."""
    found = {}

    def walk(command: Any, name: str) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found[name] = command
        for child, below in (children or {}).items():
            walk(below, f"{name} {child}".strip())

    walk(typer.main.get_command(app), "")
    return found


def mentioned(page: Path) -> set[str]:
    """What stands after `mien` in code: in spans, and at the start of lines in blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(BLOCK.findall(text))
    return {
        *re.findall(r"`mien ([^`\n]+)`", BLOCK.sub("", text)),
        *re.findall(r"^\s*(?:\$ )?mien (\w[^\n]*)", blocks, re.MULTILINE),
    }


def verb_of(line: str, verbs: dict[str, Any]) -> str | None:
    """The verb that a command line begins with."""
    words = line.split()
    return next((verb for verb in (" ".join(words[:2]), words[0]) if verb in verbs), None)


def test_every_verb_is_told_of(verbs):
    told = {verb_of(line, verbs) for page in WRITTEN for line in mentioned(page)}
    assert set(verbs) <= told


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_verb_is_made_up(page, verbs):
    first_words = {verb.split()[0] for verb in verbs}
    commands = {line for line in mentioned(page) if not re.match(r"[A-Z]+\b|-", line)}  # `mien VERB`, `mien --help`
    assert {line for line in commands if line.split()[0] not in first_words} == set()


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_option_shown_exists(page, verbs):
    unknown = []
    for line in mentioned(page):
        verb = verb_of(line, verbs)
        if verb is not None:
            known = {name for item in verbs[verb].params for name in [*item.opts, *item.secondary_opts]} | {"--help"}
            unknown += [f"{line}: {name}" for name in re.findall(r"(?<!\S)--?[a-z][\w-]*", line) if name not in known]
    assert not unknown


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def test_the_reference_is_up_to_date():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, ROOT / "scripts" / "reference.py", "--check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
