"""Smaller files: of a small net with random weights and faces of noise, so that everything can be computed by hand."""

import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.card import KEY, Card
from mien.errors import InputError, ManifestError, ModelError, ParityError
from mien.evaluate.run import score_model
from mien.images import read
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.runtime.examine import examine
from mien.runtime.features import Features
from mien.runtime.network import Network
from mien.runtime.recognizer import Recognizer
from mien.train.precision import convert as converting
from mien.train.precision.convert import Faces, convert

SIDE, CLASSES = 16, ("angry", "happy", "sad")


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """Three convolutions, the first and the last linear layer beside them."""
    random = np.random.default_rng(0)

    def weights(*shape):
        return (random.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    arrays = {
        "stem": weights(16, 1, 3, 3),
        "depth": weights(16, 1, 3, 3),
        "point": weights(64, 16, 1, 1),
        "linear": 4 * weights(3, 64),
        "low": np.float32(0),
        "high": np.float32(6),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["faces", "stem"], ["a"], name="first", pads=[1, 1, 1, 1]),
            helper.make_node("Clip", ["a", "low", "high"], ["b"], name="clip1"),
            helper.make_node("Conv", ["b", "depth"], ["c"], name="second", pads=[1, 1, 1, 1], group=16),
            helper.make_node("Clip", ["c", "low", "high"], ["d"], name="clip2"),
            helper.make_node("Conv", ["d", "point"], ["e"], name="third"),
            helper.make_node("GlobalAveragePool", ["e"], ["f"], name="pool"),
            helper.make_node("Flatten", ["f"], ["g"], name="flatten"),
            helper.make_node("Gemm", ["g", "linear"], ["logits"], name="last", transB=1),
        ],
        "net",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    prepare = Preprocess(size_px=SIDE, channels=1, mean=(0.5,), std=(0.5,))
    metrics = {"selection": {"split": "val"}, "val": {"rows": 3, "accuracy": 1.0}, "bias": {"method": "x"}}
    card = Card(name="net", classes=CLASSES, preprocess=prepare, metrics=metrics, versions={"torch": "2"}, flip=True)
    helper.set_model_props(model, {KEY: card.to_json()})
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory, net):
    """60 faces of coarse noise; their labels are what the net says of them, but every fifth."""
    folder = tmp_path_factory.mktemp("faces")
    random = np.random.default_rng(1)
    coarse = random.integers(0, 256, (60, 4, 4, 3), np.uint8)
    faces = coarse.repeat(4, axis=1).repeat(4, axis=2)
    np.save(folder / "faces.npy", faces)
    said = Network(net).logits(list(faces), flip=True).argmax(axis=1)
    names = [CLASSES[(answer + (row % 5 == 0)) % 3] for row, answer in enumerate(said)]
    splits = ["train"] * 20 + ["val"] * 30 + ["test"] * 10
    return Manifest.of(root=folder, image=[f"faces.npy#{row}" for row in range(60)], label=names, split=splits)


def card_of(path):
    return Network(path).card


@pytest.fixture(scope="module")
def int8(net, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / "small.onnx"
    return path, convert(net, path, "int8", Faces(data, count=12), max_loss=100, threads=1)


def test_int8_is_measured_as_a_second_implementation_measures_it(net, data, int8):
    path, found = int8
    scores = [score_model(each, data, split="val", threads=1) for each in (net, path)]
    one, two = (each.logits for each in scores)
    assert found.pictures == found.labelled == 30
    assert found.logit_max == pytest.approx(np.abs(one - two).max(), abs=1e-6)
    assert 0 < found.logit_rms < 0.1 * one.std()
    assert found.agreement == np.mean(one.argmax(axis=1) == two.argmax(axis=1))
    right = [np.mean(each.argmax(axis=1) == scores[0].targets) for each in (one, two)]
    assert (found.accuracy_before, found.accuracy_after) == (right[0], right[1])
    assert found.accuracy_before == 0.8  # every fifth label of these thirty is another
    assert found.loss_points == pytest.approx(100 * (right[0] - right[1]))
    assert found.loss_low <= found.loss_points <= found.loss_high


def test_the_card_of_an_int8_file(net, data, int8):
    path, found = int8
    card, before = card_of(path), card_of(net)
    assert (card.precision, card.name, card.flip) == ("int8", "net-int8", True)
    assert (card.classes, card.preprocess) == (before.classes, before.preprocess)
    told = card.metrics["precision"]
    assert told["calibration"] == {"split": "train", "pictures": 12, "seed": 0, "ranges": "minmax"}
    assert told["original_sha256"] == Network(net).digest
    assert told["agreement"] == pytest.approx(found.agreement, abs=1e-6)
    assert (told["split"], told["manifest"]) == ("val", data.digest())
    # numbers of the original do not stand in the card of another file; those that explain its fields do
    assert card.metrics["val"]["accuracy"] == pytest.approx(found.accuracy_after, abs=1e-6)
    assert card.metrics["val"]["rows"] == 30
    assert card.metrics["selection"] == {"split": "val"}
    assert card.metrics["bias"] == {"method": "x"}
    assert card.versions["torch"] == "2"
    assert card.versions["onnxruntime"] == onnxruntime.__version__


def test_the_beginning_and_the_end_stay_float32(int8):
    graph = onnx.load(int8[0]).graph
    stored = {tensor.name: tensor.data_type for tensor in graph.initializer}
    weights = {node.name: node.input[1] for node in graph.node if node.op_type in ("Conv", "Gemm")}
    assert {name for name, weight in weights.items() if stored.get(weight) == TensorProto.FLOAT} == {
        "first",
        "second",  # depthwise
        "last",
    }
    kinds = {value for name, value in stored.items() if name.endswith("_quantized") and "point" in name}
    assert kinds == {TensorProto.INT8}
    scale = next(numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name == "point_scale")
    assert scale.shape == (64,)  # one per channel
    assert graph.input[0].type.tensor_type.elem_type == graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT


def test_the_draw_is_the_same_again(net, data, int8, tmp_path):
    convert(net, tmp_path / "again.onnx", "int8", Faces(data, count=12), max_loss=100, threads=1)
    assert (tmp_path / "again.onnx").read_bytes() == int8[0].read_bytes()
    first, second = (Faces(data, count=12, seed=seed).drawn()[0].frame["image"].tolist() for seed in (0, 1))
    assert first != second
    assert {int(image.split("#")[1]) for image in first} < set(range(20))


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_small_files_run_wherever_models_run(net, data, precision, tmp_path):
    path = tmp_path / "small.onnx"
    convert(net, path, precision, Faces(data, count=12), max_loss=100, threads=1)
    assert examine(path).kind == "recognizer"
    face = read(data.paths()[59])
    (one,), (two,) = (Recognizer(file, detector="whole").classify([face]) for file in (net, path))
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=0.05)
    assert len(Recognizer([net, path], detector="whole").classify([face])) == 1
    features = Features(net)([face])
    np.testing.assert_allclose(Features(path)([face]), features, atol=0.05 * np.abs(features).max())


def test_fp16_needs_no_faces(net, tmp_path):
    path = tmp_path / "half.onnx"
    found = convert(net, path, "fp16", threads=1)
    assert 0 < found.logit_max < 0.02
    assert (found.pictures, found.split, found.agreement, found.loss_points) == (64, None, None, None)
    assert "no faces were compared" in str(found)
    kinds = {tensor.data_type for tensor in onnx.load(path).graph.initializer if len(tensor.dims) > 1}
    assert kinds == {TensorProto.FLOAT16}
    (entrance,) = onnxruntime.InferenceSession(path).get_inputs()
    assert entrance.type == "tensor(float)"
    card = card_of(path)
    assert (card.precision, card.name) == ("fp16", "net-fp16")
    assert card.metrics.keys() == {"selection", "bias", "precision"}


def test_a_file_that_loses_too_much_is_not_written(net, data, tmp_path, monkeypatch):
    def worse(model):
        spoilt = onnx.ModelProto()
        spoilt.CopyFrom(model)
        linear = next(tensor for tensor in spoilt.graph.initializer if tensor.name == "linear")
        linear.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(linear), "linear"))
        return spoilt

    monkeypatch.setattr(converting, "halve", worse)
    out = tmp_path / "half.onnx"
    out.write_bytes(b"what was there")
    with pytest.raises(ParityError, match=r"not written\..* points lost .*--max-loss allows 0\.5"):
        convert(net, out, "fp16", Faces(data), threads=1)
    assert out.read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["half.onnx"]
    found = convert(net, out, "fp16", Faces(data), max_loss=100, threads=1)
    assert found.loss_points > 30
    assert card_of(out).metrics["precision"]["loss_points"] == pytest.approx(found.loss_points, abs=1e-6)


def test_faces_without_labels_are_compared_too(net, data, tmp_path):
    unlabelled = data.with_columns(label=[""] * 60)
    found = convert(net, tmp_path / "half.onnx", "fp16", Faces(unlabelled), threads=1)
    assert (found.pictures, found.labelled, found.loss_points) == (30, 0, None)
    assert "no labels" in str(found)
    assert "val" not in card_of(tmp_path / "half.onnx").metrics


def test_one_split_for_both(net, data, tmp_path):
    faces = Faces(data, split="val", count=10, check="val")
    calibrating, comparing = faces.drawn()
    images = [set(each.frame["image"]) for each in (calibrating, comparing.split("val"))]
    assert [len(each) for each in images] == [10, 20]
    assert not images[0] & images[1]
    assert convert(net, tmp_path / "a.onnx", "int8", faces, max_loss=100, threads=1).pictures == 20
    with pytest.raises(InputError, match="all 30 rows of split 'val' calibrate"):
        Faces(data, split="val", check="val").drawn()


def test_wrong_wishes(net, data, int8, tmp_path, colours):
    with pytest.raises(InputError, match=re.escape("--data faces.csv")):
        convert(net, tmp_path / "a.onnx", "int8")
    for wrong in ({"split": "test"}, {"check": "test"}):
        with pytest.raises(InputError, match="test pictures"):
            Faces(data, **wrong)
    with pytest.raises(InputError, match="at least 1 face"):
        Faces(data, count=0)
    with pytest.raises(ManifestError, match="no rows with split 'vall'"):
        convert(net, tmp_path / "a.onnx", "int8", Faces(data, check="vall"))
    with pytest.raises(ModelError, match="is int8 already"):
        convert(int8[0], tmp_path / "a.onnx", "fp16")
    with pytest.raises(ModelError, match="a recognizer is needed"):
        convert(colours(kind="enhancer"), tmp_path / "a.onnx", "fp16")
    with pytest.raises(InputError, match="is the original"):
        convert(net, net, "fp16")
    with pytest.raises(InputError, match="first is 0: expected at least 1"):
        convert(net, tmp_path / "a.onnx", "int8", Faces(data), first=0)
    with pytest.raises(InputError, match=r"first is 2: .* int8 only"):
        convert(net, tmp_path / "a.onnx", "fp16", first=2)
    assert not (tmp_path / "a.onnx").exists()


def test_no_torch_is_needed():
    program = "import mien.train.precision.convert, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
