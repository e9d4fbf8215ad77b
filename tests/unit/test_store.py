"""Where the model store is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mien.store import store_dir


def test_the_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "mine"))
    assert store_dir() == tmp_path / "mine"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/mien/models"),
        ("linux", {"XDG_CACHE_HOME": "cache"}, "cache/mien/models"),
        ("darwin", {}, "home/Library/Caches/mien/models"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/mien/models"),
    ],
)
def test_platforms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("MIEN_MODELS", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", platform)
    for name, folder in variables.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    assert store_dir() == tmp_path / expected
