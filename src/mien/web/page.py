"""The web page: plain files from this folder, and nothing from anywhere else.

    GET /                    pages/index.html
    GET /static/…            its style and its modules
    GET /static/vendor/…     ONNX Runtime Web, when `make web-assets` has put it there
    GET /static/detector     the face detector that ships, for reading in the browser

A strict content security policy goes with every file: no script, style, picture or connection of another address, and
no script inside the page. ``'wasm-unsafe-eval'`` lets WebAssembly be compiled and no text be run.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from mien.card import FORBIDDEN_USE, INTENDED_USE
from mien.faces.yunet import SHIPPED as DETECTOR

HERE = Path(__file__).parent
PAGE = HERE / "pages" / "index.html"
STATIC = HERE / "static"
#: What `make web-assets` puts into place.
VENDOR = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
HOW = "The page reads on the server only; `make web-assets` (needs npm) lets it read in the browser as well."

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
#: Besides those that every answer of the server has (guard.py).
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",  # ask whether it changed, every time: an old module with a new page would fail
}
#: Said by ourselves: the tables of some systems call scripts plain text, and browsers then refuse to run them.
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}


class _Files(StaticFiles):
    """Static files with our headers and media types."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        kind = TYPES.get(Path(path).suffix)
        if kind and response.status_code == 200:
            response.headers["Content-Type"] = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        return response


def reads_in_browser(static: Path = STATIC) -> bool:
    """True when the page can read pictures by itself, without the server."""
    return all((static / "vendor" / name).is_file() for name in VENDOR)


def mount(app: FastAPI, finds_faces: bool = True) -> None:
    """Put the page at the root of an app.

    Args:
        app: gets the routes.
        finds_faces: the server uses the detector that ships. With another one, answers in the browser would differ, and
            the page does not offer them.
    """
    in_browser = finds_faces and reads_in_browser()
    page = (
        PAGE.read_text(encoding="utf-8")
        .replace("{{in_browser}}", "yes" if in_browser else "no")
        .replace("{{intended_use}}", INTENDED_USE)
        .replace("{{forbidden_use}}", FORBIDDEN_USE)
    )

    @app.get("/", include_in_schema=False)
    async def index() -> HTMLResponse:
        return HTMLResponse(page, headers=HEADERS)

    @app.get("/static/detector", include_in_schema=False)
    async def detector() -> FileResponse:
        return FileResponse(DETECTOR, media_type="application/octet-stream", headers=HEADERS)

    app.mount("/static", _Files(directory=STATIC), name="static")
