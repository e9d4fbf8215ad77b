"""Generators: the networks against second implementations, adaptive augmentation, and a training on toy faces."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mien.errors import ManifestError, RecipeError
from mien.manifest import Manifest
from mien.synth.generator import Generator as Drawer
from mien.train import build, state
from mien.train.augment.ada import EVERY, Ada, change
from mien.train.fit import Fit
from mien.train.loader import Batch
from mien.train.nets.discriminator import Discriminator, spread
from mien.train.nets.stylegan2 import Generator, Layer, Modulated, ladder, twice
from mien.train.run import train
from mien.train.tables import load_recipe
from mien.train.tasks.gan import Critic, Gan

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")

RECIPE = {
    "name": "drawn",
    "task": "gan",
    "export": {"data_licence": "CC0"},
    "preprocess": {"size_px": 16, "channels": 1, "mean": [0.5], "std": [0.5]},
    "gan": {"latents": 8, "styles": 8, "depth": 2, "capacity": 128, "widest": 16},
    "optimizer": {"name": "adam", "rate": 2.5e-3, "betas": [0.0, 0.99]},
    "schedule": {"name": "constant", "epochs": 2},
    "runtime": {"batch": 16, "ema": 0.9, "metric": "fid"},
}
ALONE = SimpleNamespace(all_reduce=lambda value: value, world_size=1, is_global_zero=True, device=torch.device("cpu"))


def filtered(images: torch.Tensor) -> torch.Tensor:
    """Upsampling as the paper's code defines it: zeros in between, then the filter 1 3 3 1 in both directions."""
    count, channels, height, width = images.shape
    apart = torch.zeros(count, channels, 2 * height, 2 * width)
    apart[:, :, ::2, ::2] = images
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (line[:, None] * line)[None, None] / 64 * 4
    each = functional.conv2d(functional.pad(apart, (2, 1, 2, 1)).flatten(0, 1)[:, None], kernel)
    return each.view(count, channels, 2 * height, 2 * width)


@pytest.mark.parametrize(
    ("side", "sides"), [(64, [4, 8, 16, 32, 64]), (48, [3, 6, 12, 24, 48]), (112, [7, 14, 28, 56, 112])]
)
def test_sides(side, sides):
    assert ladder(side) == sides


def test_a_picture_is_enlarged_by_the_filter():
    picture = torch.randn(2, 3, 5, 5)
    torch.testing.assert_close(twice(picture), filtered(picture))


def test_a_modulated_convolution_has_weights_of_its_own_for_every_picture():
    """The paper's equations 1 to 3, one picture after the other."""
    torch.manual_seed(0)
    layer = Modulated(3, 4, 6, 3)
    images, styles = torch.randn(2, 3, 5, 5), torch.randn(2, 6)
    for picture, scales, found in zip(images, layer.affine(styles), layer.convolve(images, styles), strict=True):
        weight = layer.weight * scales[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        torch.testing.assert_close(found, functional.conv2d(picture[None], weight, padding=1)[0], atol=1e-5, rtol=1e-4)


def test_an_enlarging_convolution_is_zeros_in_between_convolution_and_filter():
    torch.manual_seed(0)
    layer = Layer(8, 3, 2, 6, up=True, clamp=None)
    images, styles = torch.randn(1, 3, 4, 4), torch.randn(1, 6)
    scaled = images * layer.affine(styles)[:, :, None, None]
    apart = torch.zeros(1, 3, 9, 9)
    apart[:, :, 1:8:2, 1:8:2] = scaled  # what is between and around is zero
    true_convolution = functional.conv2d(functional.pad(apart, (1, 1, 1, 1)), layer.weight.flip(2, 3))
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    kernel = (line[:, None] * line).expand(2, 1, 4, 4)
    expected = functional.conv2d(functional.pad(true_convolution, (1, 1, 1, 1)), kernel, groups=2)
    weight = layer.weight * layer.affine(styles)[0][None, :, None, None]
    expected = expected / (weight.square().sum(dim=(1, 2, 3)) + 1e-8).sqrt()[None, :, None, None]
    torch.testing.assert_close(layer.convolve(images, styles), expected, atol=1e-5, rtol=1e-4)


def test_truncation_leads_to_the_average_face_of_the_class():
    torch.manual_seed(0)
    net = Generator(16, 1, 2, latents=8, styles=8, depth=2, capacity=128, widest=8).eval()
    net.mapping.find_centres()
    classes, noise = torch.eye(2).repeat(2, 1), torch.zeros(4, net.noises)
    with torch.inference_mode():
        faces = net(torch.randn(4, 8), classes, torch.zeros(4, 1), noise)
        whole = net(torch.randn(4, 8), classes, torch.ones(4, 1), noise)
    torch.testing.assert_close(faces[:2], faces[2:])
    assert (faces[0] - faces[1]).abs().max() > 1e-3
    assert (whole[0] - whole[2]).abs().max() > 1e-3


def test_styles_of_two_latents_meet_at_the_crossover():
    torch.manual_seed(0)
    net = Generator(16, 1, 0, latents=8, styles=8, depth=2, capacity=128, widest=8).eval()
    first, second = torch.randn(2, 1, 8)
    rest = (torch.zeros(1, 0), torch.ones(1, 1), torch.zeros(1, net.noises))
    layers = len(net.noise_sides) + 1
    with torch.inference_mode():
        plain = net(first, *rest), net(second, *rest)
        mixed = [net(first, *rest, second, torch.tensor([[cut]])) for cut in (0, 2, layers)]
    torch.testing.assert_close(mixed[0], plain[1])
    torch.testing.assert_close(mixed[2], plain[0])
    assert all((mixed[1] - other).abs().max() > 1e-3 for other in plain)


def test_sameness_in_a_batch_shows():
    features = torch.randn(1, 3, 4, 4).expand(4, -1, -1, -1)
    assert float(spread(features, 4).max()) == pytest.approx(1e-4, rel=1e-3)  # the root of the 1e-8 inside
    assert float(spread(torch.randn(4, 3, 4, 4), 4).min()) > 0.1


def test_augmentation_follows_the_critic():
    ada = Ada(0.6, ramp=1000)
    pictures = torch.rand(4, 1, 16, 16) * 2 - 1
    assert ada(pictures, torch.Generator()) is pictures
    for _ in range(EVERY):
        ada.observe(torch.ones(10), ALONE)  # sure of all
    assert float(ada.probability) == pytest.approx(EVERY * 10 / 1000)
    for _ in range(EVERY):
        ada.observe(torch.tensor([1.0, -1.0] * 5), ALONE)  # guesses
    assert float(ada.probability) == 0
    again = Ada(0.6, ramp=1000)
    ada.observe(torch.ones(10), ALONE)
    again.load_state_dict(ada.state_dict())
    assert float(again.steps) == 1


def test_augmentation_changes_pictures_as_often_as_it_says():
    pictures = torch.rand(64, 3, 16, 16) * 2 - 1
    always = change(pictures, 1.0, torch.Generator().manual_seed(0))
    assert (always - pictures).abs().amax(dim=(1, 2, 3)).min() > 1e-2
    rarely = change(pictures, 0.01, torch.Generator().manual_seed(0))
    untouched = (rarely - pictures).abs().amax(dim=(1, 2, 3)) < 1e-4
    assert 0.75 < float(untouched.float().mean()) <= 1


def test_the_penalty_is_the_squared_slope():
    """A critic that weighs pixels has the same slope everywhere: its weights."""

    class Weighing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.full((16 * 16,), 0.125))

        def forward(self, images, classes):
            return images.flatten(1) @ self.weight

    recipe = load_recipe({**RECIPE, "gan": {**RECIPE["gan"], "r1": 2.0, "r1_every": 4}})
    critic = Critic(Weighing(), Ada(0.0, 1))  # type: ignore[arg-type]
    task = Gan(build.generator(recipe, 2), critic, recipe.gan, None, None, None, None, 0, ALONE)  # type: ignore[arg-type]
    pixels = torch.randint(0, 256, (8, 16, 16, 1), dtype=torch.uint8)
    found = []
    for step in range(2):
        batch = Batch(pixels, torch.eye(2).repeat(4, 1), None, torch.Generator().manual_seed(step), 1)
        update = task._judge(task.parts(), batch)
        found.append(
            (update.logs.get("r1", torch.tensor(0.0)).detach(), float((update.loss - update.logs["critic"]).detach()))
        )
    assert found[0][0].item() == pytest.approx(256 * 0.125**2)
    assert found[0][1] == pytest.approx(2.0 / 2 * 4 * 4.0, rel=1e-4)  # half the strength, four times for four steps
    assert found[1] == (0.0, 0.0)
    assert (int(critic.images), int(critic.steps)) == (16, 2)


@pytest.fixture(scope="module")
def finished(toy_manifest, tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "drawn"
    return train(load_recipe(RECIPE), Manifest.load(toy_manifest), out, device="cpu")


def test_a_training_leaves_a_generator_that_draws_every_class(finished):
    drawer = Drawer(finished.model, threads=1)
    card = drawer.card
    assert (card.kind, card.classes, card.label_set) == ("generator", ("angry", "happy", "sad", "neutral"), "basic4")
    assert card.metrics["selection"]["fid"] == pytest.approx(min(epoch["val"]["fid"] for epoch in finished.epochs()))
    assert json.loads(finished.done.read_text())["best"] == pytest.approx(card.metrics["selection"]["fid"], rel=1e-4)
    assert "made" in card.forbidden_use
    assert sorted(path.name for path in finished.drawn.iterdir()) == ["000000064.png", "000000128.png"]
    logs = finished.epochs()[0]["train"]
    assert {"critic", "generator", "r1", "real", "augmented"} <= logs.keys()


def test_the_file_draws_what_the_net_does(finished):
    net = build.generator(load_recipe(RECIPE), 4).eval()
    net.load_state_dict(state.load(finished.best)["parts"]["generator"])
    drawer = Drawer(finished.model, threads=1)
    inputs = {
        "latents": np.random.default_rng(0).standard_normal((3, 8), np.float32),
        "classes": np.eye(4, dtype=np.float32)[:3],
        "truncation": np.full((3, 1), 0.7, np.float32),
        "noise": np.random.default_rng(1).standard_normal((3, net.noises), np.float32),
    }
    with torch.inference_mode():
        expected = net(*map(torch.from_numpy, inputs.values())).numpy()
    np.testing.assert_allclose(drawer._session.run(["faces"], inputs)[0], expected, atol=1e-3)


@pytest.mark.usefixtures("unexported")
def test_a_killed_run_goes_on_exactly(finished, toy_manifest, tmp_path, monkeypatch):
    whole = Fit._keep

    def killed(self, chosen):
        whole(self, chosen)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Fit, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            train(load_recipe(RECIPE), Manifest.load(toy_manifest), tmp_path / "run", device="cpu")
    run = train(load_recipe(RECIPE), Manifest.load(toy_manifest), tmp_path / "run", device="cpu")
    for part in ("generator", "critic"):
        before, after = (state.load(each.last)["parts"][part] for each in (finished, run))
        for name, value in before.items():
            torch.testing.assert_close(after[name], value, rtol=0, atol=0)
    assert run.epochs()[1]["val"] == finished.epochs()[1]["val"]


def test_faces_of_no_class(toy_manifest, tmp_path):
    recipe = load_recipe(
        RECIPE,
        [
            "gan.conditional=false",
            "schedule.epochs=1",
            "preprocess={size_px: 16, channels: 3, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}",
        ],
    )
    manifest = Manifest.load(toy_manifest)
    run = train(recipe, manifest.with_columns(label=""), tmp_path / "run", device="cpu")
    drawer = Drawer(run.model, threads=1)
    assert drawer.card.classes == ()
    assert Discriminator(16, 3, 0, capacity=128, widest=8)(torch.zeros(2, 3, 16, 16), torch.ones(2, 1)).shape == (2,)


def test_a_generator_does_not_learn_from_another(toy_manifest, tmp_path):
    manifest = Manifest.load(toy_manifest).with_columns(origin="synthetic")
    with pytest.raises(ManifestError, match="64 of 64 faces are synthetic"):
        train(load_recipe(RECIPE), manifest, tmp_path / "run", device="cpu")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["preprocess.size_px=50"], "50 cannot be reached"),
        (["preprocess.std=[1.0]"], "values from -1 to 1"),
        (["augment.level=3"], "augment: does nothing with task: gan"),
        (["runtime.metric=accuracy"], "task gan is judged by fid or kid"),
        (["optimizer.sam=0.1"], "not for task: gan"),
        (["gan.mixin=1"], "did you mean mixing"),
    ],
)
def test_mistakes_in_a_recipe(overrides, said):
    with pytest.raises(RecipeError, match=said):
        load_recipe(RECIPE, overrides)
