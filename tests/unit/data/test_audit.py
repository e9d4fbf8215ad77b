"""Audit: pictures with planted faults; each fault is found, and nothing else."""

import json

import cv2
import numpy as np
import pytest

from mien.data.audit import audit, set_aside
from mien.data.hashes import ALIKE, ALIKE_MIRRORED, alike, compare, fingerprints
from mien.data.sources.toy import toy_faces
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest

CLASSES = Labels(("happy", "sad", "angry"))


@pytest.fixture(scope="module")
def drawn():
    return toy_faces(24, labels=CLASSES, size_px=64, subjects=24, seed=5).images


def manifest_of(folder, pictures, **columns):
    for number, picture in enumerate(pictures):
        write(folder / f"{number}.png", picture)
    return Manifest.of(root=folder, image=[f"{number}.png" for number in range(len(pictures))], **columns)


def kinds(result):
    return {finding.kind for finding in result.findings}


def test_different_faces_are_not_duplicates(drawn, tmp_path):
    data = manifest_of(tmp_path, drawn, label=["happy", "sad", "angry"] * 8, split="train")
    assert audit(data).findings == ()


def test_planted_faults_are_found(drawn, tmp_path):
    smaller = cv2.resize(drawn[2], (48, 48), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", drawn[3], [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    brighter = np.clip(drawn[5] * 0.7 + 30, 0, 255).astype(np.uint8)
    shifted = np.roll(drawn[6], (2, -2), axis=(0, 1))
    flat = np.full((64, 64, 3), 90, np.uint8)
    flat[::2] += 3
    pictures = [*drawn[:8], drawn[1], smaller, jpeg, drawn[4][:, ::-1], brighter, shifted, flat]
    labels = ["happy", "sad", "angry", "happy", "sad", "angry", "happy", "sad"]
    #          8 = copy of 1, other label; 9 ~ 2; 10 ~ 3; 11 mirrors 4; 12 ~ 5 in val; 13 ~ 6 in val; 14 blank
    labels += ["happy", "angry", "happy", "sad", "angry", "happy", "sad"]
    splits = ["train"] * 12 + ["val"] * 2 + ["train"]
    data = manifest_of(tmp_path, pictures, label=labels, split=splits)
    (tmp_path / "7.png").write_bytes(b"not a picture")
    result = audit(data)
    assert [finding.rows for finding in result.of("unreadable")] == [(7,)]
    assert [finding.rows for finding in result.of("blank")] == [(14,)]
    assert [finding.rows for finding in result.of("duplicate")] == [(1, 8)]
    assert [finding.rows for finding in result.of("conflict")] == [(1, 8)]
    assert [finding.rows for finding in result.of("near_duplicate")] == [(2, 9), (3, 10), (4, 11), (5, 12), (6, 13)]
    assert [pair.is_mirrored for pair in result.pairs] == [False, False, True, False, False]
    assert [finding.rows for finding in result.of("leak")] == [(5, 12), (6, 13)]
    assert result.leaked_rows("val", "train").tolist() == [12, 13]
    assert result.leaked_rows("val", "train", near=False).tolist() == []
    assert result.leaked_rows("train", "val").tolist() == [5, 6]
    assert not result.clean_mask("val").any()
    assert result.clean_mask("train", "val").tolist() == [row not in (5, 6, 7, 12, 13, 14) for row in range(15)]
    assert result.leaks() == [{"split": "val", "against": "train", "rows": 2, "identical": 0, "of": 2}]


def test_people_and_balance(drawn, tmp_path):
    labels = ["happy"] * 11 + ["sad"]
    data = manifest_of(
        tmp_path, drawn[:12], label=labels, split=["train"] * 10 + ["val"] * 2, subject=["ada"] * 11 + [""]
    )
    result = audit(data, near=False)
    assert [(finding.kind, finding.why) for finding in result.findings] == [
        ("subject", "ada is in train and val"),
        ("balance", "happy has 11 times as many pictures as sad (11 and 1)"),
        ("balance", "no picture of sad in train"),
    ]


def test_only_the_box_counts(drawn, tmp_path):
    wide = np.concatenate([drawn[0], drawn[1]], axis=1)
    write(tmp_path / "two.png", wide)
    write(tmp_path / "one.png", drawn[1])
    data = Manifest.of(
        root=tmp_path, image=["two.png", "two.png", "one.png"], label=["happy", "sad", "sad"],
        box=["0 0 64 64", "64 0 128 64", ""],
    )  # fmt: skip
    assert [finding.rows for finding in audit(data).of("duplicate")] == [(1, 2)]


def test_the_answer_is_written_as_csv_and_json(drawn, tmp_path):
    data = manifest_of(tmp_path, [drawn[0], drawn[0]], label=["happy", "sad"], split=["train", "val"])
    result = audit(data)
    result.save(tmp_path / "audit.csv", data)
    result.save(tmp_path / "audit.json", data)
    lines = (tmp_path / "audit.csv").read_text().splitlines()
    assert lines[1] == "0,duplicate,0,0.png,happy,train,,2 identical pictures"
    assert json.loads((tmp_path / "audit.json").read_text())["counts"]["leak"] == {"findings": 1, "rows": 2}
    assert kinds(result) == {"duplicate", "leak", "conflict", "balance"}


def test_leaks_are_set_aside_and_nothing_is_lost(drawn, tmp_path):
    pictures = [drawn[0], drawn[1], drawn[0], drawn[2], drawn[2]]
    data = manifest_of(tmp_path, pictures, split=["train", "train", "val", "val", "test"])
    parted, counts = set_aside(data, audit(data))
    assert parted.frame["split"].tolist() == ["train", "train", "leaked", "val", "leaked"]
    assert counts == {"val": 1, "test": 1}


def test_fingerprints_are_what_a_full_cosine_transform_gives():
    thumbnail = np.random.default_rng(0).integers(0, 256, (1, 32, 32), np.uint8)
    whole = cv2.dct(thumbnail[0].astype(np.float32))
    weighted = whole[:8, :8] * np.hypot(*np.mgrid[:8, :8])
    np.testing.assert_allclose(fingerprints(thumbnail)[0], (weighted / np.linalg.norm(weighted)).ravel(), atol=1e-5)


def test_alike_is_what_comparing_all_pairs_gives(drawn):
    grey = np.stack([cv2.resize(picture[..., 1], (32, 32), interpolation=cv2.INTER_AREA) for picture in drawn])
    pictures = np.concatenate([grey, grey[:4, :, ::-1], grey[:4]])
    expected = set()
    for first in range(len(pictures)):
        for second in range(first + 1, len(pictures)):
            one, other = pictures[first : first + 1], pictures[second : second + 1]
            plain = compare(one, other)[0] >= ALIKE
            if plain or compare(one, other, is_mirrored=True)[0] >= ALIKE_MIRRORED:
                expected.add((first, second))
    assert {pair[:2] for pair in alike(pictures, np.arange(len(pictures)))} == expected
    assert expected >= {(row, 24 + row) for row in range(4)} | {(row, 28 + row) for row in range(4)}
    assert {pair[:2] for pair in alike(pictures, [0, 5, 28])} == {(0, 28)}
