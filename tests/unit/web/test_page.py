"""The page's files: complete, from nowhere else, and under a policy that lets nothing else in."""

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from mien.card import FORBIDDEN_USE
from mien.web import page


@pytest.fixture
def client():
    app = FastAPI()
    page.mount(app)
    return TestClient(app)


def policy_of(response) -> dict[str, str]:
    parts = response.headers["content-security-policy"].split("; ")
    return {name: values for name, _, values in (part.partition(" ") for part in parts)}


def test_the_policy_lets_in_nothing_from_elsewhere(client):
    for path in ("/", "/static/page.js", "/static/local/worker.js", "/static/detector"):
        policy = policy_of(client.get(path))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert policy["connect-src"] == "'self'"
        assert not any(re.search(r"unsafe-inline|'unsafe-eval'|https?:|\*", values) for values in policy.values())


def test_the_page_needs_nothing_that_the_policy_forbids(client):
    html = client.get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html)
    assert all(not re.match(r"\w+:|/", target) for target in re.findall(r"(?:src|href)=\"([^\"]+)\"", html))


def test_no_address_of_anybody_else_in_our_files():
    ours = [path for path in page.STATIC.rglob("*") if path.is_file() and "vendor" not in path.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in [page.PAGE, *ours])
    assert set(re.findall(r"https?://[\w.-]+", text)) <= {"http://www.w3.org"}  # a name of SVG, not a place


def test_every_module_that_is_imported_exists():
    for path in page.STATIC.rglob("*.js"):
        for target in re.findall(r"(?:from|import) \"(\.[^\"]+)\"", path.read_text(encoding="utf-8")):
            assert "vendor" in target or (path.parent / target).is_file(), f"{path.name}: {target}"


def test_media_types_do_not_depend_on_the_system(client, monkeypatch):
    monkeypatch.setattr("mimetypes.guess_type", lambda *_, **__: ("text/plain", None))
    assert client.get("/static/page.js").headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.get("/static/style.css").headers["content-type"] == "text/css; charset=utf-8"
    assert client.get("/static/icon.svg").headers["content-type"] == "image/svg+xml"


def test_the_page_says_what_it_is_not_for(client):
    html = client.get("/").text
    assert FORBIDDEN_USE in html
    assert "{{" not in html


def test_reading_in_the_browser_is_offered_only_when_its_files_are_there(tmp_path, monkeypatch):
    assert not page.reads_in_browser(tmp_path)
    (tmp_path / "vendor").mkdir()
    for name in page.VENDOR:
        (tmp_path / "vendor" / name).touch()
    assert page.reads_in_browser(tmp_path)

    def offered(files: bool, finds_faces: bool) -> bool:
        monkeypatch.setattr(page, "reads_in_browser", lambda: files)
        app = FastAPI()
        page.mount(app, finds_faces)
        return 'data-in-browser="yes"' in TestClient(app).get("/").text

    assert offered(files=True, finds_faces=True)
    assert not offered(files=False, finds_faces=True)
    assert not offered(files=True, finds_faces=False)


def test_the_detector_is_served(client):
    assert client.get("/static/detector").content == page.DETECTOR.read_bytes()


def test_every_control_has_a_name():
    html = page.PAGE.read_text(encoding="utf-8")
    for tag in re.findall(r"<(?:input|select)\b[^>]*>", html):
        before = html[: html.index(tag)]
        assert before.rfind("<label") > before.rfind("</label>"), f"{tag} is in no label"
    assert re.search(r'id="status"[^>]*role="status"', html)
    assert re.search(r'id="problem"[^>]*role="alert"', html)
    assert '<html lang="en"' in html


def test_dark_text_on_light_and_light_on_dark_can_be_read():
    """WCAG 2.2, 1.4.3: a contrast of 4.5; relative luminance as defined there."""
    style = (page.STATIC / "style.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    for theme in (light, {**light, **dark}):
        pairs = [("ink", "paper"), ("ink", "sheet"), ("ink", "warm"), ("faint", "paper"), ("faint", "sheet")]
        pairs += [("on-alarm", "alarm"), ("accent", "paper"), ("accent", "sheet")]
        assert {
            pair: contrast(theme[pair[0]], theme[pair[1]])
            for pair in pairs
            if contrast(theme[pair[0]], theme[pair[1]]) < 4.5
        } == {}
