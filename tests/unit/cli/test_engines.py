"""``--engine ray`` of ``mien predict`` and ``mien evaluate``."""

import json

import numpy as np
import pytest

from mien.images import write
from mien.manifest import Manifest
from mien.scores import Scores


@pytest.fixture
def folder(tmp_path):
    """Twenty pictures, two of them damaged, and a manifest."""
    draw = np.random.default_rng(0)
    for number in range(20):
        write(tmp_path / "pictures" / f"{number:02}.png", draw.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    for number in (3, 17):
        (tmp_path / "pictures" / f"{number:02}.png").write_bytes(b"")
    names = [f"pictures/{number:02}.png" for number in range(20)]
    Manifest.of(root=tmp_path, image=names, label=["happy", "sad"] * 10).save(tmp_path / "faces.csv")
    return tmp_path


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
def test_predict_writes_the_same_bytes(mien, colours, folder, made_up_ray, suffix):
    base = ("predict", "pictures", "--model", colours(), "--detector", "whole", "--batch-size", "4")
    here = mien(*base, "--output", f"here.{suffix}")
    there = mien(*base, "--output", f"there.{suffix}", "--engine", "ray", "--workers", "2", "--threads", "1")
    assert (here.code, there.code) == (0, 0)
    assert here.out.replace("here", "") == there.out.replace("there", "")
    assert (folder / f"here.{suffix}").read_bytes() == (folder / f"there.{suffix}").read_bytes()
    assert made_up_ray.began[0]["num_cpus"] == 2


def test_evaluate_gives_the_same_numbers(mien, colours, folder, made_up_ray):
    base = ("evaluate", colours(), "faces.csv", "--json", "--bootstrap", "50")
    here = json.loads(mien(*base, "--out", "here.npz").out)
    there = json.loads(mien(*base, "--out", "there.npz", "--engine", "ray").out)
    for content in (here, there):
        content["about"].pop("ms_per_face")
    assert here == there
    assert np.array_equal(Scores.load("here.npz").logits, Scores.load("there.npz").logits)
    assert made_up_ray.ended == 1
    done = mien("evaluate", "here.npz", "--engine", "ray", "--workers", "2")
    assert done.code == 2
    assert "--engine, --workers cannot change them" in done.err


def test_a_wrong_engine_is_named_before_the_work(mien, colours, folder):
    done = mien("predict", "pictures", "--model", colours(), "--engine", "rays")
    assert done.code == 2
    assert "did you mean 'ray'" in done.err
    done = mien("evaluate", colours(), "faces.csv", "--engine", "thread")
    assert done.code == 2
    assert "did you mean 'threads'" in done.err
