"""YuNet, run by ONNX Runtime: boxes, scores and five landmarks.

Two entries of the table share this code: the network of libfacedetection, which ships beside this file, and a YuNet
file of the user's, e.g. from OpenCV's model zoo. Both have the same twelve outputs.

Source: Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023. The
decoding is that of OpenCV's ``FaceDetectorYN``; how pictures are scaled and padded before it is our own.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as UnknownOperator,
)

from mien import images
from mien.errors import InputError, ModelError
from mien.face import Face
from mien.faces.align import crop
from mien.images import Pixels
from mien.store import store_dir

SHIPPED = Path(__file__).with_name("libfacedetection.onnx")
STRIDES = (8, 16, 32)
OUTPUTS = tuple(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES)
#: Boxes that overlap more than this (intersection over union) are one face; OpenCV's and the paper's value.
MAX_OVERLAP = 0.3
#: Side of the view for close-ups: of 128 to 224 px it finds most (benchmarks/results/detectors.md).
CLOSE_UP_PX = 192
#: Padding is mid-grey: of FER2013 faces it finds 96 %, a replicated border 92 % (benchmarks/results/detectors.md).
GREY = 128.0


class YuNet:
    """Finds faces with one YuNet file.

    The picture is shrunk to ``longest_side_px``. A face that fills the frame has no surroundings and is easily
    missed, so a picture in which nothing is found is looked at once more, at 192 px and with a wide grey border; of
    pictures smaller than that only this view is taken.

    Landmarks of faces below about 190 px (in the shrunk picture) hardly follow a face that leans: over photographs
    turned by 15 and 25 degrees they showed 0.27 of the lean (median). ``refine`` looks at each face once more,
    enlarged: 0.77 of it, for about 3 ms per face (benchmarks/results/detectors.md).

    Example:
        >>> finder = YuNet(SHIPPED)
        >>> finder.detect(np.zeros((120, 160, 3), np.uint8))
        []
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        min_score: float = 0.6,
        min_size_px: float = 12,
        longest_side_px: int = 640,
        threads: int = 1,
        refine: bool = False,
    ) -> None:
        """Open the file.

        Args:
            path: an ONNX file with YuNet's twelve outputs.
            min_score: leave out faces with a lower score, 0 to 1.
            min_size_px: leave out faces whose longer side is shorter, in pixels of the picture.
            longest_side_px: shrink larger pictures to this before looking; larger finds smaller faces, at a price
                that grows with the square.
            threads: of ONNX Runtime, for one picture; 0 takes all cores.
            refine: look again at every face for better landmarks.

        Raises:
            InputError: a value is out of its range.
            ModelError: the file is missing, or is not a YuNet.
        """
        if not 0 <= min_score <= 1:
            raise InputError(f"min_score is {min_score}: expected 0 to 1")
        if min_size_px < 0:
            raise InputError(f"min_size_px is {min_size_px}: expected 0 or more")
        if longest_side_px < 64:
            raise InputError(f"longest_side_px is {longest_side_px}: expected 64 or more")
        if threads < 0:
            raise InputError(f"threads is {threads}: expected 0 (all cores) or more")
        self.min_score = min_score
        self.min_size_px = min_size_px
        self.longest_side_px = longest_side_px
        self.refine = refine
        self._session = _open(Path(path), threads)
        _, _, height, width = self._session.get_inputs()[0].shape
        #: (height, width) of files exported for one size only, as OpenCV's of 2023; None when any size goes.
        self._fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None

    def detect(self, image: Pixels) -> list[Face]:
        """Find the faces of one picture (H, W, 3) uint8 RGB; the largest box first."""
        longest = max(image.shape[:2])
        faces: list[Face] = []
        if longest > CLOSE_UP_PX:
            faces = self._look(image, min(1.0, self.longest_side_px / longest), border_px=0)
        if not faces:
            faces = self._look(image, CLOSE_UP_PX / longest, border_px=CLOSE_UP_PX // 2)
        return [self._refined(image, face) for face in faces] if self.refine else faces

    def _refined(self, image: Pixels, face: Face) -> Face:
        """The same face with the landmarks of a view in which it is ``CLOSE_UP_PX`` high."""
        view = crop(image, face, margin=0.5, level=False)
        found = self._look(view, 1.5 * CLOSE_UP_PX / len(view), border_px=0)
        middle = np.array([len(view), len(view)]) / 2
        best = min(found, key=lambda other: _distance(other, middle), default=face)
        if best is face or best.landmarks is None or _distance(best, middle) > len(view) / 6:
            return face
        # crop() puts its first pixel here
        corner = np.round((face.box[:2] + face.box[2:]).astype(np.float64) / 2 - len(view) / 2)
        return replace(face, landmarks=(best.landmarks + corner).astype(np.float32))

    def _look(self, image: Pixels, scale: float, border_px: int) -> list[Face]:
        height, width = image.shape[:2]
        if self._fixed is not None:
            scale = min(scale, (self._fixed[0] - 2 * border_px) / height, (self._fixed[1] - 2 * border_px) / width)
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        canvas_rows, canvas_columns = self._fixed or (-(-(side + 2 * border_px) // 32) * 32 for side in (rows, columns))
        shrunk = images.resize(image, rows, columns)
        canvas = _on_grey(shrunk, canvas_rows, canvas_columns, border_px)
        outputs = self._session.run(list(OUTPUTS), {self._session.get_inputs()[0].name: canvas})
        boxes, scores, landmarks = decode(dict(zip(OUTPUTS, outputs, strict=True)), canvas_columns, self.min_score)
        back = np.array([width / columns, height / rows], np.float32)  # rounding makes the two scales differ a little
        boxes = ((boxes.reshape(-1, 2, 2) - border_px) * back).reshape(-1, 4)
        landmarks = (landmarks - border_px) * back
        sizes, centres = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
        inside = ((centres >= 0) & (centres <= (width, height))).all(axis=1) & (sizes.max(axis=1) >= self.min_size_px)
        order = np.argsort(-sizes.prod(axis=1), kind="stable")
        return [Face(boxes[i], float(scores[i]), landmarks[i]) for i in order if inside[i]]


def _on_grey(image: Pixels, rows: int, columns: int, border_px: int) -> NDArray[np.float32]:
    """The network's input (1, 3, rows, columns), BGR from 0 to 255: the picture on grey, ``border_px`` from the corner.

    Plane by plane: half the time of turning rows of three bytes into planes of floats in one assignment.
    """
    below, right = rows - border_px - image.shape[0], columns - border_px - image.shape[1]
    framed = cv2.copyMakeBorder(
        image, border_px, below, border_px, right, cv2.BORDER_CONSTANT, value=(GREY, GREY, GREY)
    )
    canvas = np.empty((1, 3, rows, columns), np.float32)
    for target, plane in zip(canvas[0], reversed(cv2.split(framed)), strict=True):
        target[:] = plane
    return canvas


def decode(
    outputs: dict[str, NDArray[np.float32]], width_px: int, min_score: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Turn the network's outputs into faces, without those that overlap a better one.

    A cell of the grid with stride s, in column c and row r, says: score = sqrt(cls * obj); centre = s * (c + dx,
    r + dy); size = s * exp(dw, dh); landmark = s * (c + kx, r + ky).

    Args:
        outputs: ``cls_8`` ... ``kps_32``, each (1, cells, values), cells row by row.
        width_px: width of the network's input.
        min_score: leave out cells with a lower score.

    Returns:
        Boxes (N, 4) xyxy, scores (N,) and landmarks (N, 5, 2), in pixels of the network's input, best score first.
    """
    boxes, scores, landmarks = [], [], []
    for stride in STRIDES:
        objectness = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1) * outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
        score = np.sqrt(objectness)
        good = np.flatnonzero(score >= min_score)
        rows, columns = np.divmod(good, -(-width_px // stride))
        cell = np.stack([columns, rows], axis=1).astype(np.float32)
        values = outputs[f"bbox_{stride}"][0, good]
        centre, half = (cell + values[:, :2]) * stride, np.exp(values[:, 2:]) * stride / 2
        boxes.append(np.concatenate([centre - half, centre + half], axis=1))
        landmarks.append((cell[:, None] + outputs[f"kps_{stride}"][0, good].reshape(-1, 5, 2)) * stride)
        scores.append(score[good])
    box, score, points = np.concatenate(boxes), np.concatenate(scores), np.concatenate(landmarks)
    corner_and_size = np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], axis=1)
    keep = np.asarray(
        cv2.dnn.NMSBoxes(corner_and_size.tolist(), score.tolist(), min_score, MAX_OVERLAP), np.intp
    ).reshape(-1)
    return box[keep], score[keep], points[keep]


def shipped(
    min_score: float = 0.6,
    min_size_px: float = 12,
    longest_side_px: int = 640,
    threads: int = 1,
    refine: bool = False,
) -> YuNet:
    """The detector that comes with mien: libfacedetection's network."""
    return YuNet(SHIPPED, min_score, min_size_px, longest_side_px, threads, refine)


def from_store(
    path: str | os.PathLike[str] | None = None,
    min_score: float = 0.6,
    min_size_px: float = 12,
    longest_side_px: int = 640,
    threads: int = 1,
    refine: bool = False,
) -> YuNet:
    """A YuNet file of the user's: ``path``, else the last by name of ``face_detection_yunet*.onnx`` in the store.

    Raises:
        ModelError: there is none.
    """
    if path is None:
        found = sorted(store_dir().glob("face_detection_yunet*.onnx"))
        if not found:
            raise ModelError(
                f"no face_detection_yunet*.onnx in {store_dir()}: `mien models add` puts OpenCV's file there (model "
                "zoo, folder face_detection_yunet); or give the option path, or use the detector 'libfacedetection', "
                "which needs none"
            )
        path = found[-1]
    return YuNet(path, min_score, min_size_px, longest_side_px, threads, refine)


def _distance(face: Face, point: NDArray[np.float64]) -> float:
    return float(np.hypot(*((face.box[:2] + face.box[2:]) / 2 - point)))


def _open(path: Path, threads: int) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; expected a YuNet in ONNX format")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, UnknownOperator) as error:
        raise ModelError(f"{path}: cannot be opened as an ONNX model ({str(error).splitlines()[0]})") from None
    missing = set(OUTPUTS) - {output.name for output in session.get_outputs()}
    if missing or len(session.get_inputs()) != 1 or len(session.get_inputs()[0].shape) != 4:
        raise ModelError(
            f"{path}: is not a YuNet: expected one input (1, 3, H, W) and the outputs {', '.join(OUTPUTS)}; "
            f"missing: {', '.join(sorted(missing)) or 'none'}. Files from before 2023 have other outputs"
        )
    return session
