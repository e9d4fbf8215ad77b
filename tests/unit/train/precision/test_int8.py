"""Eight bits: what stays float32, and how wide a range is, so that no sum of two products leaves 16 bits."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.train.precision import int8
from mien.train.precision.int8 import in_float32, quantise

WIDTH, SIDE = 32, 6


@pytest.fixture(scope="module")
def arrays():
    random = np.random.default_rng(0)
    shapes = {
        "stem": (WIDTH, 1, 1, 1),
        "near": (WIDTH, 1, 3, 3),
        "narrow": (WIDTH, WIDTH, 1, 1),
        "depth": (WIDTH, 1, 3, 3),
        "point": (WIDTH, WIDTH, 1, 1),
        "grouped": (WIDTH, WIDTH // 4, 1, 1),
        "turned": (24, WIDTH),
        "straight": (24, 20),
        "times": (20, 16),
        "last": (3, 16),
    }
    return {name: random.normal(size=shape).astype(np.float32) / 4 for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def net(arrays):
    nodes = [
        helper.make_node("Conv", ["faces", "stem"], ["a"], name="n1"),
        helper.make_node("Relu", ["a"], ["b"], name="n2"),
        helper.make_node("Conv", ["b", "near"], ["r"], name="n18", pads=[1, 1, 1, 1], group=WIDTH),
        helper.make_node("Relu", ["r"], ["s"], name="n19"),
        helper.make_node("Conv", ["s", "narrow"], ["t"], name="n20"),
        helper.make_node("Conv", ["t", "depth"], ["c"], name="n3", pads=[1, 1, 1, 1], group=WIDTH),
        helper.make_node("Relu", ["c"], ["d"], name="n4"),
        helper.make_node("Conv", ["d", "point"], ["e"], name="n5"),
        helper.make_node("Relu", ["e"], ["f"], name="n6"),
        helper.make_node("Conv", ["f", "grouped"], ["p"], name="n16", group=4),
        helper.make_node("Relu", ["p"], ["q"], name="n17"),
        helper.make_node("GlobalAveragePool", ["q"], ["g"], name="n7"),
        helper.make_node("Flatten", ["g"], ["h"], name="n8"),
        helper.make_node("Gemm", ["h", "turned"], ["i"], name="n9", transB=1),
        helper.make_node("Relu", ["i"], ["j"], name="n10"),
        helper.make_node("Gemm", ["j", "straight"], ["k"], name="n11"),
        helper.make_node("Relu", ["k"], ["l"], name="n12"),
        helper.make_node("MatMul", ["l", "times"], ["m"], name="n13"),
        helper.make_node("Relu", ["m"], ["o"], name="n14"),
        helper.make_node("Gemm", ["o", "last"], ["logits"], name="n15", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(1).uniform(0, 1, (64, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def smaller(net, faces):
    return quantise(net, [faces])


SUMMED = ["narrow", "point", "grouped", "turned", "straight", "times"]


def _stored(smaller, name):
    """(channels, inputs) whole numbers, and (channels,) their scale."""
    kept = {item.name: numpy_helper.to_array(item) for item in smaller.graph.initializer}
    weight, scale = kept[f"{name}_quantized"].astype(int), kept[f"{name}_scale"]
    assert not kept[f"{name}_zero_point"].any()
    axis = 1 if name in ("straight", "times") else 0
    return np.moveaxis(weight, axis, 0).reshape(len(scale), -1), scale


@pytest.mark.parametrize("name", ["depth", *SUMMED])
def test_one_range_for_each_output_channel(arrays, smaller, name):
    weight, scale = _stored(smaller, name)
    original = arrays[name].T if name in ("straight", "times") else arrays[name]
    assert len(scale) == len(original)
    np.testing.assert_allclose(weight * scale[:, None], original.reshape(weight.shape), atol=scale.max() * 0.51)


@pytest.mark.parametrize("name", SUMMED)
def test_no_two_products_leave_16_bits(smaller, name):
    weight, _ = _stored(smaller, name)
    largest = np.sort(np.abs(weight), axis=1)[:, -1]
    for sign in (1, -1):
        two = np.sort(np.maximum(sign * weight, 0), axis=1)[:, -2:].sum(1)
        assert (255 * two < 2**15).all()
    assert largest.max() > 64  # more than 7 bits where they are free
    assert largest.min() >= 63


def test_a_layer_without_sums_has_all_bits(smaller):
    weight, _ = _stored(smaller, "depth")
    assert (np.abs(weight).max(axis=1) == 127).all()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([3.0, -1.0, 1.0], 4.0),
        ([3.0, -2.0, -2.5], 4.5),  # the two of the other sign
        ([3.0, -3.0], 3.0),  # never added to more than one of them
        ([-2.0], 2.0),
        ([0.0, 0.0], 1.0),
    ],
)
def test_how_wide_a_range_is_safe(row, expected):
    weight = np.array([row], np.float32)
    assert int8._safe_range(weight, 0) == pytest.approx([expected])
    assert int8._safe_range(weight.T, 1) == pytest.approx([expected])


def test_channels_of_next_to_nothing_have_a_range():
    weight = np.array([[3.0, 1.0], [0.0, 0.0], [1e-9, 0.0]], np.float32)
    assert int8._safe_range(weight, 0) == pytest.approx([4.0, 4e-4, 4e-4])


def test_the_answers_stay_close(net, faces, smaller):
    logits = [
        onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"faces": faces})[0]
        for model in (net, smaller)
    ]
    assert np.abs(logits[0] - logits[1]).max() < 0.05 * np.ptp(logits[0])


def test_the_beginning_and_the_end_stay_float32(smaller):
    stored = {item.name for item in smaller.graph.initializer}
    assert {"stem", "near", "last"} <= stored
    assert not {"narrow", "depth", "point", "turned"} & stored
    assert isinstance(smaller, onnx.ModelProto)


@pytest.mark.parametrize(
    ("first", "convolutions"),
    [
        (None, {"n1", "n18"}),
        (1, {"n1"}),
        (2, {"n1", "n18"}),
        (4, {"n1", "n18", "n20", "n3"}),
        (99, {"n1", "n18", "n20", "n3", "n5", "n16"}),
    ],
)
def test_how_far_the_beginning_reaches(net, first, convolutions):
    kept = in_float32(net.graph, first)
    assert {node.name for node in net.graph.node if node.op_type == "Conv" and node.name in kept} == convolutions
    assert {node.name for node in net.graph.node if node.op_type in ("Gemm", "MatMul") and node.name in kept} == {"n15"}


def _small(nodes, width):
    arrays = {
        "stem": np.ones((width, 1, 1, 1), np.float32),
        "depth": np.ones((width, 1, 1, 1), np.float32),
        "dense": np.ones((width, width, 1, 1), np.float32),
    }
    return helper.make_graph(
        [helper.make_node("Conv", ["faces", "stem"], ["a"], name="stem"), *nodes],
        "net",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", width, SIDE, SIDE])],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )


def test_the_beginning_ends_where_something_goes_past_it():
    past = _small(
        [
            helper.make_node("Conv", ["a", "depth"], ["b"], name="depth", group=4),
            helper.make_node("Add", ["a", "b"], ["c"], name="add"),
            helper.make_node("Relu", ["c"], ["logits"], name="last"),
        ],
        width=4,
    )
    assert set(in_float32(past)) == set(in_float32(past, first=2)) == {"stem", "last"}


def test_a_dense_convolution_behind_the_first_is_int8_unless_wanted():
    dense = _small(
        [
            helper.make_node("Conv", ["a", "dense"], ["b"], name="dense"),
            helper.make_node("Conv", ["b", "depth"], ["c"], name="depth", group=4),
            helper.make_node("Relu", ["c"], ["logits"], name="last"),
        ],
        width=4,
    )
    assert set(in_float32(dense)) == {"stem", "last"}
    assert set(in_float32(dense, first=2)) == {"stem", "dense", "last"}


def _in_float32(model):
    """Names of the convolutions whose weights are float32, not dequantised ones."""
    stored = {item.name for item in model.graph.initializer if item.data_type == TensorProto.FLOAT}
    return {node.name for node in model.graph.node if node.op_type == "Conv" and node.input[1] in stored}


@pytest.mark.parametrize("first", [None, 3, 99])
def test_what_is_float32_stays_so_when_the_runtime_rewrites_the_file(net, faces, first, tmp_path):
    """ONNX Runtime rounds the weights of a float32 convolution that reads int8 values: none may be made."""
    written = quantise(net, [faces], first)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "rewritten.onnx")
    onnxruntime.InferenceSession(written.SerializeToString(), options)
    assert _in_float32(onnx.load(tmp_path / "rewritten.onnx")) == _in_float32(written) != set()
