"""Can the shipped detector's landmarks learn to follow a face that leans, with boxes and scores as they are?

Run:  python benchmarks/landmark_trial.py FACES.csv PHOTOS [--pictures OTHER.csv] [--keep FILE.onnx]

FACES.csv holds cut out faces (FER2013; only the train split is used), PHOTOS photographs to measure on. Nobody has
marked landmarks: a face is turned until the detector, at the size at which it is best, calls it upright; there its
landmarks (mean with the mirror image's) are taken as true, and what they become in any turned, scaled and mirrored view
is geometry. On frozen features of the network a correction of its landmarks is fitted in closed form: least squares,
cut down to rank 16, so that it fits beside the heads in one pair of convolutions. The result is a YuNet file. OTHER.csv
holds whole pictures with labels: they are turned, and the recognizer answers with either file's landmarks.

Expected: benchmarks/results/detector_trial.md
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from pathlib import Path

import cv2
import detectors
import numpy as np
import onnx
import onnxruntime
from detector_trial import milliseconds
from numpy.typing import NDArray
from onnx import numpy_helper

from mien import faces, images
from mien.faces import yunet
from mien.faces.align import lean
from mien.faces.yunet import OUTPUTS, SHIPPED, YuNet
from mien.images import Pixels
from mien.manifest import Manifest
from mien.runtime.recognizer import Recognizer

Points = NDArray[np.float64]
LEVELS = {0: 8, 2: 32}  # the network hardly ever answers at stride 16
FEATURES = {stride: f"neck__lateral_convs__{level}_relu" for level, stride in LEVELS.items()}
MIRRORED = [1, 0, 2, 4, 3]
RANK, RIDGE, SIDE = 16, 0.03, 320


def view(face: Pixels, size: float, degrees: float, centre: Points, side: int, mirror: bool) -> tuple[Pixels, Points]:
    """The frame, ``size`` px large and turned clockwise, on a grey square; and the matrix (2, 3) that did it."""
    middle = len(face) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), -degrees, size / len(face))
    turn[:, 2] += centre - middle
    if mirror:
        turn[0] *= -1
        turn[0, 2] += side
    grey = (yunet.GREY,) * 3
    return np.asarray(cv2.warpAffine(face, turn, (side, side), borderValue=grey), np.uint8), turn


def truth(finder: YuNet, face: Pixels) -> Points | None:
    """Landmarks (5, 2) in pixels of the frame, from where the detector calls the face upright; None when unclear."""
    middle = np.array([144.0, 144.0])

    def seen(degrees: float, mirror: bool = False) -> Points | None:
        picture, turn = view(face, 192, degrees, middle, 288, mirror)
        for found in finder._look(picture, 1.0, 0):
            if found.landmarks is not None and np.hypot(*((found.box[:2] + found.box[2:]) / 2 - middle)) < 64:
                back = cv2.invertAffineTransform(turn)
                points = found.landmarks @ back[:, :2].T + back[:, 2]
                return np.asarray(points[MIRRORED] if mirror else points)
        return None

    leans = []
    for degrees in (-32, -16, 0, 16, 32):
        points = seen(degrees)
        if points is not None:  # the lean in the turned view
            leans.append((degrees, degrees + math.degrees(lean(points.astype(np.float32)))))
    if len(leans) < 4 or np.polyfit(*zip(*leans, strict=True), 1)[0] < 0.2:
        return None
    steps = np.arange(-32, 32.1, 0.5)
    curve = np.convolve(np.pad(np.interp(steps, *zip(*leans, strict=True)), 12, mode="edge"), np.ones(25) / 25, "valid")
    upright = float(steps[np.abs(curve).argmin()])
    one, two = seen(upright), seen(upright, mirror=True)
    if abs(upright) >= 30 or one is None or two is None or np.abs(one - two).max() > 0.09 * len(face):
        return None
    return (one + two) / 2


def observe(chosen: list[tuple[Pixels, Points]], views: int) -> dict[str, NDArray[np.float64]]:
    """Features around the cells that see a face, and by how much their landmarks are off, in strides."""
    model = onnx.load(SHIPPED)
    for name in FEATURES.values():
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 64, None, None]))
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    names, random = [*OUTPUTS, *FEATURES.values()], np.random.default_rng(1)
    rows: dict[str, list[object]] = {"features": [], "off": [], "stride": [], "weight": []}
    for face, points in (pair for pair in chosen for _ in range(views)):
        size, degrees = math.exp(random.uniform(math.log(18), math.log(260))), random.uniform(-45, 45)
        if random.random() < 0.5:
            degrees = random.normal(0, 6)
        centre = random.uniform(min(SIDE / 2, size / 2), max(SIDE / 2, SIDE - size / 2), 2)
        mirror = bool(random.random() < 0.5)
        small = images.resize(face, *[max(12, math.ceil(size))] * 2) if size < 0.6 * len(face) else face
        picture, turn = view(small, size, degrees, centre, SIDE, mirror)
        true = (points * len(small) / len(face)) @ turn[:, :2].T + turn[:, 2]
        true = true[MIRRORED] if mirror else true
        centre = np.array([SIDE - centre[0], centre[1]]) if mirror else centre
        lit = (picture - 128.0) * random.uniform(0.6, 1.2) + 128 + random.uniform(-30, 30)
        canvas = yunet._on_grey(np.asarray(lit.clip(0, 255), np.uint8), SIDE, SIDE, 0)
        found = dict(zip(names, session.run(names, {"input": canvas}), strict=True))
        cells = []
        for stride, name in FEATURES.items():
            score, wide = np.sqrt(found[f"cls_{stride}"] * found[f"obj_{stride}"])[0, :, 0], SIDE // stride
            for cell in np.flatnonzero(score >= 0.5):
                row, column = divmod(int(cell), wide)
                box = found[f"bbox_{stride}"][0, cell]
                away = np.hypot(*((box[:2] + np.array([column, row])) * stride - centre))
                is_inner = 0 < row < wide - 1 and 0 < column < wide - 1
                if is_inner and away < size / 4 and 0.5 < np.exp(box[2:]).max() * stride / size < 2:
                    around = found[name][0, :, row - 1 : row + 2, column - 1 : column + 2].reshape(-1)
                    off = (true / stride - (column, row)).reshape(-1) - found[f"kps_{stride}"][0, cell]
                    cells.append((float(score[cell]), around, off, stride, (stride / size) ** 2))
        for _, *values in sorted(cells, key=lambda cell: -cell[0])[:3]:
            for name, value in zip(rows, values, strict=True):
                rows[name].append(value)
    return {name: np.array(values, np.float64) for name, values in rows.items()}


def least_squares(inputs: Points, targets: Points, weights: Points) -> Points:
    """Coefficients (inputs + 1, targets), the last row constant; a ridge pulls them to no correction at all."""
    padded = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    gram = (padded * weights[:, None]).T @ padded
    ridge = RIDGE * np.diag(gram)
    ridge[-1] = 0
    return np.linalg.solve(gram + np.diag(ridge + 1e-9 * weights.sum()), (padded * weights[:, None]).T @ targets)


def fit(rows: dict[str, NDArray[np.float64]], stride: int) -> tuple[Points, Points, Points]:
    """Pointwise (RANK, 64), then 3 x 3 (10, RANK, 3, 3) and constants (10,): reduced-rank regression."""
    mine = rows["stride"] == stride
    inputs, off, weights = rows["features"][mine], rows["off"][mine], rows["weight"][mine]
    channels = inputs.reshape(-1, 64, 9)
    spread = np.einsum("ncp,ndp->cd", channels, channels) / len(channels)
    values, vectors = np.linalg.eigh(spread + 1e-6 * np.trace(spread) / 64 * np.eye(64))
    root = (vectors * np.sqrt(values)) @ vectors.T
    whole = least_squares(inputs, off, weights)[:-1].reshape(64, 90)
    down = np.linalg.solve(root, np.linalg.svd(root @ whole)[0][:, :RANK])
    reduced = np.einsum("ncp,cr->nrp", channels, down).reshape(len(channels), -1)
    up = least_squares(reduced, off, weights)
    return down.T, up[:-1].reshape(RANK, 3, 3, 10).transpose(3, 0, 1, 2), up[-1]


def build(fitted: dict[int, tuple[Points, Points, Points]], target: Path) -> None:
    """The shipped file with corrected landmarks: the rest of the heads keeps its numbers, among zeros."""
    model = onnx.load(SHIPPED)
    weights = {item.name: item for item in model.graph.initializer}
    for level, stride in LEVELS.items():
        names = {part: f"heads_{level}_{part}" for part in ("pw.weight", "pw.bias", "dw.weight", "dw.bias")}
        old = {part: numpy_helper.to_array(weights[name]) for part, name in names.items()}
        down, up, constant = fitted[stride]
        dense = np.zeros((16, 16 + RANK, 3, 3))
        dense[range(16), range(16)] = old["dw.weight"][:, 0]
        dense[6:, 16:] = up  # the first six channels are cls, obj and bbox
        new = {
            "pw.weight": np.concatenate([old["pw.weight"], down[:, :, None, None]]),
            "pw.bias": np.concatenate([old["pw.bias"], np.zeros(RANK)]),
            "dw.weight": dense,
            "dw.bias": old["dw.bias"] + np.concatenate([np.zeros(6), constant]),
        }
        for part, name in names.items():
            weights[name].CopyFrom(numpy_helper.from_array(new[part].astype(np.float32), name))
        (step,) = (node for node in model.graph.node if node.name == f"heads_{level}_dw")
        next(item for item in step.attribute if item.name == "group").i = 1
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def measure(photos: Path, target: Path) -> None:
    """Lean before and after, whether boxes stayed, and the price."""
    finders = [YuNet(SHIPPED), YuNet(target)]
    pictures, ratios, apart = [images.read(path) for path in images.find(photos)], [], 0.0
    for picture in pictures:
        image = images.resize(picture, 480, 640)
        one, two = (finder.detect(image) for finder in finders)
        assert len(one) == len(two)
        for first, second in zip(one, two, strict=True):
            apart = max(apart, float(np.abs(first.box - second.box).max()), abs(first.score - second.score))
        pairs = [[milliseconds(finder.detect, image) for finder in finders] for _ in range(9)]
        before, after = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratios.append(after / before)
    print(
        f"largest difference of a box or score: {apart:.2g}; time at 640 x 480: {statistics.median(ratios):.3f} of it"
    )
    for path in (SHIPPED, target):
        yunet.SHIPPED = path
        faces._build.cache_clear()
        print("\nshipped" if path == SHIPPED else "\ncorrected")
        detectors.leaning(photos)


def accuracy(manifest: Manifest, files: dict[str, Path]) -> None:
    """Does the recognizer gain? Right answers on pictures turned by known angles, among the classes they have."""
    recognizer = Recognizer("default", threads=1)
    contract, labels = recognizer.card.preprocess, recognizer.card.labels
    finders = {name: YuNet(path) for name, path in files.items()}
    truths = [labels.find(label) for label in manifest.frame["label"]]
    classes = sorted({truth for truth in truths if truth is not None})
    print("\n| turned by | scale | pictures | not made upright | " + " | ".join(files) + " | corrected - shipped |")
    print("| --- " * (5 + len(files)) + "|")
    for degrees in (0, 22, 40):
        for scale in (1.0, 0.4):
            cuts: dict[str, list[Pixels]] = {name: [] for name in ("not made upright", *files)}
            wanted = []
            for path, label in zip(manifest.paths(), truths, strict=True):
                image = images.read(path)
                height, width = image.shape[:2]
                for sign in (-1, 1) if degrees else (1,):
                    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -sign * degrees, 1.0)
                    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
                    seen = images.resize(np.asarray(turned, np.uint8), round(height * scale), round(width * scale))
                    found = {name: finder.detect(seen) for name, finder in finders.items()}
                    if not all(found.values()):
                        continue
                    wanted.append(label)
                    for name, each in found.items():
                        cuts[name].append(faces.crop(seen, each[0], contract.margin, contract.shift))
                    plain = faces.crop(
                        seen, next(iter(found.values()))[0], contract.margin, contract.shift, level=False
                    )
                    cuts["not made upright"].append(plain)
            right = {
                name: np.array(classes)[recognizer.networks[0].logits(crops)[:, classes].argmax(axis=1)] == wanted
                for name, crops in cuts.items()
            }
            gain = 100.0 * (right[list(files)[-1]].astype(float) - right[next(iter(files))])
            error = 1.96 * gain.std() / math.sqrt(len(gain))
            cells = " | ".join(f"{100 * values.mean():.1f} %" for values in right.values())
            print(f"| {degrees} | {scale} | {len(wanted)} | {cells} | {gain.mean():+.1f} ± {error:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--faces", type=int, default=800)
    parser.add_argument("--views", type=int, default=6)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    print(detectors.header())
    paths = Manifest.load(given.manifest).split("train").paths()
    finder, chosen = YuNet(SHIPPED), []
    for index in np.random.default_rng(0).permutation(len(paths))[: given.faces]:
        face = images.read(paths[index])
        points = truth(finder, face) if face.std() >= 8 else None
        if points is not None:
            chosen.append((face, points))
    rows = observe(chosen, given.views)
    print(f"{len(chosen)} of {given.faces} faces with landmarks, {len(rows['stride'])} cells that see one")
    with tempfile.TemporaryDirectory() as folder:
        target = given.keep or Path(folder) / "corrected.onnx"
        build({stride: fit(rows, stride) for stride in LEVELS.values()}, target)
        measure(given.photos, target)
        if given.pictures:
            accuracy(Manifest.load(given.pictures), {"shipped": SHIPPED, "corrected": target})


if __name__ == "__main__":
    main()
