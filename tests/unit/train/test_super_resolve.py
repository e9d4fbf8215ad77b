"""Enhancers: parameter counts, what they start as, and a training from large faces to a model file that runs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mien.card import Card
from mien.data.sources.toy import toy_faces
from mien.enhance.enhancer import Enhancer
from mien.enhance.quality import ssim
from mien.errors import RecipeError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.runtime.session import Opened
from mien.train import build
from mien.train.judge import Judge
from mien.train.run import train
from mien.train.tables import ENHANCERS, load_recipe
from mien.train.tasks.super_resolve import charbonnier, likeness

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")

ENHANCE = {
    "name": "larger",
    "task": "super_resolve",
    "preprocess": {"size_px": 12, "channels": 1, "mean": [0], "std": [1]},
    "enhance": {"net": "subpixel", "scale": 2, "options": {"width": 8, "blocks": 1}},
    "optimizer": {"name": "adam", "rate": 5e-3},
    "schedule": {"epochs": 10},
    "runtime": {"batch": 8, "metric": "psnr"},
}


def recipe(**enhance):
    return Recipe.model_validate({**ENHANCE, "enhance": {**ENHANCE["enhance"], **enhance}})


@pytest.fixture(scope="module")
def large_faces(tmp_path_factory) -> Manifest:
    """64 drawn faces of 24 px, and one that is too small to learn from."""
    folder = tmp_path_factory.mktemp("large")
    faces = toy_faces(64, labels=Labels.named("basic4"), size_px=24, seed=1)
    np.save(folder / "faces.npy", faces.images)
    np.save(folder / "small.npy", faces.images[:1, :12, :12])
    return Manifest.of(
        root=folder,
        image=[*(f"faces.npy#{row}" for row in range(64)), "small.npy#0"],
        split=["train"] * 48 + ["val"] * 16 + ["train"],
    )


@pytest.fixture(scope="module")
def finished(large_faces, tmp_path_factory):
    torch.set_num_threads(1)
    said: list[str] = []
    run = train(recipe(), large_faces, tmp_path_factory.mktemp("runs") / "larger", device="cpu", say=said.append)
    return run, said


@pytest.mark.parametrize(("name", "count"), [("srcnn", 20_545), ("enhanced_srcnn", 66_801), ("subpixel", 236_320)])
def test_parameters(name, count):
    net = ENHANCERS.load(name)(4)
    assert sum(parameter.numel() for parameter in net.parameters()) == count


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", list(ENHANCERS))
def test_an_untrained_net_gives_bicubic_interpolation_of_any_size(name, scale):
    net = ENHANCERS.load(name)(scale).eval()
    images = torch.rand(2, 1, 10, 13)
    plain = torch.nn.functional.interpolate(images, scale_factor=scale, mode="bicubic")
    with torch.inference_mode():
        torch.testing.assert_close(net(images), plain, atol=1e-5, rtol=0)


def test_the_small_net_costs_less_than_those_of_the_document():
    """Multiplications for one face of 48 px at x4, counted layer by layer."""

    def cost(name):
        net, total = ENHANCERS.load(name)(4).eval(), 0

        def count(layer, _, output):
            nonlocal total
            total += layer.weight.numel() * output.shape[2] * output.shape[3]

        for layer in net.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.register_forward_hook(count)
        with torch.inference_mode():
            net(torch.zeros(1, 1, 48, 48))
        return total / 1e6

    assert cost("subpixel") < 0.75 * cost("srcnn") < cost("enhanced_srcnn")


def test_losses_by_hand():
    large = torch.zeros(1, 1, 8, 8)
    step = 1 / 255
    assert float(charbonnier(large, large)) == pytest.approx(0, abs=1e-9)
    assert float(charbonnier(large + step, large)) == pytest.approx((2**0.5 - 1) * step, rel=1e-4)
    assert float(likeness(large + 0.5, large)) == pytest.approx(1e-4 / (0.25 + 1e-4), rel=1e-3)


def test_the_loss_and_the_metric_agree_on_what_is_alike():
    draw = np.random.default_rng(0)
    original = toy_faces(1, labels=Labels.named("basic4"), size_px=48, seed=1).images[0]
    original = original if original.ndim == 2 else original[..., 0]
    likes = []
    for strength in (5, 20, 60):
        bent = np.clip(original + draw.normal(0, strength, original.shape), 0, 255).astype(np.uint8)
        tensors = [torch.from_numpy(each / 255.0)[None, None] for each in (bent, original)]
        likes.append((ssim(bent, original), float(likeness(*tensors))))
    assert all(abs(metric - loss) < 0.1 for metric, loss in likes)
    assert likes == sorted(likes, reverse=True)


def test_a_training_leaves_an_enhancer_that_beats_interpolation(finished, large_faces):
    run, said = finished
    last = run.epochs()[-1]["val"]
    assert last["psnr"] > last["bicubic_psnr"] + 0.1
    assert last["ssim"] > last["bicubic_ssim"]
    assert any("1 faces of train smaller than 24 px" in line for line in said)
    card = Opened(run.model, threads=1).card
    assert (card.kind, card.scale, card.classes) == ("enhancer", 2, ())
    assert card.metrics["selection"]["psnr"] == pytest.approx(max(epoch["val"]["psnr"] for epoch in run.epochs()))
    assert isinstance(card, Card)


def test_the_file_computes_what_the_net_does(finished):
    run, _ = finished
    net = build.net(Recipe.load(run.recipe), 0)
    net.load_state_dict(torch.load(run.best, weights_only=True)["parts"]["net"])
    picture = np.random.default_rng(0).integers(0, 256, (15, 20), dtype=np.uint8)
    with torch.inference_mode():
        tensor = torch.from_numpy(picture / np.float32(255))[None, None]
        expected = (net.eval()(tensor)[0, 0] * 255).round().clamp(0, 255).numpy()
    (found,) = Enhancer(run.model, (30, 40), threads=1)([picture])
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.99


def test_a_run_that_was_stopped_goes_on_to_the_same_end(finished, large_faces, tmp_path):
    from mien.errors import MienError

    class Stop(MienError):
        """Pulls the plug."""

    class Plug:
        def step(self, epoch, step, steps, logs):
            if epoch == 5:
                raise Stop("")

        def epoch(self, record):
            pass

    with pytest.raises(Stop):
        train(recipe(), large_faces, tmp_path / "run", device="cpu", watch=lambda run, recipe, epoch: [Plug()])
    again = train(recipe(), large_faces, tmp_path / "run", device="cpu")
    ends = [run.epochs()[-1]["val"] for run in (finished[0], again)]
    assert ends[0] == ends[1]


def test_a_judge_looks_on(large_faces, tmp_path):
    classes = Recipe.model_validate(
        {
            "preprocess": {"size_px": 32, "channels": 1, "mean": [0.5], "std": [0.5]},
            "model": {"backbone": "timm:test_efficientnet"},
            "schedule": {"epochs": 1},
            "runtime": {"batch": 16},
        }
    )
    names = Labels.named("basic4").names
    labelled = large_faces.with_columns(label=[names[row % 4] for row in range(len(large_faces))])
    judge = train(classes, Manifest(labelled.frame, labelled.root), tmp_path / "judge", device="cpu")
    looks = Judge(judge.path)
    faces = torch.rand(3, 1, 24, 24)
    assert float(looks(faces, faces)) == pytest.approx(0, abs=1e-6)
    faces.requires_grad_()
    apart = looks(faces, torch.rand(3, 1, 24, 24))
    apart.backward()
    assert float(apart.detach()) > 0
    assert faces.grad is not None
    assert not looks.train().net.training
    watched = recipe(judge=str(judge.path), consistency=0.1)
    watched = watched.model_copy(update={"schedule": watched.schedule.model_copy(update={"epochs": 1})})
    run = train(watched, large_faces, tmp_path / "run", device="cpu")
    assert abs(run.epochs()[0]["train"]["apart"]) < 1  # hardly trained, it answers nearly the same to all
    with pytest.raises(RecipeError, match="not the finished run of a recognizer"):
        Judge(run.path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["runtime.metric=accuracy"], "judged by psnr or ssim"),
        (["augment.level=3"], "augment: does nothing with task: super_resolve"),
        (["enhance.judge=runs/x"], "need each other"),
        (["enhance.net=subpixl"], "subpixel"),
        (["preprocess.mean=[0.5]"], "luminance from 0 to 1"),
        (["task=super_resolv"], "super_resolve"),
    ],
)
def test_mistakes_in_a_recipe(changes, words):
    with pytest.raises(RecipeError, match=words):
        load_recipe("subpixel", changes)


def test_an_enhancers_parts_do_nothing_for_a_classifier():
    with pytest.raises(RecipeError, match="enhance: does nothing with task: classify"):
        load_recipe("s3", ["enhance.scale=2"])
    with pytest.raises(RecipeError, match="judged by accuracy"):
        load_recipe("s3", ["runtime.metric=psnr"])


def test_what_only_shows_when_it_is_built(large_faces, tmp_path):
    for changes, words in (({"options": {"depth": 3}}, "has width, blocks, got depth"), ({"patch_px": 13}, "patch_px")):
        with pytest.raises(RecipeError, match=words):
            train(recipe(**changes), large_faces, tmp_path / "run", device="cpu")
    assert not Path(tmp_path / "run").exists()


def test_curves_and_card_of_an_enhancer(finished, tmp_path):
    from mien.report.history import plot_history
    from mien.train.shortcut import Trained

    run, _ = finished
    assert plot_history(run.epochs(), tmp_path / "history.png").stat().st_size > 10_000
    assert "PSNR" in str(Trained(run))
    assert "Not evidence" in Opened(run.model, threads=1).card.forbidden_use
