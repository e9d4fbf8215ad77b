"""An evaluation over a cluster leaves the same scores as one in this process."""

import numpy as np
import pytest

from mien.errors import UnknownName
from mien.evaluate.run import score_model
from mien.images import write
from mien.manifest import Manifest
from mien.scores import Scores


@pytest.fixture
def table(tmp_path) -> Manifest:
    """150 rows: with boxes and without, damaged, beyond the picture's edge."""
    draw = np.random.default_rng(0)
    boxes = []
    for row in range(150):
        write(tmp_path / f"{row}.png", draw.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        boxes.append(["", "1 2 9 10", "6 6 20 20"][row % 3])
    (tmp_path / "40.png").write_bytes(b"damaged")
    return Manifest.of(
        root=tmp_path,
        image=[f"{row}.png" for row in range(150)],
        label=[("angry", "happy", "sad")[row % 3] for row in range(150)],
        split=["val" if row % 5 else "train" for row in range(150)],
        box=boxes,
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ray", ["made_up_ray", "real_ray"])
def test_the_same_scores(colours, table, tmp_path, ray, request):
    request.getfixturevalue(ray)
    steps: dict[str, list[tuple[int, int]]] = {"threads": [], "ray": []}
    for engine, seen in steps.items():
        score_model(
            colours(margin=0.1), table, split="val", batch_size=16, flip=True, out=tmp_path / f"{engine}.npz",
            engine=engine, workers=2, progress=lambda step, done, total, seen=seen: seen.append((done, total)),
        )  # fmt: skip
    here, there = (Scores.load(tmp_path / f"{engine}.npz") for engine in steps)
    assert here.logits.tobytes() == there.logits.tobytes()
    assert len(here.logits) == 120 - 0 - (40 % 5 != 0)
    for name in ("targets", "ids", "splits", "domains", "subjects"):
        assert getattr(here, name).tolist() == getattr(there, name).tolist()
    timeless = [{key: value for key, value in scores.about.items() if key != "ms_per_face"} for scores in (here, there)]
    assert timeless[0] == timeless[1]
    assert steps["ray"] == steps["threads"]
    assert there.about["ms_per_face"] >= 0


def test_an_engine_that_is_none(colours, table):
    with pytest.raises(UnknownName, match="known: threads, ray"):
        score_model(colours(), table, engine="spark")
