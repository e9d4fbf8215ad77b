"""Readings drawn into the picture: a box per face, its perceived expression, and bars of the likeliest classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.images import Pixels, resize
from mien.prediction import Prediction, Reading

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
ABSTAINED: Colour = (130, 140, 150)
BARS = 3
#: Text of 11 px and a box around it need about this much; smaller pictures are enlarged before they are drawn on.
SMALLEST_PX = 256
#: Below this side a box has a title and no bars: their names would not fit.
SMALLEST_WITH_BARS_PX = 90


@lru_cache(maxsize=32)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def annotate(image: Pixels, readings: Sequence[Reading], below: bool = True) -> Pixels:
    """Draw readings.

    Args:
        image: (H, W, 3) uint8 RGB; is not changed.
        readings: of this picture; those of a video show the number of their track.
        below: add a strip when a face fills the picture; without it all frames of a video have one size.

    Returns:
        (H', W', 3) uint8 RGB: H and W, times a whole number when the picture is too small for text, and with a strip
        below when a face fills the picture, so that the bars do not cover it.
    """
    height, width = image.shape[:2]
    scale = max(1, math.ceil(SMALLEST_PX / max(height, width)))
    canvas = Image.fromarray(resize(image, height * scale, width * scale))
    boxes = [tuple(float(value) * scale for value in reading.face.box) for reading in readings]
    longest_px = max(canvas.size)  # before the strip: sizes of text follow the picture
    strip = max((_strip_px(box, canvas.height, longest_px) for box in boxes), default=0)
    if below and strip:
        taller = Image.new("RGB", (canvas.width, canvas.height + strip), (15, 18, 22))
        taller.paste(canvas)
        canvas = taller
    draw = ImageDraw.Draw(canvas, "RGBA")
    for box, reading in reversed(list(zip(boxes, readings, strict=True))):  # the largest face last, on top
        _one(draw, box, reading, canvas.width, canvas.height, longest_px)
    return np.array(canvas)


def _panel(box: tuple[float, ...], longest_px: int) -> tuple[int, int, int]:
    """Text, row and panel of the bars of a box, in pixels of height."""
    text_px = int(min(max((box[2] - box[0]) / 12, 9), longest_px / 48 + 12))
    row = round(text_px * 1.35)
    return text_px, row, BARS * row + text_px // 2


def _strip_px(box: tuple[float, ...], height: int, longest_px: int) -> int:
    """What to add below the picture for a face that fills it."""
    is_full = box[3] - box[1] >= 0.8 * height and box[2] - box[0] >= SMALLEST_WITH_BARS_PX
    return max(0, math.ceil(min(box[3], height) + 2 + _panel(box, longest_px)[2] - height) + 2) if is_full else 0


def _one(
    draw: ImageDraw.ImageDraw, box: tuple[float, ...], reading: Reading, width: int, height: int, longest_px: int
) -> None:
    answer = reading.prediction
    colour = ABSTAINED if answer.is_abstained else COLOURS[answer.labels.index(answer.label) % len(COLOURS)]
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    line = max(2, round(side / 55))
    text_px = int(min(max(side / 8.5, 11), longest_px / 24 + 8))
    draw.rounded_rectangle((x1, y1, x2, y2), radius=2 * line, outline=(*colour, 255), width=line)
    who = "" if reading.track is None else f"{reading.track}: "
    title = f"{who}{'? ' if answer.is_abstained else ''}{answer.label} {answer.confidence:.0%}"
    font = _font(text_px)
    pad = max(2, text_px // 4)
    left, top, right, bottom = draw.textbbox((0, 0), title, font=font)
    chip_width, chip_height = right - left + 2 * pad, bottom - top + 2 * pad
    x = min(max(x1, 0), max(width - chip_width, 0))
    y = y1 - chip_height if y1 >= chip_height else max(y1, 0)
    draw.rounded_rectangle((x, y, x + chip_width, y + chip_height), radius=pad, fill=(*colour, 235))
    draw.text((x + pad - left, y + pad - top), title, font=font, fill=_ink(colour))
    if x2 - x1 >= SMALLEST_WITH_BARS_PX:
        _bars(draw, box, answer, height, longest_px)


def _bars(draw: ImageDraw.ImageDraw, box: tuple[float, ...], answer: Prediction, height: int, longest_px: int) -> None:
    """The likeliest classes below the box; at its lower edge where there is no room below."""
    x1, _, x2, y2 = box
    text_px, row, panel = _panel(box, longest_px)
    font = _font(text_px)
    bottom = min(y2, height)
    top = bottom + 2 if bottom + 2 + panel <= height else bottom - panel - 2
    draw.rounded_rectangle((x1, top, x2, top + panel), radius=text_px // 3, fill=(15, 18, 22, 190))
    likeliest = answer.top(BARS)
    pad = text_px // 3
    names = max(draw.textlength(name, font=font) for name, _ in likeliest)
    start, end = x1 + names + 2 * pad + 2, x2 - pad
    for number, (name, probability) in enumerate(likeliest):
        y = top + text_px // 4 + number * row
        draw.text((x1 + pad, y), name, font=font, fill=(240, 240, 240, 255))
        if end - start < 8:  # long names leave no room
            continue
        colour = COLOURS[answer.labels.index(name) % len(COLOURS)]
        upper, lower = y + row * 0.25, y + row * 0.75
        draw.rectangle((start, upper, end, lower), fill=(255, 255, 255, 40))
        draw.rectangle((start, upper, start + (end - start) * probability, lower), fill=(*colour, 255))


def _ink(colour: Colour) -> Colour:
    """Black or white, whichever reads better on a colour (relative luminance, ITU-R BT.709)."""
    luminance = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]
    return (0, 0, 0) if luminance > 120 else (255, 255, 255)
