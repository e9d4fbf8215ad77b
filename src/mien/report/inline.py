"""Pictures inside an HTML file: plots as SVG that follow light and dark, faces as PNG."""

from __future__ import annotations

import base64
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from mien.errors import need
from mien.images import Pixels
from mien.report.figure import BLUE, INK, LINE, MUTED, QUIET, RED

#: Colours of plots -> custom properties of the page's style sheet, which change with light and dark.
ROLES = {INK: "--ink", QUIET: "--quiet", LINE: "--line", BLUE: "--blue", RED: "--red"}
#: Dark colours that would drown on a dark page.
ROLES |= {MUTED[0]: "--indigo", MUTED[2]: "--green", MUTED[5]: "--wine"}


def svg(draw: Callable[[Path], Path], name: str, alternative: str) -> str:
    """A plot as ``<svg>``: letters stay letters, the paper is the page's own.

    Args:
        draw: writes the plot to the path it is given.
        name: put before every id of the SVG: ids must be unique in a page with several.
        alternative: what the plot shows, for those who do not see it.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    matplotlib = need("matplotlib", "lab", "drawing a plot")
    style = {"svg.fonttype": "none", "svg.hashsalt": name, "path.simplify_threshold": 0.5}
    with tempfile.TemporaryDirectory() as folder, matplotlib.rc_context(style):
        text = draw(Path(folder) / "plot.svg").read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"'DejaVu Sans'[^;\"]*?sans-serif", "sans-serif", text)
    text = re.sub(r'<g id="patch_1">.*?</g>\s*', "", text, count=1, flags=re.DOTALL)  # the figure's own paper
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = text.replace("fill: #ffffff", "fill: none")
    for shade, role in ROLES.items():
        text = re.sub(re.escape(shade), f"var({role})", text, flags=re.IGNORECASE)
    head, _, rest = text.partition(">")
    head = re.sub(r'\s(?:width|height|xmlns:xlink|version)="[^"]*"', "", head)
    rest = rest.replace("xlink:href", "href")
    return f'{head} role="img" aria-label="{_attribute(alternative)}">{_rounded(rest)}'


def png(image: Pixels) -> str:
    """A picture as a data address: (H, W, 3) RGB or (H, W) grey, uint8."""
    colours = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    is_grey = image.ndim == 3 and bool((image == image[..., :1]).all())
    done, content = cv2.imencode(".png", image[..., 0] if is_grey else colours, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return "data:image/png;base64," + base64.b64encode(content.tobytes()).decode()


def _rounded(text: str) -> str:
    """Coordinates with two digits: a hundredth of a point is less than a pixel of any screen."""

    def short(match: re.Match[str]) -> str:
        return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")

    def path(match: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d+", short, match[0])

    return re.sub(r'\bd="[^"]*"', path, text)


def _attribute(text: Any) -> str:
    return str(text).replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
