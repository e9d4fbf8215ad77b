"""Contact sheets: where pictures are put, what is drawn for those that cannot be read."""

import numpy as np
import pytest

from mien.data.audit import audit
from mien.data.toy import draw
from mien.errors import InputError
from mien.labels import Labels
from mien.report.pictures import SPLIT_COLOURS, audit_sheet, class_sheet
from mien.report.sheet import MISSING, Group, Tile, sheet

RED, GREEN = np.full((10, 10, 3), (250, 0, 0), np.uint8), np.full((20, 10, 3), (0, 250, 0), np.uint8)


def area(picture, colour):
    """Rows and columns that a colour covers."""
    rows, columns = np.nonzero((picture == colour).all(axis=-1))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_pictures_are_fitted_and_put_side_by_side():
    drawn = sheet([Group([Tile(RED), Tile(GREEN)], "pair")], columns=4, tile_px=40)
    top, bottom, left, right = area(drawn, (250, 0, 0))
    assert (bottom - top, right - left) == (40, 40)
    top_2, bottom_2, left_2, right_2 = area(drawn, (0, 250, 0))
    assert (bottom_2 - top_2, right_2 - left_2) == (40, 20)  # proportions are kept
    assert top_2 == top
    assert left_2 - right == 6 + 10  # the gap, and what the narrow picture leaves free


def test_a_long_group_wraps_and_a_section_begins_a_line():
    tall = sheet([Group([Tile(RED)] * 6)], columns=3, tile_px=40)
    flat = sheet([Group([Tile(RED)] * 3)], columns=3, tile_px=40)
    assert tall.shape[0] - flat.shape[0] == 46
    one_line = sheet([Group([Tile(RED)], "a"), Group([Tile(RED)], "b")], columns=4, tile_px=40)
    two_lines = sheet([Group([Tile(RED)], "a"), Group([Tile(RED)], "b", "second part")], columns=4, tile_px=40)
    assert two_lines.shape[0] > one_line.shape[0] + 46


def test_missing_pictures_and_frames():
    drawn = sheet([Group([Tile(None, "row 3\nno such file", (1, 2, 3))])], tile_px=40)
    assert (drawn == MISSING).all(axis=-1).sum() > 1000
    assert area(drawn, (1, 2, 3))[1] - area(drawn, (1, 2, 3))[0] == 44


def test_nothing_to_draw():
    with pytest.raises(InputError, match="at least one picture"):
        sheet([Group([])])
    with pytest.raises(InputError, match="columns=0"):
        sheet([Group([Tile(RED)])], columns=0)
    with pytest.raises(InputError, match="too large"):
        sheet([Group([Tile(RED)] * 2000)], columns=20, tile_px=1000)


def test_sheets_of_a_manifest(tmp_path):
    data = draw(tmp_path, 8, labels=Labels.named("basic4"), size_px=32)
    assert class_sheet(data, per_class=4).shape[2] == 3
    data = data.with_columns(image=["faces.npy#0", *data.frame["image"][:7]], split=["val"] + ["train"] * 7)
    drawn = audit_sheet(data, audit(data, near=False))
    for split in ("train", "val"):
        assert (drawn == SPLIT_COLOURS[split]).all(axis=-1).any()
