"""Which bits the weights use: no sum of two products may leave 16 bits where channels are summed."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.train.precision.int8 import quantise

WIDTH, SIDE = 32, 6


@pytest.fixture(scope="module")
def arrays():
    random = np.random.default_rng(0)
    shapes = {
        "stem": (WIDTH, 1, 1, 1),
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
        helper.make_node("Conv", ["b", "depth"], ["c"], name="n3", pads=[1, 1, 1, 1], group=WIDTH),
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


@pytest.mark.parametrize(
    ("name", "largest"),
    [("depth", 127), ("point", 64), ("grouped", 64), ("turned", 64), ("straight", 64), ("times", 64)],
)
def test_seven_bits_where_channels_are_summed(arrays, smaller, name, largest):
    kept = {item.name: numpy_helper.to_array(item) for item in smaller.graph.initializer}
    weight, scale = kept[f"{name}_quantized"].astype(int), kept[f"{name}_scale"]
    assert np.abs(weight).max() in (largest - 1, largest)  # ONNX Runtime has 7 bits from -64 to 64
    axis = {"straight": 1, "times": 1}.get(name, 0)
    shape = [1] * weight.ndim
    shape[axis] = -1
    assert scale.shape == (arrays[name].shape[axis],)  # one for each output channel
    np.testing.assert_allclose(weight * scale.reshape(shape), arrays[name], atol=scale.max() * 0.51)
    if largest == 64:
        assert 2 * 255 * np.abs(weight).max() <= 2**15 - 1


def test_the_answers_stay_close(net, faces, smaller):
    logits = [
        onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"faces": faces})[0]
        for model in (net, smaller)
    ]
    assert np.abs(logits[0] - logits[1]).max() < 0.05 * np.ptp(logits[0])


def test_both_ends_stay_float32(smaller):
    assert {"stem", "last"} <= {item.name for item in smaller.graph.initializer}
    assert isinstance(smaller, onnx.ModelProto)
