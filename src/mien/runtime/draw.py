"""Readings drawn into the picture: a box per face, its perceived expression, and bars of the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.images import Pixels
from mien.prediction import Reading

Colour = tuple[int, int, int]

#: Eight colours that people with colour-blindness can tell apart (Okabe and Ito, 2008; black replaced by slate).
COLOURS: tuple[Colour, ...] = (
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
    (230, 159, 0),
    (130, 140, 150),
    (86, 180, 233),
)
BARS = 3


@lru_cache(maxsize=32)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def annotate(image: Pixels, readings: Sequence[Reading]) -> Pixels:
    """Draw readings.

    Args:
        image: (H, W, 3) uint8 RGB; is not changed.
        readings: of this picture.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    canvas = Image.fromarray(image).convert("RGB")
    draw = ImageDraw.Draw(canvas, "RGBA")
    for reading in reversed(readings):  # the largest face last, on top
        _one(draw, reading, canvas.width, canvas.height)
    return np.array(canvas)


def _one(draw: ImageDraw.ImageDraw, reading: Reading, width: int, height: int) -> None:
    answer = reading.prediction
    colour = COLOURS[answer.labels.index(answer.label) % len(COLOURS)]
    x1, y1, x2, y2 = (float(value) for value in reading.face.box)
    line = max(2, round(reading.face.size_px / 55))
    text_px = int(min(max(reading.face.size_px / 8.5, 11), max(width, height) / 24 + 8))
    if answer.is_abstained:
        colour = (130, 140, 150)
    draw.rounded_rectangle((x1, y1, x2, y2), radius=2 * line, outline=(*colour, 255), width=line)
    title = f"{'? ' if answer.is_abstained else ''}{answer.label} {answer.confidence:.0%}"
    font = _font(text_px)
    pad = max(2, text_px // 4)
    left, top, right, bottom = draw.textbbox((0, 0), title, font=font)
    chip_width, chip_height = right - left + 2 * pad, bottom - top + 2 * pad
    x = min(max(x1, 0), max(width - chip_width, 0))
    y = y1 - chip_height if y1 >= chip_height else max(y1, 0)
    draw.rounded_rectangle((x, y, x + chip_width, y + chip_height), radius=pad, fill=(*colour, 235))
    draw.text((x + pad - left, y + pad - top), title, font=font, fill=_ink(colour))
    if reading.face.size_px >= 90:
        _bars(draw, reading, x1, y2, x2, height)


def _bars(draw: ImageDraw.ImageDraw, reading: Reading, x1: float, y2: float, x2: float, height: int) -> None:
    """The likeliest classes at the lower edge of the box; inside it where there is no room below."""
    answer = reading.prediction
    text_px = int(min(max((x2 - x1) / 12, 9), 22))
    font, row = _font(text_px), round(text_px * 1.35)
    panel = BARS * row + text_px // 2
    top = y2 + 2 if y2 + 2 + panel <= height else min(y2, height) - panel - 2
    draw.rounded_rectangle((x1, top, x2, top + panel), radius=text_px // 3, fill=(15, 18, 22, 190))
    names = text_px * 5.2
    for number, (name, probability) in enumerate(answer.top(BARS)):
        y = top + text_px // 4 + number * row
        draw.text((x1 + text_px // 3, y), name, font=font, fill=(240, 240, 240, 255))
        start, end = x1 + names, x2 - text_px // 3
        colour = COLOURS[answer.labels.index(name) % len(COLOURS)]
        draw.rectangle((start, y + row * 0.25, end, y + row * 0.75), fill=(255, 255, 255, 40))
        draw.rectangle(
            (start, y + row * 0.25, start + (end - start) * probability, y + row * 0.75), fill=(*colour, 255)
        )


def _ink(colour: Colour) -> Colour:
    """Black or white, whichever reads better on a colour (relative luminance, ITU-R BT.709)."""
    luminance = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]
    return (0, 0, 0) if luminance > 120 else (255, 255, 255)
