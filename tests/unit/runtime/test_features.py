"""Features are what goes into the layer that makes the logits, whatever the file looks like around it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.card import KEY, Card
from mien.errors import InputError, ModelError
from mien.preprocess import Preprocess
from mien.runtime.features import PREPROCESS_KEY, Features
from mien.runtime.network import Network

RNG = np.random.default_rng(0)
WEIGHT, BIAS = RNG.normal(size=(3, 5)).astype(np.float32), RNG.normal(size=5).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    """A net of mean colour (3 features) and the nodes after it; ``metadata`` as key and value."""

    def make(
        nodes, arrays=(), *, outputs=("logits",), kind=TensorProto.FLOAT, side=8, rank=2, metadata=None, channels=3
    ):
        cast = [helper.make_node("Cast", ["faces"], ["floats"], to=TensorProto.FLOAT)]
        mean = helper.make_node("ReduceMean", ["floats"], ["colour"], axes=[2, 3], keepdims=0)
        graph = helper.make_graph(
            [*cast, mean, *nodes],
            "net",
            [helper.make_tensor_value_info("faces", kind, ["n", channels, side, side])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *[None] * (rank - 1)]) for name in outputs],
            [numpy_helper.from_array(value, name) for name, value in arrays],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        if metadata:
            helper.set_model_props(model, metadata)
        onnx.save(model, tmp_path / "net.onnx")
        return tmp_path / "net.onnx"

    return make


def card(**fields):
    prepare = Preprocess(size_px=8, mean=(0, 0, 0), std=(1, 1, 1))
    return {KEY: Card(name="net", classes=tuple("abcde"), preprocess=prepare, **fields).to_json()}


def faces(count=3):
    return [RNG.integers(0, 256, (8, 8, 3), np.uint8) for _ in range(count)]


def colours(pictures):
    return np.stack([face.mean(axis=(0, 1)) / 255 for face in pictures])


GEMM = [helper.make_node("Gemm", ["colour", "weight", "bias"], ["logits"])]
ADDED = [
    helper.make_node("MatMul", ["colour", "weight"], ["product"]),
    helper.make_node("Add", ["bias", "product"], ["sum"]),
    helper.make_node("Div", ["sum", "temperature"], ["logits"]),
]
TURNED = [
    helper.make_node("Transpose", ["turned"], ["weight"], perm=[1, 0]),
    helper.make_node("Gemm", ["colour", "weight"], ["logits"]),
]


@pytest.mark.parametrize("nodes", [GEMM, ADDED, TURNED], ids=["gemm", "matmul and add", "weights computed"])
def test_they_go_into_the_last_linear_layer(write, nodes):
    arrays = [("bias", BIAS), ("temperature", np.float32(2))]
    arrays += [("turned", WEIGHT.T.copy())] if nodes is TURNED else [("weight", WEIGHT)]
    pictures = faces()
    found = Features(write(nodes, arrays, metadata=card()), batch_size=2)
    assert found.size == 3
    assert found.name == "net"
    features = found(pictures)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, colours(pictures), atol=1e-6)


def test_of_two_linear_layers_the_last_counts(write):
    nodes = [
        helper.make_node("Gemm", ["colour", "weight"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["bent"]),
        helper.make_node("MatMul", ["bent", "second"], ["logits"]),
    ]
    pictures = faces()
    found = Features(write(nodes, [("weight", WEIGHT), ("second", np.eye(5, dtype=np.float32))], metadata=card()))
    np.testing.assert_allclose(found(pictures), np.maximum(colours(pictures) @ WEIGHT, 0), atol=1e-5)


def test_the_shipped_models_features_give_its_logits():
    pictures = faces(4)
    found = Features("accurate", threads=1)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(found.path).graph.initializer}
    logits = found(pictures) @ weights["net.head.1.weight"].T + weights["net.head.1.bias"]
    np.testing.assert_allclose(logits, Network("accurate", 1).logits(pictures), atol=1e-4)
    assert found(pictures).shape == (4, found.size)


def test_a_fused_net_has_features_beside_the_weights_of_its_members(write):
    nodes = [*GEMM, helper.make_node("Softmax", ["colour"], ["member_weights"])]
    path = write(
        nodes,
        [("weight", WEIGHT), ("bias", BIAS)],
        outputs=("logits", "member_weights"),
        metadata=card(members=("x", "y")),
    )
    pictures = faces()
    np.testing.assert_allclose(Features(path)(pictures), colours(pictures), atol=1e-6)


def test_no_faces_have_no_features(write):
    assert Features(write(GEMM, [("weight", WEIGHT), ("bias", BIAS)], metadata=card()))([]).shape == (0, 3)


def test_a_net_that_ends_otherwise_is_refused(write):
    nodes = [*GEMM[:0], helper.make_node("Sigmoid", ["colour"], ["logits"])]
    with pytest.raises(ModelError, match="'logits' is made by Sigmoid and not by a linear layer"):
        Features(write(nodes, metadata=card()))


def test_a_net_that_decides_nothing_is_refused(write):
    nodes = [helper.make_node("Identity", ["floats"], ["logits"])]
    with pytest.raises(ModelError, match="no linear layer leads to"):
        Features(write(nodes, rank=4, metadata=card()))


def test_two_faces_that_are_multiplied_are_no_linear_layer(write):
    nodes = [
        helper.make_node("Transpose", ["colour"], ["other"], perm=[1, 0]),
        helper.make_node("MatMul", ["colour", "other"], ["logits"]),
    ]
    with pytest.raises(ModelError, match="made by MatMul"):
        Features(write(nodes, metadata=card()))


def test_other_kinds_of_models_are_refused(write):
    with pytest.raises(ModelError, match="of kind generator"):
        Features(write(GEMM, [("weight", WEIGHT), ("bias", BIAS)], metadata=card(kind="generator")))


def test_a_feature_net_gets_the_pixels_as_they_are(write):
    nodes = [helper.make_node("Identity", ["colour"], ["features"])]
    path = write(nodes, outputs=("features",), kind=TensorProto.UINT8)
    pictures = faces()
    found = Features(path)
    assert found.name == "net"
    np.testing.assert_allclose(found(pictures), 255 * colours(pictures), rtol=1e-5)
    assert found([np.full((20, 30, 3), 7, np.uint8)]).tolist() == [[7, 7, 7]]  # enlarged or shrunk to its input


def test_a_feature_net_of_floats_must_be_told_of_its_values(write):
    nodes = [helper.make_node("Identity", ["colour"], ["features"])]
    path = write(nodes, outputs=("features",))
    with pytest.raises(ModelError, match="nobody knows which values it wants"):
        Features(path)
    found = Features(path, values=(-1, 1))
    np.testing.assert_allclose(found([np.full((8, 8, 3), value, np.uint8) for value in (0, 255)]), [[-1] * 3, [1] * 3])
    with pytest.raises(InputError, match="expected the first to be the smaller"):
        Features(path, values=(1, -1))


def test_a_feature_net_can_say_it_by_itself(write):
    nodes = [helper.make_node("Identity", ["colour"], ["features"])]
    said = Preprocess(size_px=8, mean=(0, 0, 0), std=(0.5, 0.5, 0.5)).model_dump_json()
    found = Features(write(nodes, outputs=("features",), metadata={PREPROCESS_KEY: said}))
    np.testing.assert_allclose(found([np.full((8, 8, 3), 255, np.uint8)]), [[2, 2, 2]])
    with pytest.raises(ModelError, match="cannot be read"):
        Features(write(nodes, outputs=("features",), metadata={PREPROCESS_KEY: '{"size_px": 0}'}))


def test_a_net_without_a_card_and_with_other_outputs_is_refused(write):
    nodes = [helper.make_node("Identity", ["floats"], ["maps"])]
    with pytest.raises(ModelError, match="without a mien card, with the outputs maps"):
        Features(write(nodes, outputs=("maps",), rank=4))
    both = [helper.make_node("Identity", ["colour"], [name]) for name in ("one", "two")]
    with pytest.raises(ModelError, match="outputs one, two"):
        Features(write(both, outputs=("one", "two")))


def test_a_net_of_free_size_is_refused(write):
    nodes = [helper.make_node("Identity", ["colour"], ["features"])]
    with pytest.raises(ModelError, match="S a fixed number"):
        Features(write(nodes, outputs=("features",), side=None), values=(0, 1))


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_what_is_no_onnx_file_is_refused(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.onnx"):
        Features(tmp_path / "x.onnx")


def test_a_batch_of_none_is_refused():
    with pytest.raises(InputError, match="batch_size is 0"):
        Features("default", batch_size=0)
