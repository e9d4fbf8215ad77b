"""Where a face is."""

import json

import numpy as np
import pytest

from mien.face import Face


@pytest.mark.parametrize(("box", "size_px"), [((10, 20, 50, 80), 60), ((-5, 0, 45, 20), 50), ((0, 0, 7, 7), 7)])
def test_size_is_the_longer_side(box, size_px):
    assert Face(np.array(box, np.float32)).size_px == size_px


def test_ready_for_json():
    landmarks = np.arange(10, dtype=np.float32).reshape(5, 2) + 0.123
    found = json.loads(json.dumps(Face(np.array([0, 0, 9.87, 5], np.float32), 0.98765, landmarks).to_dict()))
    assert (found["box"], found["score"]) == ([0, 0, 9.9, 5], 0.9877)
    assert found["landmarks"][4] == [8.1, 9.1]
