"""The command as it is called from a shell."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from mien.cli.app import main


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def mien(monkeypatch, capsys, tmp_path) -> Callable[..., Done]:
    """Run ``mien`` with arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        return Done(code, *capsys.readouterr())

    return run
