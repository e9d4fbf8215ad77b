"""How large is a fresh installation of the base, and how long does it take?

Run:  python benchmarks/install_size.py

Installs the pinned base and mien itself into an empty environment, once with an empty download cache and once with the
cache that the first left, and adds up the files (apparent size).
Needs uv, on the path or where the Makefile puts it. Writes benchmarks/results/install.md.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "install.md"
LISTED = 8


def size_mb(folder: Path) -> float:
    """Megabytes (10^6 bytes) of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def install(uv: str, environment: Path, cache: Path) -> float:
    """Make an environment with the base and mien in it; gives the seconds."""
    settings = {**os.environ, "UV_CACHE_DIR": str(cache), "UV_NO_CONFIG": "1", "UV_LINK_MODE": "copy"}

    def run(*arguments: str) -> None:
        subprocess.run([uv, *arguments], env=settings, cwd=ROOT, check=True, capture_output=True)

    start = time.perf_counter()
    run("venv", "--python", sys.executable, str(environment))
    run("pip", "sync", "--require-hashes", "--python", str(environment), "requirements/base.txt")
    run(
        "pip",
        "install",
        "--no-deps",
        "--build-constraints",
        "requirements/tools.txt",
        "--python",
        str(environment),
        ".",
    )
    return time.perf_counter() - start


def largest(packages: Path) -> list[tuple[str, float]]:
    """The largest folders of site-packages."""
    sizes = [(path.name, size_mb(path)) for path in packages.iterdir() if path.is_dir()]
    return sorted(sizes, key=lambda pair: -pair[1])[:LISTED]


def report(first_s: float, second_s: float, total_mb: float, parts: list[tuple[str, float]]) -> str:
    """The result as a page."""
    pins = sum(1 for line in (ROOT / "requirements/base.txt").read_text().splitlines() if "==" in line)
    lines = [
        "# A fresh installation of the base",
        "",
        f"{date.today()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores, "
        f"Python {platform.python_version()}. Command: `python benchmarks/install_size.py`",
        "",
        "| What | Value |",
        "| --- | --- |",
        f"| size of the environment | {total_mb:.0f} MB |",
        f"| time, nothing downloaded before | {first_s:.1f} s |",
        f"| time, everything in uv's cache | {second_s:.1f} s |",
        f"| pins in requirements/base.txt, all platforms | {pins} |",
        "",
        "The time of downloads depends on the network more than on anything here.",
        "",
        "| Largest parts | MB |",
        "| --- | --- |",
        *(f"| {name} | {megabytes:.1f} |" for name, megabytes in parts),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    ours = ROOT / ".venv" / "tools" / "bin" / "uv"
    uv = str(ours) if ours.exists() else shutil.which("uv")
    if uv is None:
        sys.exit("uv is not installed: run `make demo` once, or pip install uv")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        first_s = install(uv, Path(folder) / "first", cache)
        second_s = install(uv, Path(folder) / "second", cache)
        environment = Path(folder) / "second"
        packages = next(environment.glob("lib/python*/site-packages"), environment / "Lib" / "site-packages")
        text = report(first_s, second_s, size_mb(environment), largest(packages))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
