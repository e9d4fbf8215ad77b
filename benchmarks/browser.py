"""Does the page, reading in the browser, answer as the server does, and how quick is it?

Run:  python benchmarks/browser.py [PICTURES …]      (folders or files; left out: the pictures that ship)

Needs `make web-assets`, playwright and a Chromium. Each picture is read by `mien.Recognizer` and by the page's worker
in headless Chromium, with the model and the detector that ship. Writes benchmarks/results/browser.md.
"""

from __future__ import annotations

import base64
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from mien import images
from mien.errors import ImageError
from mien.runtime.recognizer import Recognizer
from mien.web.page import reads_in_browser
from mien.web.server import Server
from mien.web.settings import Settings

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "browser.md"
OPEN = """async () => {
  const { BrowserReader } = await import("/static/reading/browser.js");
  const { Access } = await import("/static/reading/access.js");
  const access = new Access();
  const { models } = await access.json("models");
  window.reader = new BrowserReader(access, models[0]);
  await reader.ready();
}"""
READ = """async (text) => {
  const file = new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], "picture");
  const start = performance.now();
  return { ...(await reader.picture(file)), took_ms: performance.now() - start };
}"""


def main(arguments: list[str]) -> None:
    if not reads_in_browser():
        sys.exit("what the browser needs is not there: run `make web-assets`")
    places = [Path(name) for name in arguments] or [ROOT / "src" / "mien" / "assets"]
    files = [file for place in places for file in (images.find(place) if place.is_dir() else [place])]
    ready, address = threading.Event(), []
    server = Server(Settings(port=0), lambda found: (address.append(found), ready.set()))
    thread = threading.Thread(target=server.run)
    thread.start()
    ready.wait(60)
    try:
        with sync_playwright() as driver:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=path, args=["--disable-background-networking"])
            page = browser.new_page()
            page.goto(address[0])
            page.evaluate(OPEN)
            rows = measure(page, files)
            # the same pixels to both: what is left is resizing and the runtime
            same = measure(page, files, as_png=True)
            about = browser.version
            browser.close()
    finally:
        server.should_exit = True
        thread.join()
    write(rows, same, about)


def measure(page: Page, files: list[Path], as_png: bool = False) -> dict[str, Any]:
    recognizer = Recognizer(threads=1)
    found: dict[str, Any] = {"pictures": 0, "faces": 0, "missed": 0, "labels": 0}
    boxes, shares, here_ms, there_ms = [], [], [], []
    for file in files:
        try:
            pixels = images.read(file)
        except ImageError:
            continue
        content = images.encode(pixels, ".png") if as_png else file.read_bytes()
        here = page.evaluate(READ, base64.b64encode(content).decode())
        if here["size_px"] is None:
            continue
        start = time.perf_counter()
        there = recognizer.read(pixels)
        there_ms.append(1000 * (time.perf_counter() - start))
        here_ms.append(here["took_ms"])
        found["pictures"] += 1
        found["faces"] += len(there)
        for reading in there:
            distances = [np.abs(np.array(row["face"]["box"]) - reading.face.box).max() for row in here["faces"]]
            if not distances or min(distances) > 0.2 * reading.face.size_px:
                found["missed"] += 1
                continue
            row = here["faces"][int(np.argmin(distances))]
            boxes.append(min(distances))
            values = np.array(list(row["expression"]["probabilities"].values()))
            shares.append(float(np.abs(values - reading.prediction.probabilities).max()))
            found["labels"] += row["expression"]["label"] == reading.prediction.label
        found["missed"] += max(0, len(here["faces"]) - len(there))
    return {
        **found,
        **{"box": max(boxes), "most": max(shares), "p99": float(np.quantile(shares, 0.99)), "mean": np.mean(shares)},
        **{"here_ms": statistics.median(here_ms), "there_ms": statistics.median(there_ms)},
    }


def write(files: dict[str, Any], same: dict[str, Any], chromium: str) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    lines = [
        "# Server and browser",
        "",
        f"{date.today()}, commit {commit.stdout.strip()}, {platform.machine()}, {os.cpu_count()} cores,",
        f"Chromium {chromium}, load average {os.getloadavg()[0]:.1f}. Command:",
        "`python benchmarks/browser.py PICTURES`.",
        "",
        "The largest difference of any probability of a face, over all faces. *As files*: both sides decode the file,",
        "each with its own decoder. *Same pixels*: both get the picture as PNG; left are detection, cutting, resizing",
        "and the runtime.",
        "",
        "| | as files | same pixels |",
        "| --- | --- | --- |",
    ]
    for name, key, form in [
        ("pictures", "pictures", "d"),
        ("faces", "faces", "d"),
        ("faces that only one side found", "missed", "d"),
        ("faces with the same label", "labels", "d"),
        ("boxes differ by at most, px", "box", ".3f"),
        ("probabilities differ by, mean", "mean", ".5f"),
        ("99 % of faces by at most", "p99", ".4f"),
        ("all faces by at most", "most", ".4f"),
        ("browser, median per picture, ms", "here_ms", ".0f"),
        ("Python, one thread, already decoded, ms", "there_ms", ".0f"),
    ]:
        lines.append(f"| {name} | {files[key]:{form}} | {same[key]:{form}} |")
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
