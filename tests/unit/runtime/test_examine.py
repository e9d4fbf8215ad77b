"""Files that do what their cards say, and files that do not."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.card import KEY, Card
from mien.errors import ModelError
from mien.faces.yunet import SHIPPED
from mien.preprocess import Preprocess
from mien.runtime.examine import examine
from mien.runtime.models import locate

SIDE = 8
PLAIN = Preprocess(size_px=SIDE, channels=1, mean=(0,), std=(1,))


def write(path, inputs, nodes, output, arrays, card):
    """A network of a few nodes, with a card."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {KEY: card.to_json()})
    onnx.save(model, path)
    return path


@pytest.fixture
def enhancer(tmp_path):
    """Enlarges by the nearest pixel, 2 times; its card may say otherwise."""

    def make(scale=2, given="faces", name="enlarged"):
        card = Card(kind="enhancer", name="double", scale=scale, preprocess=PLAIN)
        nodes = [helper.make_node("Resize", [given, "", "by"], [name], mode="nearest")]
        shape = ["n", 1, "h", "w"]
        return write(tmp_path / "e.onnx", {given: shape}, nodes, name, {"by": np.array([1, 1, 2, 2], np.float32)}, card)

    return make


@pytest.fixture
def generator(tmp_path):
    """Draws faces of one brightness: the sum of everything that it is given."""

    def make(classes=("happy", "sad"), width=2, side=SIDE, noise=3, leave_out=()):
        card = Card(kind="generator", name="flat", classes=classes, preprocess=PLAIN)
        inputs = {"latents": ["n", 4], "classes": ["n", width], "truncation": ["n", 1], "noise": ["n", noise]}
        inputs = {name: shape for name, shape in inputs.items() if name not in leave_out}
        sums = [helper.make_node("ReduceSum", [name, "one"], [f"sum_{name}"], keepdims=1) for name in inputs]
        nodes = [
            *sums,
            helper.make_node("Sum", [f"sum_{name}" for name in inputs], ["sum"]),
            helper.make_node("Reshape", ["sum", "square"], ["pixel"]),
            helper.make_node("Tile", ["pixel", "times"], ["faces"]),
        ]
        arrays = {"one": [1], "square": [-1, 1, 1, 1], "times": [1, 1, side, side]}
        return write(tmp_path / "g.onnx", inputs, nodes, "faces", arrays, card)

    return make


@pytest.mark.parametrize("name", ["default", "subpixel", "srcnn", "enhanced_srcnn"])
def test_what_ships_does_what_it_says(name):
    found = examine(locate(name))
    assert found.card is not None
    assert found.kind == found.card.kind


def test_a_detector_has_no_card():
    found = examine(SHIPPED)
    assert (found.kind, found.card) == ("detector", None)


def test_kinds(colours, enhancer, generator):
    assert examine(colours()).kind == "recognizer"
    assert examine(enhancer()).kind == "enhancer"
    assert examine(generator()).kind == "generator"
    assert examine(generator(classes=(), leave_out=("classes",))).kind == "generator"


def test_a_recognizer_with_other_classes(raw_network):
    two = Card(name="x", classes=("happy", "sad"), preprocess=Preprocess(size_px=8, mean=(0,) * 3, std=(1,) * 3))
    with pytest.raises(ModelError, match=r"logits of shape \[3\], but its card says \[2\]"):
        examine(raw_network(two))
    with pytest.raises(ModelError, match="names no classes"):
        examine(raw_network(two.model_copy(update={"classes": ()})))


def test_answers_that_are_no_numbers(colours):
    with pytest.raises(ModelError, match="logits that are no numbers"):
        examine(colours(weights=np.full((3, 3), np.nan)))


def test_an_enhancer_with_another_factor(enhancer):
    with pytest.raises(ModelError, match=r"enlarged of shape \(2, 1, 16, 22\), but its card says \(2, 1, 24, 33\)"):
        examine(enhancer(scale=3))
    with pytest.raises(ModelError, match="takes faces and gives enlarged; this one takes small and gives large"):
        examine(enhancer(given="small", name="large"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"width": 3}, r"classes of shape \['n', 3\], expected \(N, 2\)"),
        ({"noise": "k"}, r"noise of shape \['n', 'k'\], expected \(N, a number\)"),
        ({"side": 9}, r"faces of shape \(2, 1, 9, 9\), but its card says \(2, 1, 8, 8\)"),
        (
            {"leave_out": ("noise",)},
            "takes classes, latents, noise, truncation .* this one takes classes, latents, trunc",
        ),
        ({"classes": ()}, "takes latents, noise, truncation"),
    ],
)
def test_generators_that_differ_from_their_cards(generator, wrong, told):
    with pytest.raises(ModelError, match=told):
        examine(generator(**wrong))


def test_what_is_no_model(tmp_path, raw_network):
    with pytest.raises(ModelError, match="without a mien card"):
        examine(raw_network(None))
    (tmp_path / "notes.onnx").write_text("no network")
    with pytest.raises(ModelError, match="not a model that ONNX Runtime can open"):
        examine(tmp_path / "notes.onnx")
