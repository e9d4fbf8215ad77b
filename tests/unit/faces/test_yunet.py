"""The decoding against hand-made outputs and OpenCV's own; pictures of all sizes against positions known by eye."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mien import images
from mien.errors import ModelError
from mien.faces import yunet
from mien.faces.yunet import OUTPUTS, SHIPPED, STRIDES, YuNet, decode

ASSETS = Path(images.__file__).parent / "assets"


@pytest.fixture(scope="module")
def finder() -> YuNet:
    return YuNet(SHIPPED)


def _silence(side: int) -> dict[str, np.ndarray]:
    """Outputs for a square input in which nothing is found."""
    widths = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    return {
        f"{kind}_{stride}": np.zeros((1, (side // stride) ** 2, width), np.float32)
        for kind, width in widths.items()
        for stride in STRIDES
    }


def test_the_network_is_given_blue_green_red_on_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    finder, given = YuNet(SHIPPED), []

    class Session:
        def get_inputs(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name="input")]

        def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            given.append(inputs["input"])
            silence = _silence(32)
            return [silence[name] for name in names]

    monkeypatch.setattr(finder, "_session", Session())
    image = np.random.default_rng(0).integers(0, 256, (200, 30, 3), np.uint8)
    finder.detect(image)
    plain, framed = given
    assert (plain.shape, plain.dtype) == ((1, 3, 224, 32), np.float32)
    for row, column, channel in ((0, 0, 0), (199, 29, 1), (77, 5, 2)):
        assert plain[0, 2 - channel, row, column] == image[row, column, channel]
    assert (plain[0, :, 200:] == 128).all()
    assert (plain[0, :, :, 30:] == 128).all()
    # the second look: 192 px high, so 29 wide, and 96 px of grey around it: 384 x 221, which the network takes as 224
    assert framed.shape == (1, 3, 384, 224)
    inner = images.resize(image, 192, 29)
    np.testing.assert_array_equal(framed[0, ::-1, 96:288, 96:125].transpose(1, 2, 0), inner)
    framed[0, :, 96:288, 96:125] = 128
    assert (framed == 128).all()


def test_decode_one_cell_by_hand() -> None:
    outputs = _silence(64)
    cell = 1 * 4 + 2  # stride 16 on 64 px: 4 cells a row; row 1, column 2
    outputs["cls_16"][0, cell], outputs["obj_16"][0, cell] = 0.9, 0.4
    outputs["bbox_16"][0, cell] = (0.5, 0.25, math.log(2), math.log(1.5))
    outputs["kps_16"][0, cell] = (0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1)
    boxes, scores, landmarks = decode(outputs, 64, min_score=0.5)
    # centre 16 * (2.5, 1.25) = (40, 20), size (32, 24)
    np.testing.assert_allclose(boxes, [[24, 8, 56, 32]], atol=1e-4)
    np.testing.assert_allclose(scores, [0.6], atol=1e-6)  # sqrt(0.36)
    np.testing.assert_allclose(landmarks, [[[32, 16], [48, 16], [40, 24], [32, 32], [48, 32]]], atol=1e-4)


def test_decode_keeps_the_better_of_two_that_overlap_and_both_that_do_not() -> None:
    outputs = _silence(64)
    for cell, probability in ((0, 0.64), (1, 0.81), (63, 0.7)):
        outputs["cls_8"][0, cell], outputs["obj_8"][0, cell] = probability, 1.0
        outputs["bbox_8"][0, cell] = (0.5, 0.5, math.log(3), math.log(3))  # 24 px around each cell's middle
    boxes, scores, _ = decode(outputs, 64, min_score=0.5)
    # cells 0 and 1 are 8 px apart: intersection 16 * 24 over union 32 * 24 = 0.5 > 0.3
    np.testing.assert_allclose(scores, np.sqrt([0.81, 0.7]), atol=1e-6)
    np.testing.assert_allclose(boxes[:, 0], [0, 48], atol=1e-4)


def test_decode_of_nothing_is_empty() -> None:
    boxes, scores, landmarks = decode(_silence(32), 32, min_score=0.5)
    assert [boxes.shape, scores.shape, landmarks.shape] == [(0, 4), (0,), (0, 5, 2)]


def test_agrees_with_opencv(finder: YuNet) -> None:
    image = images.resize(images.read(ASSETS / "group.jpg"), 256, 608)  # multiples of 32: no padding on either side
    other = cv2.FaceDetectorYN.create(str(SHIPPED), "", (608, 256), 0.6, 0.3)
    _, rows = other.detect(np.ascontiguousarray(image[..., ::-1]))
    rows = rows[np.argsort(-rows[:, 2] * rows[:, 3])]
    faces = finder.detect(image)
    assert len(faces) == len(rows) == 6
    for face, row in zip(faces, rows, strict=True):
        assert face.landmarks is not None
        np.testing.assert_allclose(face.box[:2], row[:2], atol=0.01)
        np.testing.assert_allclose(face.box[2:] - face.box[:2], row[2:4], atol=0.01)
        np.testing.assert_allclose(face.landmarks.ravel(), row[4:14], atol=0.01)
        assert face.score == pytest.approx(row[14], abs=1e-4)


def test_group_picture_has_six_faces_where_the_prints_are(finder: YuNet) -> None:
    faces = finder.detect(images.read(ASSETS / "group.jpg"))
    noses = np.array([face.landmarks[2] for face in faces if face.landmarks is not None])
    # noses read off the picture by eye
    by_eye = [(190, 225), (547, 214), (833, 122), (847, 342), (1029, 354), (1026, 114)]
    assert len(noses) == 6
    for point in by_eye:
        assert np.hypot(*(noses - point).T).min() < 12


@pytest.mark.parametrize("scale", [0.25, 0.5, 2.0, 6.0])
def test_the_box_grows_with_the_picture(finder: YuNet, scale: float) -> None:
    image = images.read(ASSETS / "grace_hopper.jpg")
    height, width = image.shape[:2]
    (plain,) = finder.detect(image)
    (scaled,) = finder.detect(images.resize(image, round(height * scale), round(width * scale)))
    np.testing.assert_allclose(scaled.box / scale, plain.box, atol=0.12 * plain.size_px)


@pytest.mark.parametrize("side", [48, 64, 100, 250, 640])
def test_a_face_that_fills_the_frame_is_found(finder: YuNet, side: int) -> None:
    face = images.read(ASSETS / "eileen_collins.jpg")[62:178, 165:281]
    faces = finder.detect(images.resize(face, side, side))
    assert len(faces) == 1
    assert faces[0].size_px == pytest.approx(side, rel=0.2)
    centre = (faces[0].box[:2] + faces[0].box[2:]) / 2
    np.testing.assert_allclose(centre, [side / 2, side / 2], atol=0.12 * side)


def test_grey_pictures_too(finder: YuNet) -> None:
    grey = images.grey(images.read(ASSETS / "eileen_collins.jpg"))
    assert len(finder.detect(images.read(grey))) == 1


def test_no_face_gives_an_empty_list(finder: YuNet) -> None:
    rows, columns = np.mgrid[:240, :320]
    slope = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=2).astype(np.uint8)
    assert finder.detect(slope) == []


def test_small_faces_and_low_scores_can_be_left_out() -> None:
    image = images.read(ASSETS / "group.jpg")
    assert len(YuNet(SHIPPED, min_size_px=100).detect(image)) == 2  # 179 and 138 px; the next is 95
    assert YuNet(SHIPPED, min_score=0.99).detect(image) == []


def test_refined_landmarks_follow_a_face_that_leans() -> None:
    image = images.read(ASSETS / "eileen_collins.jpg")
    turn = cv2.getRotationMatrix2D((223, 120), -20, 1.0)  # 20 degrees clockwise
    leaning = cv2.warpAffine(image, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)

    def lean(refine: bool) -> float:
        (face,) = YuNet(SHIPPED, refine=refine).detect(leaning)
        assert face.landmarks is not None
        across, down = face.landmarks[1] - face.landmarks[0]
        return math.degrees(math.atan2(down, across))

    assert abs(lean(refine=True) - 20) < abs(lean(refine=False) - 20)
    assert lean(refine=True) > 10


def test_a_file_for_one_input_size_only(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(SHIPPED)
    for dimension, value in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], (320, 320), strict=True):
        dimension.dim_value = value
    path = tmp_path / "face_detection_yunet_fixed.onnx"
    onnx.save(model, path)
    image = images.read(ASSETS / "grace_hopper.jpg")
    (fixed,), (free,) = YuNet(path).detect(image), YuNet(SHIPPED).detect(image)
    np.testing.assert_allclose(fixed.box, free.box, atol=0.08 * free.size_px)


def test_files_that_are_not_a_yunet(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        YuNet(tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ModelError, match="cannot be opened"):
        YuNet(tmp_path / "text.onnx")


def test_a_network_with_other_outputs_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["input"], ["loc"])],
        "old",
        [value("input", onnx.TensorProto.FLOAT, [1, 3, 32, 32])],
        [value("loc", onnx.TensorProto.FLOAT, [1, 3, 32, 32])],
    )
    path = tmp_path / "old.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path)
    with pytest.raises(ModelError, match=r"not a YuNet.*cls_8"):
        YuNet(path)


def test_the_shipped_file_is_there_with_its_licence() -> None:
    assert SHIPPED.stat().st_size < 300_000
    assert "3-clause BSD" in Path(yunet.__file__).with_name("libfacedetection.LICENSE.txt").read_text()
    assert len(OUTPUTS) == 12
