"""The web page in a real browser, on a real server: pictures, a video, a camera; on the server and in the browser.

Skipped where there is no Chromium, or no playwright to drive it. The camera is a film of the portraits that ship.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien import images
from mien.runtime.models import locate
from mien.runtime.recognizer import Recognizer

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
pytest.importorskip("fastapi", reason="the server is not installed: pip install '.[serve]'")

from mien.web.page import reads_in_browser  # noqa: E402  what it needs is there, now
from mien.web.server import Server  # noqa: E402
from mien.web.settings import Settings  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"none of {', '.join(NAMES)} is installed")
in_browser = pytest.mark.skipif(not reads_in_browser(), reason="what the browser needs is not there: make web-assets")

ASSETS = Path(__file__).parents[2] / "src" / "mien" / "assets"
GROUP, SMILING, SERIOUS = (ASSETS / f"{name}.jpg" for name in ("group", "eileen_collins", "grace_hopper"))
#: How much a probability may differ between server and browser: see docs/guides/web.md for what was measured.
TOLERANCE = 0.01


@contextmanager
def served(**values: Any) -> Iterator[str]:
    ready, address = threading.Event(), []
    server = Server(Settings(port=0, **values), lambda found: (address.append(found), ready.set()))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(60)
        yield address[0]
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """A server with two models."""
    second = tmp_path_factory.mktemp("models") / "second.onnx"
    shutil.copy(locate("default"), second)
    with served(models=("default", str(second))) as found:
        yield found


def frames() -> list[np.ndarray]:
    """Two seconds of one portrait, two of another, ten frames a second, 320 x 240."""
    film = []
    for path in (SMILING, SERIOUS):
        picture = images.read(path)
        width = round(240 * picture.shape[1] / picture.shape[0])
        frame = np.full((240, 320, 3), 90, np.uint8)
        frame[:, :width] = images.resize(picture, 240, width)[:, :320]
        film += [frame] * 20
    return film


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("video") / "clip.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", 10, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 240, "yuv420p", 2_000_000
        for image in frames():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory) -> Iterator[Any]:
    """A browser whose camera shows the film."""
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    film.write_bytes(b"".join(images.encode(frame, ".jpg") for frame in frames()))
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--disable-background-networking"]
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*flags, f"--use-file-for-fake-video-capture={film}"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, address) -> Iterator[Callable[..., Any]]:
    """Open the page; nothing may be written to the browser's console but what the test expects."""
    contexts, said = [], []

    def make(where: str = address, **options: Any) -> Any:
        context = chromium.new_context(permissions=["camera"], **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(where)
        return page

    make.said = said
    yield make
    for context in contexts:
        context.close()
    assert said == []


def choose(page: Any, *paths: Path) -> None:
    page.locator("#model:enabled").wait_for()
    page.set_input_files("#files", [str(path) for path in paths])


def titles(page: Any, count: int) -> list[str]:
    page.locator(".face-title").nth(count - 1).wait_for()
    return page.locator(".face-title").all_inner_texts()


def read_here(page: Any) -> None:
    page.locator("#model:enabled").wait_for()
    page.get_by_label("in this browser").check()
    page.get_by_text("You may go offline").wait_for()


def saved(page: Any, button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_pictures_on_the_server(visit):
    page = visit()
    choose(page, GROUP, SMILING)
    found = titles(page, 7)
    assert found[0].startswith("Face 1: happy")  # the last picture is on top
    assert page.locator(".box").count() == 7
    assert page.get_by_role("row", name="happy").count() == 7  # bars that a screen reader can read

    readings = json.loads(saved(page, "Download JSON"))["readings"]
    want = Recognizer().read(str(GROUP))
    for row, reading in zip(readings, want, strict=False):
        assert row["source"] == "group.jpg"
        assert row["expression"]["label"] == reading.prediction.label
        assert row["face"]["box"] == pytest.approx(reading.face.box.tolist(), abs=0.1)
    rows = list(csv.DictReader(saved(page, "Download CSV").splitlines()))
    assert [row["label"] for row in rows] == [row["expression"]["label"] for row in readings]
    assert sum(float(rows[0][name]) for name in want[0].prediction.labels) == pytest.approx(1, abs=1e-5)

    page.get_by_role("button", name="Clear").click()
    assert page.locator(".card").count() == 0


@in_browser
def test_the_browser_answers_as_the_server_does_and_sends_nothing(visit):
    page = visit()
    read_here(page)
    sent = []
    page.context.set_offline(True)
    page.on("request", lambda request: None if request.url.startswith("blob:") else sent.append(request.url))
    choose(page, GROUP, SMILING, SERIOUS)
    titles(page, 8)
    rows = json.loads(saved(page, "Download JSON"))["readings"]
    assert sent == []
    recognizer = Recognizer()
    for path in (GROUP, SMILING, SERIOUS):
        here = [row for row in rows if row["source"] == path.name]
        there = recognizer.read(str(path))
        assert len(here) == len(there)
        for row, reading in zip(here, there, strict=True):
            assert row["face"]["box"] == pytest.approx(reading.face.box.tolist(), abs=0.2)
            assert row["expression"]["label"] == reading.prediction.label
            shares = list(row["expression"]["probabilities"].values())
            assert shares == pytest.approx(reading.prediction.probabilities.tolist(), abs=TOLERANCE)


@in_browser
def test_pixels_are_made_as_by_opencv(visit):
    page = visit()
    code = "async ([pixels, w, h, to, how]) => { const { grey, resize } = await import('/static/local/pixels.js');"
    code += "const image = { width: w, height: h, channels: 3, data: Uint8Array.from(pixels) };"
    code += "return [...(how === 'grey' ? grey(image) : resize(image, to[1], to[0], how)).data]; }"
    picture = np.random.default_rng(0).integers(0, 256, (60, 46, 3), dtype=np.uint8)

    def ask(*rest: Any) -> np.ndarray:
        return np.array(page.evaluate(code, [picture.ravel().tolist(), 46, 60, *rest]), np.int16)

    for to, how in [((48, 37), "linear"), ((20, 20), "linear"), ((96, 96), "linear"), ((96, 96), "cubic")]:
        assert np.abs(ask(to, how) - images.resize(picture, *to, how).ravel()).max() <= 1
    assert (ask((30, 23), "linear") == images.resize(picture, 30, 23).ravel()).all()  # halved: its own rounding
    assert (ask((20, 21), "linear") == images.resize(picture, 20, 21).ravel()).mean() > 0.99
    assert np.abs(ask((96, 90), "lanczos") - images.resize(picture, 96, 90, "lanczos").ravel()).max() <= 1
    assert (ask(None, "grey") == images.grey(picture).ravel()).all()


@pytest.mark.parametrize("place", ["server", pytest.param("browser", marks=in_browser)])
def test_the_camera_is_read_and_its_mark_shown_for_as_long_as_it_is_on(visit, place):
    page = visit()
    if place == "browser":
        read_here(page)
    page.locator("#model:enabled").wait_for()
    mark = page.get_by_text("The camera is on")
    assert not mark.is_visible()
    page.get_by_role("button", name="Use the camera").click()
    assert titles(page, 1)[0].startswith("Person 1:")
    assert mark.is_visible()
    assert page.title().startswith("● camera on")
    page.get_by_role("img", name="Expressions of person 1 over time").wait_for()
    page.locator("#count", has_text=re.compile(r"^([5-9]|\d\d+) readings")).wait_for()
    assert page.evaluate("document.activeElement.id") == "camera-stop"

    tracks = "document.querySelector('video').srcObject.getTracks()"
    handle = page.evaluate_handle(tracks)
    page.keyboard.press("Enter")
    mark.wait_for(state="hidden")
    assert handle.evaluate("tracks => tracks.map((track) => track.readyState)") == ["ended"]
    assert page.locator("video").count() == 0
    rows = json.loads(saved(page, "Download JSON"))["readings"]
    assert len(rows) >= 5
    times = [row["time_s"] for row in rows]
    assert times == sorted(times)


@pytest.mark.parametrize("place", ["server", pytest.param("browser", marks=in_browser)])
def test_a_video_has_a_timeline(visit, clip, place):
    page = visit()
    if place == "browser":
        read_here(page)
    choose(page, clip)
    page.get_by_text("frames read").wait_for()
    assert page.get_by_role("img", name="over time").count() >= 1
    rows = json.loads(saved(page, "Download JSON"))["readings"]
    first = [row["expression"]["label"] for row in rows if 0.5 < row["time_s"] < 1.8]
    last = [row["expression"]["label"] for row in rows if row["time_s"] > 3]
    assert first
    assert set(first) == {"happy"}
    assert last
    assert "happy" not in last


def test_another_model_is_asked(visit):
    page = visit()
    page.locator("#model:enabled").wait_for()
    page.get_by_label("Model").select_option("second")
    with page.expect_request("**/predict?model=second"):
        choose(page, SMILING)
    titles(page, 1)
    assert json.loads(saved(page, "Download JSON"))["readings"][0]["model"] == "second"


def test_what_is_no_picture_is_said_and_stops_nothing(visit, tmp_path):
    page = visit()
    notes = tmp_path / "notes.jpg"
    notes.write_text("no picture")
    choose(page, notes, SERIOUS)
    assert titles(page, 1)[0].startswith("Face 1: neutral")
    assert (
        page.locator(".card", has_text="notes.jpg")
        .locator(".reason")
        .inner_text()
        .startswith("its first bytes are not")
    )
    rows = json.loads(saved(page, "Download JSON"))["readings"]
    assert [(row["source"], "reason" in row) for row in rows] == [("notes.jpg", True), (SERIOUS.name, False)]
    assert all("415" in text or "422" in text for text in visit.said)  # the browser notes the refusal
    visit.said.clear()


def test_a_server_with_a_token_asks_for_it(visit):
    token = "a-token-of-some-length"
    with served(token=token) as where:
        page = visit(where)
        page.get_by_role("textbox", name="Token").fill(token)
        page.get_by_role("button", name="Use it").click()
        choose(page, SMILING)
        assert titles(page, 1)[0].startswith("Face 1: happy")
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_text("Person 1:").wait_for()
        page.get_by_role("button", name="Stop the camera").click()
    assert all("401" in text for text in visit.said)
    visit.said.clear()


def test_everything_is_reached_by_the_keyboard_on_a_phone_too(visit):
    page = visit(viewport={"width": 360, "height": 700})
    page.locator("#model:enabled").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName.toLowerCase()"))
    wanted = ["summary", "model", "files", "camera-start"]
    assert [name for name in dict.fromkeys(reached) if name in wanted] == wanted
