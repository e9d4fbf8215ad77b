"""Faces of a generator that can be computed by hand."""

import itertools

import numpy as np
import onnx
import pytest

from mien.card import KEY, Card
from mien.errors import InputError, LabelError, ModelError
from mien.synth.generator import RUN, Generator


def by_hand(mean, seed, index, number, truncation):
    """One face, from its numbers alone."""
    random = np.random.default_rng((seed, index, number))
    latents, noise = (random.standard_normal(size, dtype=np.float32) for size in (4, 64))
    values = np.asarray(mean)[None, None] + truncation * (
        0.1 * latents[: len(mean)][None, None] + 0.05 * noise.reshape(8, 8, 1)
    )
    return np.clip(np.rint(values * 255), 0, 255)


def test_a_face_is_what_the_network_makes_of_its_numbers(generator_file):
    found = list(Generator(generator_file()).draw("happy", range(20), seed=5, truncation=0.7))
    for number, face in enumerate(found):
        assert face.shape == (8, 8, 3)
        assert face.dtype == np.uint8
        assert np.abs(face - by_hand((0.6, 0.4, 0.2), 5, 1, number, 0.7)).max() <= 1  # rounded from float32


def test_a_face_does_not_depend_on_the_others(generator_file):
    generator = Generator(generator_file())
    together = list(generator.draw("fear", range(3 * RUN), seed=1))
    for number in (0, 1, RUN - 1, RUN, 2 * RUN + 3):
        (alone,) = generator.draw("fear", [number], seed=1)
        assert np.array_equal(alone, together[number])
    backwards = list(generator.draw("fear", reversed(range(3 * RUN)), seed=1))
    assert np.array_equal(backwards[::-1], together)


def test_class_seed_number_and_truncation_make_another_face(generator_file):
    generator = Generator(generator_file())
    faces = [
        next(generator.draw(label, [number], seed=seed, truncation=truncation))
        for label, number, seed, truncation in [
            ("fear", 0, 0, 1.0),
            ("happy", 0, 0, 1.0),
            ("fear", 1, 0, 1.0),
            ("fear", 0, 1, 1.0),
            ("fear", 0, 0, 0.5),
        ]
    ]
    assert not any(np.array_equal(one, other) for one, other in itertools.combinations(faces, 2))


def test_truncated_to_nothing_a_face_is_the_average_of_its_class(generator_file):
    faces = list(Generator(generator_file()).draw("fear", range(3), truncation=0))
    assert all((face == [51, 102, 153]).all() for face in faces)  # 0.2, 0.4, 0.6 of 255


def test_values_out_of_range_are_clipped(generator_file):
    path = generator_file(means=np.array([[-1, 0, 2], [0, 0, 0], [0, 0, 0]], np.float32))
    (face,) = Generator(path).draw("fear", [0], truncation=0)
    assert (face == [0, 0, 255]).all()


def test_grey_faces_and_no_classes(generator_file):
    generator = Generator(generator_file("grey.onnx", classes=(), channels=1))
    (face,) = generator.draw("", [3], seed=2, truncation=0.5)
    assert face.shape == (8, 8)
    assert np.abs(face - by_hand((0.5,), 2, 0, 3, 0.5)[..., 0]).max() <= 1
    with pytest.raises(LabelError, match="knows no classes"):
        generator.draw("happy", [0])


def test_shares_mix_classes(generator_file):
    generator = Generator(generator_file())
    nothing = np.zeros((1, 64), np.float32)
    classes = np.array([[0.5, 0.5, 0]], np.float32)
    (face,) = generator.render(nothing[:, :4], classes, np.ones((1, 1), np.float32), nothing)
    assert (face == 102).all()  # the middle of 0.2 0.4 0.6 and 0.6 0.4 0.2


def test_what_it_says_of_itself(generator_file):
    generator = Generator(generator_file("my-faces.onnx"))
    assert (generator.latent_size, generator.noise_size) == (4, 64)
    assert generator.identity == f"my-faces {generator.digest[:12]}"
    assert generator.index("Happiness") == 1


def test_a_class_that_it_does_not_draw(generator_file):
    with pytest.raises(LabelError, match="draws no class 'hapy': did you mean 'happy'"):
        Generator(generator_file()).draw("hapy", [0])


@pytest.mark.parametrize("change", [{"seed": -1}, {"seed": 2**32}, {"truncation": -0.1}, {"truncation": 3}])
def test_numbers_out_of_range(generator_file, change):
    with pytest.raises(InputError, match=r"expected 0 (to|\()"):
        Generator(generator_file()).draw("fear", [0], **change)


def test_another_kind_of_model_is_refused(generator_file, colours):
    with pytest.raises(ModelError, match="kind recognizer; a generator is needed"):
        Generator(colours())


def rewritten(path, change):
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)
    return path


def test_a_network_that_is_not_what_its_card_says(generator_file):
    def fixed(graph):
        for item in graph.input:
            item.type.tensor_type.shape.dim[0].dim_value = 4

    with pytest.raises(ModelError, match=r"latents of shape \[4, 4\]; expected \['faces', 'any'\]"):
        Generator(rewritten(generator_file(), fixed))

    def unnamed(graph):
        graph.input[0].type.tensor_type.shape.dim[1].dim_param = "z"

    with pytest.raises(ModelError, match=r"latents of shape \['n', 'z'\]"):
        Generator(rewritten(generator_file(), unnamed))


def test_other_inputs_are_refused(generator_file):
    def renamed(graph):
        graph.input[0].name = graph.node[1].input[0] = "z"

    with pytest.raises(ModelError, match="a network z, classes, truncation, noise -> faces; a generator is latents"):
        Generator(rewritten(generator_file(), renamed))


def test_classes_are_those_of_the_card(generator_file):
    path = generator_file()
    model = onnx.load(path)
    about = Card.from_metadata({item.key: item.value for item in model.metadata_props}, "file")
    onnx.helper.set_model_props(model, {KEY: about.model_copy(update={"classes": ("fear", "happy")}).to_json()})
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"classes of shape \['n', 3\]; expected \['faces', 2\]"):
        Generator(path)
