"""Contact sheets: many small pictures with captions, in groups, as one picture.

>>> import numpy as np
>>> tiles = [Tile(np.full((48, 48), 90, np.uint8), "row 1 angry"), Tile(None, "row 9 damaged")]
>>> sheet([Group(tiles, "the same picture")], columns=6, tile_px=64).ndim
3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.errors import InputError
from mien.images import Pixels, read, resize

Colour: TypeAlias = tuple[int, int, int]

PAPER: Colour = (250, 250, 248)
CARD: Colour = (232, 233, 236)
INK: Colour = (34, 36, 42)
MISSING: Colour = (206, 208, 214)
#: Pixels between things, height of a line of text, size of the letters.
GAP_PX, LINE_PX, FONT_PX = 6, 14, 11
#: A picture of more pixels than this helps nobody; make several sheets.
MAX_PIXELS = 100_000_000


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet.

    Attributes:
        image: (H, W, 3) RGB or (H, W) grey, uint8; None draws an empty place (a picture that cannot be read).
        caption: below the picture; lines are cut to its width.
        frame: colour of a line around it, or None.
    """

    image: Pixels | None
    caption: str = ""
    frame: Colour | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """Tiles that belong together: drawn side by side on one card.

    Attributes:
        tiles: at least one.
        title: above them; an empty title draws no card.
        section: a heading before this group, which then begins a new line.
    """

    tiles: Sequence[Tile]
    title: str = ""
    section: str = ""


def sheet(groups: Sequence[Group], *, columns: int = 12, tile_px: int = 96, title: str = "") -> Pixels:
    """Draw groups one after the other, as many beside each other as fit.

    Args:
        groups: a group of more than ``columns`` tiles goes on in the next line.
        columns: tiles per line.
        tile_px: side of the square that each picture is fitted into, keeping its proportions; small pictures are
            enlarged without smoothing, so that their pixels show.
        title: first line of the sheet.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: nothing to draw, or too much for one picture.
    """
    groups = [group for group in groups if group.tiles]
    if not groups:
        raise InputError("a contact sheet needs at least one picture")
    if columns < 1 or tile_px < 16:
        raise InputError(f"a contact sheet with columns={columns}, tile_px={tile_px}; expected at least 1 and 16")
    lines = max(tile.caption.count("\n") + 1 if tile.caption else 0 for group in groups for tile in group.tiles)
    cell_width, cell_height = tile_px + GAP_PX, tile_px + GAP_PX + lines * LINE_PX
    head = LINE_PX + GAP_PX if any(group.title for group in groups) else 0
    width = columns * (cell_width + 2 * GAP_PX) + GAP_PX
    places, height = _flow(groups, columns, width, cell_width, cell_height, head, top=2 * LINE_PX if title else GAP_PX)
    if width * height > MAX_PIXELS:
        raise InputError(f"a contact sheet of {width} x {height} pixels is too large; draw fewer pictures")
    canvas = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    if title:
        draw.text((GAP_PX, GAP_PX), title, INK, _font(FONT_PX + 2))
    for group, (x, y, group_width, group_height) in zip(groups, places, strict=True):
        if group.section:
            draw.text((GAP_PX, y - LINE_PX - GAP_PX), group.section, INK, _font(FONT_PX + 2))
        if group.title:
            draw.rounded_rectangle((x, y, x + group_width, y + group_height), 4, CARD)
            draw.text((x + GAP_PX, y + 3), _cut(group.title, group_width - 2 * GAP_PX), INK, _font(FONT_PX))
        across = max((group_width - GAP_PX) // cell_width, 1)
        for number, tile in enumerate(group.tiles):
            row, column = divmod(number, across)
            _paint(canvas, draw, tile, x + GAP_PX + column * cell_width, y + head + row * cell_height, tile_px)
    return np.array(canvas)


def _flow(
    groups: Sequence[Group], columns: int, width: int, cell_width: int, cell_height: int, head: int, top: int
) -> tuple[list[tuple[int, int, int, int]], int]:
    """Place of each group (x, y, width, height) and the height of the sheet."""
    places = []
    x, y, line_height = GAP_PX, top, 0
    for group in groups:
        across = min(len(group.tiles), columns)
        group_width = across * cell_width + GAP_PX
        group_height = head + -(-len(group.tiles) // across) * cell_height
        if x > GAP_PX and (group.section or x + group_width + GAP_PX > width):
            x, y, line_height = GAP_PX, y + line_height + GAP_PX, 0
        if group.section:
            y += LINE_PX + 2 * GAP_PX
        places.append((x, y, group_width, group_height))
        x += group_width + GAP_PX
        line_height = max(line_height, group_height)
    return places, y + line_height + GAP_PX


def _paint(canvas: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, x: int, y: int, side: int) -> None:
    if tile.image is None:
        draw.rectangle((x, y, x + side - 1, y + side - 1), MISSING)
        draw.line((x, y, x + side - 1, y + side - 1), PAPER, 2)
        draw.line((x, y + side - 1, x + side - 1, y), PAPER, 2)
    else:
        image = read(tile.image)
        scale = side / max(image.shape[:2])
        height, width = (max(round(length * scale), 1) for length in image.shape[:2])
        if scale > 1:
            fitted = Image.fromarray(image).resize((width, height), Image.Resampling.NEAREST)
        else:
            fitted = Image.fromarray(resize(image, height, width))
        canvas.paste(fitted, (x + (side - width) // 2, y + (side - height) // 2))
    if tile.frame is not None:
        draw.rectangle((x - 2, y - 2, x + side + 1, y + side + 1), None, tile.frame, 2)
    for line, text in enumerate(tile.caption.split("\n")):
        draw.text((x, y + side + 1 + line * LINE_PX), _cut(text, side), INK, _font(FONT_PX))


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _cut(text: str, width: int) -> str:
    """The text, shortened at its end to a width in pixels."""
    font = _font(FONT_PX)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
