"""How long does an audit take, and what does it find in FER2013?

Run:  python benchmarks/audit.py SCRATCH [--count 35000] [--threads 2]

SCRATCH holds ``fer2013.csv`` as Kaggle gives it, with or without ``fer2013new.csv`` of FER+ beside it; manifest,
array, sheet and findings are written there. The timing is repeated with pictures turned upside down added, up to
``--count``: they are as hard to tell apart as faces, and copies of nothing.

Expected: benchmarks/results/audit.md
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from mien.data.audit import Audit, audit
from mien.data.sources import scan
from mien.images import write
from mien.manifest import Manifest
from mien.report.pictures import audit_sheet

RESULT = Path(__file__).parent / "results" / "audit.md"


def timed(manifest: Manifest, threads: int) -> tuple[Audit, dict[str, float]]:
    """An audit, and seconds (wall clock) and CPU seconds per step."""
    ends: dict[str, float] = {}
    start, cpu = time.perf_counter(), time.process_time()
    result = audit(
        manifest, threads=threads, progress=lambda step, done, total: ends.__setitem__(step, time.perf_counter())
    )
    whole = time.perf_counter() - start
    reading = ends["reading"] - start
    return result, {"reading": reading, "comparing": ends["comparing"] - start - reading, "whole": whole,
                    "cpu": time.process_time() - cpu}  # fmt: skip


def padded(manifest: Manifest, count: int, folder: Path) -> Manifest:
    """The manifest with upside-down pictures added at its end."""
    images = np.load(folder / "audit.npy", mmap_mode="r")
    extra = max(count - len(images), 0)
    np.save(folder / "audit-padded.npy", np.concatenate([images, images[:extra, ::-1]]))
    rows = np.concatenate([np.arange(len(manifest)), np.arange(extra)])
    names = [f"audit-padded.npy#{row}" for row in range(len(rows))]
    return Manifest(manifest.frame.iloc[rows].assign(image=names), folder, manifest.labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--count", type=int, default=35_000)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    start = time.perf_counter()
    manifest = scan(args.scratch, args.scratch / "audit.csv")
    scanned = time.perf_counter() - start
    load = os.getloadavg()[0]
    result, seconds = timed(manifest, args.threads)
    more, seconds_more = timed(padded(manifest, args.count, args.scratch), args.threads)
    result.save(args.scratch / "audit-findings.csv", manifest)
    write(args.scratch / "audit.png", audit_sheet(manifest, result, limit=48))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    lines = [
        "# Audit",
        "",
        "How long `mien data audit` takes, and what it finds. Made by `benchmarks/audit.py`.",
        "",
        f"* {datetime.date.today()}, commit {commit.strip()}, {os.cpu_count()} cores ({platform.machine()}, "
        f"{platform.system()}), load before: {load:.1f}, {args.threads} decoding threads",
        f"* `{shlex.join(['python', 'benchmarks/audit.py', 'SCRATCH', *sys.argv[2:]])}`",
        f"* data: FER2013, {len(manifest)} pictures, splits {manifest.frame['split'].value_counts().to_dict()}",
        "",
        "| pictures | reading s | comparing s | whole s | CPU s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for count, took in ((len(manifest), seconds), (len(more), seconds_more)):
        lines.append(
            f"| {count:,} | "
            + " | ".join(f"{took[key]:.1f}" for key in ("reading", "comparing", "whole", "cpu"))
            + " |"
        )
    lines += ["", f"`mien data scan` of the CSV of pixels, with the votes: {scanned:.1f} s.", ""]
    lines += ["| finding | findings | rows |", "| --- | --- | --- |"]
    lines += [f"| {kind} | {found['findings']} | {found['rows']} |" for kind, found in result.counts().items()]
    lines += [""]
    for leak in result.leaks():
        lines.append(
            f"{leak['rows']} of {leak['of']} pictures of {leak['split']} are also in {leak['against']}, "
            f"{leak['identical']} of them identical; "
            f"{int(result.clean_mask(leak['split'], leak['against']).sum())} are left that can be read, are not blank "
            "and are not there."
        )
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
