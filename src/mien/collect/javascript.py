"""The JavaScript runtime that yt-dlp needs for YouTube's pages: is there one, and is it new enough?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig

#: Runtime -> its first version that yt-dlp 2026.8.19 works with.
RUNTIMES = {"deno": (2, 3, 0), "node": (22, 0, 0), "bun": (1, 2, 11)}
#: What installs one where pip does.
INSTALL = "pip install deno"


def runtimes() -> dict[str, tuple[str, bool]]:
    """The runtimes that are installed: name -> version, and whether it is new enough."""
    folders = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    found = {}
    for name, least in RUNTIMES.items():
        program = shutil.which(name, path=folders)
        version = _version(program) if program else None
        if version is not None:
            found[name] = (".".join(map(str, version)), version >= least)
    return found


def is_ready() -> bool:
    """Whether YouTube's pages can be read."""
    return any(is_new_enough for _, is_new_enough in runtimes().values())


def told() -> str:
    """What there is, in words; with the way out when it is not enough.

    Example: ``node 20.20.2 (22.0.0 or newer is needed)``
    """
    found = runtimes()
    parts = [
        version if is_new_enough else f"{version} ({'.'.join(map(str, RUNTIMES[name]))} or newer is needed)"
        for name, (version, is_new_enough) in found.items()
    ]
    return ", ".join(f"{name} {part}" for name, part in zip(found, parts, strict=True)) or "none"


def _version(program: str) -> tuple[int, ...] | None:
    """The version that a program says it has; None when it does not run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, match.groups())) if match else None
