"""Runtimes of JavaScript: programs that say a version."""

import pytest

from mien.collect import javascript
from mien.collect.javascript import RUNTIMES, is_ready, runtimes, told


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Programs of these names that say this, and no others."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(javascript.sysconfig, "get_path", lambda name: str(tmp_path))

    def write(name: str, says: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / name).chmod(0o755)

    return write


def test_none(programs):
    assert (runtimes(), is_ready(), told()) == ({}, False, "none")


def test_old_and_new(programs):
    programs("node", "echo v20.20.2")
    assert told() == "node 20.20.2 (22.0.0 or newer is needed)"
    assert not is_ready()
    programs("deno", "echo 'deno 2.9.8 (stable, release, x86_64)'")
    programs("bun", "exit 1")
    assert runtimes() == {"deno": ("2.9.8", True), "node": ("20.20.2", False)}
    assert is_ready()


def test_they_are_those_of_yt_dlp():
    from yt_dlp import YoutubeDL
    from yt_dlp.globals import supported_js_runtimes

    with YoutubeDL({"js_runtimes": {name: {} for name in RUNTIMES}, "quiet": True}):
        known = supported_js_runtimes.value
    assert {name: known[name].MIN_SUPPORTED_VERSION for name in RUNTIMES} == RUNTIMES
