"""A generator out of a pickle of StyleGAN2-ADA: it draws what the published network does; other networks are refused.

The pickles are built here, in the form in which NVIDIA's code saves its networks. What they should draw is computed by
a second, slow implementation in numpy, from the papers: zeros between pixels, the filter, then the convolution.
"""

import collections
import math
import pickle
import sys

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d

from mien.errors import ModelError
from mien.synth.generator import Generator
from mien.train import pickled, stylegan2_ada
from mien.train.nets import stylegan2
from mien.train.stylegan2_ada import bring_in, card_of, read_network, to_generator

pytestmark = pytest.mark.filterwarnings(
    "ignore:TypedStorage is deprecated:UserWarning",
    "ignore::DeprecationWarning:torch",
    "ignore::FutureWarning:torch",
    "ignore:# The axis name:UserWarning",
)

STYLES, LATENTS = 12, 10
FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def made(size_px=16, channels=3, classes=0, clamp=None, seed=0, **options):
    """One of our generators with random weights, biases, noise and average style."""
    torch.manual_seed(seed)
    sizes = {"latents": LATENTS, "styles": STYLES, "depth": 2, "capacity": 64, "widest": 8, **options}
    net = stylegan2.Generator(size_px, channels, classes, clamp=clamp, **sizes).requires_grad_(False)
    for name, values in net.named_parameters():
        if name.endswith(("bias", "noise_strength")):
            values.add_(torch.randn_like(values) * (10 if ".fc" in name else 0.3))
    net.mapping.w_avg.copy_(torch.randn(STYLES))  # theirs is one for all classes
    return net


def settings(name, module):
    """What the modules of NVIDIA's code hold beside their tensors, as far as it says how they compute."""
    if isinstance(module, stylegan2.Linear):
        rate = 0.01 if ".fc" in name else 1
        activation = "lrelu" if ".fc" in name else "linear"
        return {"activation": activation, "bias_gain": rate, "weight_gain": rate / np.sqrt(module.weight.shape[1])}
    if isinstance(module, stylegan2.Layer):
        held = {"activation": "lrelu", "act_gain": np.sqrt(2), "up": 2 if name.endswith("conv0") else 1}
        return held | {"use_noise": True, "conv_clamp": module.clamp, "padding": 1}
    if isinstance(module, stylegan2.ToPicture):
        return {"conv_clamp": module.clamp, "weight_gain": 1 / np.sqrt(module.weight.shape[1])}
    return {"_init_args": (), "_init_kwargs": sys.modules["dnnlib.util"].EasyDict(z_dim=LATENTS)}


def kept(persistent, net, changes=(), name=""):
    """A network of ours as NVIDIA's code pickles one; ``changes``: (module, key) -> value, None takes it away."""
    buffers = {key: value[0] if key == "w_avg" else value for key, value in net._buffers.items()}
    if isinstance(net, stylegan2.Layer | stylegan2.Block):
        buffers["resample_filter"] = torch.from_numpy(FILTER).float()
    modules = {key: module for key, module in net._modules.items() if module is not None}
    state = {
        **{"training": False, "_backward_hooks": collections.OrderedDict(), "_non_persistent_buffers_set": set()},
        "_parameters": collections.OrderedDict(net._parameters),
        "_buffers": collections.OrderedDict(buffers),
        "_modules": collections.OrderedDict(
            (key, kept(persistent, module, changes, f"{name}.{key}".lstrip("."))) for key, module in modules.items()
        ),
        **settings(name, net),
    }
    for (module, key), value in dict(changes).items():
        if module == name:
            places = (state["_parameters"], state["_buffers"], state["_modules"], state)
            place = next((held for held in places if key in held), state["_modules"])
            place[key] = value
            if value is None:
                del place[key]
    return persistent("Generator" if not name else type(net).__name__, state)


@pytest.fixture
def network(tmp_path, persistent):
    """``network(net, changes)``: the pickle of a training, with both generators, as a file."""

    def write(net, changes=()):
        path = tmp_path / "network.pkl"
        held = {"G": kept(persistent, made()), "D": None, "G_ema": kept(persistent, net, changes)}
        held["training_set_kwargs"] = sys.modules["dnnlib.util"].EasyDict(path="faces.zip")
        path.write_bytes(pickle.dumps(held))
        return path

    return write


def drawn_slowly(net, latents, labels, truncation):
    """(N, C, S, S) from the tensors of a network, with its constant noise."""
    tensors = {name: values.double().numpy() for name, values in net.state_dict().items()}

    def linear(name, x, rate=1.0):
        weight = tensors[f"{name}.weight"]
        return x @ (weight * rate / math.sqrt(weight.shape[1])).T + tensors[f"{name}.bias"] * rate

    def active(x):
        return np.where(x > 0, x, 0.2 * x) * math.sqrt(2)

    def unit(x):
        return x / np.sqrt((x**2).mean() + 1e-8)

    def cut(x):
        limit = net.synthesis.b4.conv1.clamp
        return x if limit is None else np.clip(x, -limit, limit)

    def spaced(x, before, after):
        wide = np.zeros((len(x), 2 * x.shape[1], 2 * x.shape[2]))
        wide[:, ::2, ::2] = x
        return np.pad(wide, ((0, 0), (before, after), (before, after)))

    def convolved(name, x, style, is_up=False, is_even=True):
        weight = tensors[f"{name}.weight"]
        scales = linear(f"{name}.affine", style)
        weight = weight * (scales if is_even else scales / math.sqrt(weight[0].size))[None, :, None, None]
        if is_even:
            weight = weight / np.sqrt((weight**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
        if is_up:  # the filter's two pixels before and one after, and one on each side for the 3 x 3 kernel
            x = np.stack([convolve2d(plane, 4 * FILTER, "valid") for plane in spaced(x, 3, 2)])
            return np.stack([sum(map(convolve2d, x, kernel, ["valid"] * len(x))) for kernel in weight])
        edge = weight.shape[2] // 2
        x = np.pad(x, ((0, 0), (edge, edge), (edge, edge)))
        return np.stack([sum(map(correlate2d, x, kernel, ["valid"] * len(x))) for kernel in weight])

    def layer(name, x, style, is_up=False):
        x = convolved(name, x, style, is_up) + tensors[f"{name}.noise_const"] * tensors[f"{name}.noise_strength"]
        return cut(active(x + tensors[f"{name}.bias"][:, None, None]))

    faces = []
    for z, label in zip(latents.double().numpy(), labels.double().numpy(), strict=True):
        style = unit(z)
        if len(label):
            style = np.concatenate([style, unit(linear("mapping.embed", label))])
        for number in range(net.mapping.depth):
            style = active(linear(f"mapping.fc{number}", style, rate=0.01))
        average = tensors["mapping.w_avg"][0]
        style = average + truncation * (style - average)
        x, side, picture = tensors["synthesis.b4.const"], 4, None
        while f"synthesis.b{side}.conv1.weight" in tensors:
            block = f"synthesis.b{side}"
            if side > 4:
                x = layer(f"{block}.conv0", x, style, is_up=True)
                picture = np.stack([convolve2d(plane, 4 * FILTER, "valid") for plane in spaced(picture, 2, 1)])
            x = layer(f"{block}.conv1", x, style)
            mine = convolved(f"{block}.torgb", x, style, is_even=False) + tensors[f"{block}.torgb.bias"][:, None, None]
            picture = cut(mine) if picture is None else picture + cut(mine)
            side *= 2
        faces.append(picture)
    return np.stack(faces)


def constant_noise(net, count):
    layers = [layer for block in net.synthesis.blocks() for layer in (getattr(block, "conv0", None), block.conv1)]
    return torch.cat([layer.noise_const.flatten() for layer in layers if layer is not None]).repeat(count, 1)


@pytest.mark.parametrize(("channels", "classes", "clamp"), [(3, 0, None), (1, 3, 0.5), (3, 2, None)])
@pytest.mark.parametrize("truncation", [1.0, 0.7])
def test_it_draws_what_the_published_network_draws(network, tmp_path, channels, classes, clamp, truncation):
    original = made(16, channels, classes, clamp)
    net = to_generator(read_network(network(original)))
    latents, labels = torch.randn(3, LATENTS), torch.eye(3)[[0, 1, min(classes, 2) - 1]][:, :classes]
    drawn = net(latents, labels, torch.full((3, 1), truncation), constant_noise(net, 3)).numpy()
    expected = drawn_slowly(original, latents, labels, truncation)
    assert drawn.shape == (3, channels, 16, 16)
    assert np.ptp(drawn) > 0.5
    np.testing.assert_allclose(drawn, expected, atol=1e-4)
    if clamp:  # so low that it makes a difference
        net.synthesis.b16.conv1.clamp = None
        assert np.abs(net(latents, labels, torch.ones(3, 1), constant_noise(net, 3)).numpy() - expected).max() > 0.01
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("sizes", [{"capacity": 200, "widest": 100}, {"capacity": 1000, "widest": 5}, {"depth": 1}])
def test_sizes_are_those_of_the_tensors(network, sizes):
    original = made(32, **sizes)
    found, expected = to_generator(read_network(network(original))).state_dict(), original.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_a_generator_alone_in_its_file(tmp_path, persistent):
    (tmp_path / "alone.pkl").write_bytes(pickle.dumps(kept(persistent, made(8))))
    assert to_generator(read_network(tmp_path / "alone.pkl")).noise_sides == [4, 8, 8]


REFUSED = {
    "architecture 'resnet'": {("synthesis.b8", "skip"): "module"},
    "architecture 'orig'": {(f"synthesis.b{side}", "torgb"): None for side in (4, 8)},
    "inside; expected 4, 8, 16": {("synthesis", "b8"): None},
    "only square pictures": {("synthesis.b4", "const"): torch.zeros(8, 4, 3)},
    "without synthesis.b4.const": {("synthesis", "b4"): None},
    "without mapping.w_avg": {("mapping", "w_avg"): None},
    "without mapping.fc0.weight": {("mapping", "fc0"): None},
    r"mapping\.fc0\.weight has the shape": {("mapping.fc0", "weight"): torch.zeros(9, LATENTS)},
    r"mapping\.w_avg has the shape": {("mapping", "w_avg"): torch.zeros(2, STYLES)},
    r"conv1\.weight has the shape \(8, 8, 5, 5\)": {("synthesis.b8.conv1", "weight"): torch.zeros(8, 8, 5, 5)},
    "a network without noise": {("synthesis.b8.conv1", "noise_strength"): None},
    "another filter than 1 3 3 1": {("synthesis.b8", "resample_filter"): torch.ones(4, 4) / 16},
    "with another filter": {("synthesis.b4.conv1", "resample_filter"): torch.ones(3, 3) / 9},
    "clamped at different values": {("synthesis.b8.conv1", "conv_clamp"): 256},
    "activation of mapping.fc1 is relu, expected lrelu": {("mapping.fc1", "activation"): "relu"},
    "activation of synthesis.b8.conv0 is swish": {("synthesis.b8.conv0", "activation"): "swish"},
    "bias_gain of mapping.fc0 is 1, expected 0.01": {("mapping.fc0", "bias_gain"): 1},
    "weight_gain of synthesis.b8.conv1.affine is dict": {("synthesis.b8.conv1.affine", "weight_gain"): {}},
    "use_noise of synthesis.b4.conv1 is False": {("synthesis.b4.conv1", "use_noise"): False},
    "takes no latents": {("mapping.fc0", "weight"): torch.zeros(STYLES, 0)},
    "something else than finite numbers": {("mapping.fc0", "bias"): torch.full([STYLES], math.nan)},
    "synthesis.b4.const holds something else": {("synthesis.b4", "const"): torch.zeros(8, 4, 4, dtype=torch.int32)},
    r"mapping\.fc2\.bias has the shape none": {("mapping", "fc9"): "module"},
    r"synthesis\.extra\.weight has the shape": {("synthesis", "extra"): "module"},
    r"StyleGAN3 generator": {("synthesis", "input"): "module"},
    "_modules is a list": {("synthesis", "_modules"): [1]},
    "synthesis.b8.conv1 is a str": {("synthesis.b8", "conv1"): "text"},
}


@pytest.mark.parametrize("why", REFUSED)
def test_other_networks_are_refused(network, persistent, why):
    extra = persistent("Conv2dLayer", {"_parameters": {"weight": torch.zeros(1)}, "_buffers": {}, "_modules": {}})
    changes = {place: extra if value == "module" else value for place, value in REFUSED[why].items()}
    with pytest.raises(ModelError, match=why):
        to_generator(read_network(network(made(16), changes)))


def test_modules_without_end_are_told_of(tmp_path, persistent, monkeypatch):
    modules = {"_modules": {"last": persistent("Layer", {})}}
    for _ in range(6):  # a million names from six objects
        modules = {"_modules": dict.fromkeys("abcdefghij", persistent("Layer", modules))}
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps({"G_ema": persistent("Generator", modules)}))
    with pytest.raises(ModelError, match="modules inside modules without end"):
        read_network(path)
    circle = pickled.Saved("Generator", {"_modules": {}})
    circle.state["_modules"]["again"] = circle
    monkeypatch.setattr(pickled, "read", lambda path: {"G_ema": circle})
    with pytest.raises(ModelError, match="modules inside modules without end"):
        read_network(path)


@pytest.mark.parametrize("held", [{"D": None}, [1], {"G_ema": {"weight": 1}}, 5])
def test_a_file_without_a_generator_is_told_of(tmp_path, held):
    (tmp_path / "other.pkl").write_bytes(pickle.dumps(held))
    with pytest.raises(ModelError, match="no G_ema in it"):
        read_network(tmp_path / "other.pkl")


def test_the_card_says_what_it_is(network):
    read = read_network(network(made(16, 1, 2)))
    card = card_of(read, ["sad", "happy"], licence="CC BY-NC 4.0")
    assert (card.kind, card.name, card.classes, card.label_set) == ("generator", "network", ("sad", "happy"), "custom")
    assert (card.preprocess.size_px, card.preprocess.channels, card.preprocess.mean) == (16, 1, (0.5,))
    assert (card.licence, card.data_licence) == ("CC BY-NC 4.0", "unknown")
    assert card.data["brought_in"]["file"] == "network.pkl"
    for names, why in (((), "got 0 names"), (("a", "b", "c"), "got 3 names"), (("happy", "Happiness"), "of its own")):
        with pytest.raises(ModelError, match=why):
            card_of(read, names)
    with pytest.raises(ModelError, match="trained with no classes, got 1"):
        card_of(read_network(network(made(16))), ["happy"])
    for net in (made(4), made(8, 4)):
        with pytest.raises(ModelError, match=r"expected 1 \(grey\) or 3 \(RGB\), and 8 to 1024 px"):
            card_of(read_network(network(net)))


def test_the_model_file_draws_the_same(network, tmp_path):
    original = made(16, 3, 3, 256.0)
    found = bring_in(network(original), tmp_path / "faces.onnx", ("happy", "sad", "fear"), name="mine")
    assert found.parity < 1e-4
    generator = Generator(found.model)
    assert (generator.card.name, generator.latent_size) == ("mine", LATENTS)
    latents, labels = torch.randn(2, LATENTS), torch.eye(3)[1:]
    noise = constant_noise(original, 2)
    assert generator.noise_size == noise.shape[1]
    drawn = generator.render(latents.numpy(), labels.numpy(), np.ones((2, 1), np.float32), noise.numpy())
    expected = (drawn_slowly(original, latents, labels, 1.0) * 127.5 + 127.5).clip(0, 255).transpose(0, 2, 3, 1)
    assert np.ptp(expected) > 100
    np.testing.assert_allclose(drawn, expected, atol=0.51)
    assert not (tmp_path / "ran").exists()


def test_every_class_has_a_centre_of_its_own(network, tmp_path, monkeypatch):
    nets = []
    monkeypatch.setattr(stylegan2_ada, "export", lambda net, card, out: nets.append(net) or 0.0)
    original = made(8, 1, 2)
    for has_one_centre in (False, True):
        bring_in(network(original), tmp_path / "faces.onnx", ("happy", "sad"), has_one_centre=has_one_centre)
    own, shared = (net.mapping.w_avg for net in nets)
    assert torch.equal(shared, original.mapping.w_avg[[0, 0]])
    for label, centre in zip(torch.eye(2), own, strict=True):
        styles = original.mapping(torch.randn(50_000, LATENTS), label.expand(50_000, 2))
        assert (styles.mean(dim=0) - centre).abs().max() < 0.1 * styles.std(dim=0).max()
    assert (own[0] - own[1]).abs().max() > 0.3 * styles.std(dim=0).max()
