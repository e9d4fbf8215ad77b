"""Make ``src/mien/assets/group.jpg``: a board with six prints of the two public-domain portraits.

Run:  python benchmarks/make_group_picture.py

The prints differ in size, in the way they lean and in which way they look (mirrored), so that one picture shows what
a detector and an alignment have to cope with: faces of about 60 to 190 px, upright and leaning by up to 14 degrees.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mien import images
from mien.atomic import write_bytes

ASSETS = Path(__file__).parents[1] / "src" / "mien" / "assets"
WIDTH, HEIGHT, BORDER = 1120, 480, 8
#: Head and shoulders in each portrait: x1, y1, x2, y2 in px.
HEADS = {"grace_hopper": (80, 20, 460, 470), "eileen_collins": (95, 5, 350, 285)}


class Print(NamedTuple):
    """One print on the board: its centre and height in px, its lean in degrees clockwise, mirrored or not."""

    portrait: str
    x: int
    y: int
    height_px: int
    lean: float = 0.0
    mirrored: bool = False


PRINTS = (
    Print("grace_hopper", 190, 240, 400),
    Print("eileen_collins", 545, 240, 340),
    Print("grace_hopper", 830, 125, 200, lean=-10.0, mirrored=True),
    Print("eileen_collins", 840, 355, 200, lean=14.0, mirrored=True),
    Print("grace_hopper", 1030, 355, 130, lean=-3.0),
    Print("eileen_collins", 1025, 125, 160, lean=5.0),
)


def main() -> None:
    """Lay the prints on the board, one warp each."""
    board = np.full((HEIGHT, WIDTH, 3), (196, 188, 178), np.uint8)
    for one in PRINTS:
        x1, y1, x2, y2 = HEADS[one.portrait]
        head = images.read(ASSETS / f"{one.portrait}.jpg")[y1:y2, x1:x2]
        if one.mirrored:
            head = head[:, ::-1]
        head = images.resize(head, one.height_px, round((x2 - x1) * one.height_px / (y2 - y1)))
        head = cv2.copyMakeBorder(head, *(BORDER,) * 4, cv2.BORDER_CONSTANT, value=(250, 250, 250))
        middle = ((head.shape[1] - 1) / 2, (head.shape[0] - 1) / 2)
        placing = cv2.getRotationMatrix2D(middle, -one.lean, 1.0)
        placing[:, 2] += one.x - middle[0], one.y - middle[1]
        inside = cv2.warpAffine(np.full((*head.shape[:2], 1), 255, np.uint8), placing, (WIDTH, HEIGHT))[..., None] / 255
        laid = cv2.warpAffine(head, placing, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        board = np.rint(laid * inside + board * (1 - inside)).astype(np.uint8)
    done, content = cv2.imencode(".jpg", board[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 84])
    if not done:
        raise SystemExit("this build of OpenCV cannot write JPEG")
    write_bytes(ASSETS / "group.jpg", content.tobytes())


if __name__ == "__main__":
    main()
