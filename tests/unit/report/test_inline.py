"""Plots and faces inside a page."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np

from mien.report.figure import INK, new, save
from mien.report.inline import png, svg


def draw(path):
    figure = new(3, 2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=INK, label="first & last")
    axes.legend()
    return save(figure, path)


def test_two_plots_in_one_page():
    first, second = svg(draw, "a", 'a line, "rising"'), svg(draw, "b", "b")
    tree = ElementTree.fromstring(first)
    assert tree.attrib["role"] == "img"
    assert tree.attrib["aria-label"] == 'a line, "rising"'
    assert "width" not in tree.attrib  # as wide as its place
    assert "first &amp; last" in first  # letters, not shapes
    assert INK not in first
    assert "var(--ink)" in first
    ids = [re.findall(r'\bid="([^"]+)"', text) for text in (first, second)]
    assert len({*ids[0], *ids[1]}) == len(ids[0]) + len(ids[1])
    assert set(re.findall(r"url\(#([^)]+)\)", first)) <= set(ids[0])
    assert set(re.findall(r'\bhref="#([^"]+)"', first)) <= set(ids[0])


def test_a_face():
    for face in (np.arange(48, dtype=np.uint8).reshape(4, 4, 3), np.full((4, 4, 3), 7, np.uint8)):
        head, _, content = png(face).partition(",")
        assert head == "data:image/png;base64"
        back = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(back[..., ::-1], face)
