"""What another classifier learned, as a start: the weights of a run and those of a model file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from mien.card import Card
from mien.errors import ModelError, RecipeError
from mien.images import read
from mien.labels import Labels
from mien.manifest import Manifest
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.runtime.network import Network
from mien.train import build, state
from mien.train.export import export
from mien.train.nets import exported
from mien.train.nets.exported import settle
from mien.train.nets.start import origins
from mien.train.precision.half import halve
from mien.train.precision.int8 import quantise
from mien.train.run import train

FOUR = Labels.named("basic4")
GREY = {"size_px": 32, "channels": 1, "mean": [0.5], "std": [0.5]}
FACES = torch.rand(6, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1


def recipe_of(backbone: str, weights: str = "none", size_px: int = 32, **model) -> Recipe:
    return Recipe.model_validate(
        {"preprocess": GREY | {"size_px": size_px}, "model": {"backbone": backbone, "weights": weights, **model}}
    )


def as_if_trained(net: nn.Module) -> nn.Module:
    """Batch norms that do something, and biases."""
    torch.manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
        if getattr(module, "bias", None) is not None:
            module.bias.data.normal_(0, 0.2)
    return net.eval()


def card_of(recipe: Recipe, labels: Labels = FOUR) -> Card:
    return Card(name="start", classes=tuple(labels), preprocess=recipe.preprocess)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[nn.Module, Path]:
    """A net and its model file."""
    recipe = recipe_of("timm:test_efficientnet")
    net = as_if_trained(build.net(recipe, 4))
    path = tmp_path_factory.mktemp("small") / "small.onnx"
    export(net, card_of(recipe), path)
    return net, path


@pytest.mark.parametrize(
    ("backbone", "size_px", "head"),
    [
        ("plain48", 48, {"name": "mlp", "hidden": [8, 6]}),  # convolutions and linear layers with biases of their own
        ("timm:test_resnet", 32, {"name": "attention", "hidden": [8]}),  # norms that cannot be folded
    ],
)
def test_a_model_file_comes_back_as_the_net_it_was(tmp_path: Path, backbone: str, size_px: int, head: dict):
    recipe = recipe_of(backbone, size_px=size_px, head=head)
    net = as_if_trained(build.net(recipe, 4))
    export(net, card_of(recipe), tmp_path / "it.onnx")
    again = build.classifier(recipe_of(backbone, f"model:{tmp_path / 'it.onnx'}", size_px, head=head), FOUR).eval()
    faces = FACES[..., :size_px, :size_px]
    expected = net(faces)
    torch.testing.assert_close(again(faces), expected, rtol=1e-3, atol=1e-4)
    settle(again, faces)
    torch.testing.assert_close(again(faces), expected, rtol=1e-3, atol=1e-4)
    norms = [module for module in again.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert not any((norm.running_var == 1 - norm.eps).all() for norm in norms)


def test_norms_have_the_statistics_of_the_faces(small):
    """So a net in training, which takes those of the batch, begins where the file ended."""
    net, path = small
    again = build.classifier(recipe_of("timm:test_efficientnet", f"model:{path}"), FOUR)
    faces = FACES[..., :32, :32]
    settle(again, faces)
    again.train()
    torch.testing.assert_close(again(faces), net(faces), rtol=0.05, atol=0.05)
    settled = {name: value.clone() for name, value in again.state_dict().items()}
    settle(again, faces / 2)  # nothing is left to settle
    torch.testing.assert_close(again.state_dict(), settled)


@pytest.mark.parametrize(("precision", "largest"), [("int8", 0.05), ("fp16", 1e-3)])
def test_smaller_files_are_a_start_too(small, tmp_path: Path, precision: str, largest: float):
    net, path = small
    model = onnx.load(path)
    batches = [FACES[..., :32, :32].numpy()]
    onnx.save(quantise(model, batches) if precision == "int8" else halve(model), tmp_path / "less.onnx")
    expected, given = exported.tensors(path), exported.tensors(tmp_path / "less.onnx")
    assert set(expected) <= set(given)
    for name, tensor in expected.items():
        assert (given[name] - tensor).abs().max() <= largest * tensor.abs().max(), name
    again = build.classifier(recipe_of("timm:test_efficientnet", f"model:{tmp_path / 'less.onnx'}"), FOUR).eval()
    torch.testing.assert_close(again(FACES[..., :32, :32]), net(FACES[..., :32, :32]), rtol=0, atol=0.1)


def test_what_ships_is_a_start(portrait: Path):
    shipped, shown = Network("fast", threads=1), [read(portrait)]
    recipe = Recipe.model_validate(
        {
            "preprocess": shipped.card.preprocess.model_dump(),
            "model": {
                "backbone": "shallow:mobilenetv1_100",
                "options": {"keep": [1, 2, 2, 1, 1]},
                "weights": "model:fast",
            },
        }
    )
    net = build.classifier(recipe, shipped.card.labels).eval()
    ours = net(torch.from_numpy(shipped.card.preprocess(shown))).detach().numpy()
    np.testing.assert_allclose(ours, shipped.logits(shown), atol=0.5)
    assert ours.argmax() == shipped.logits(shown).argmax()


def test_classes_are_known_by_name(small):
    net, path = small
    theirs = {label: row for row, label in enumerate(FOUR)}
    ours = Labels(("neutral", "fear", "Happiness"))
    head = build.classifier(recipe_of("timm:test_efficientnet", f"model:{path}"), ours).head[-1]
    torch.testing.assert_close(head.weight[0], net.head[-1].weight[theirs["neutral"]])
    torch.testing.assert_close(head.bias[2], net.head[-1].bias[theirs["happy"]])
    assert not any(torch.equal(head.weight[1], row) for row in net.head[-1].weight)  # fear is new


def test_classes_of_a_run_are_known_by_name(tmp_path: Path):
    recipe, run = recipe_of("timm:test_efficientnet"), RunDir(tmp_path)
    net = build.net(recipe, 4)
    torch.save({"epoch": 1, "parts": {"net": net.state_dict()}}, run.best)
    ours = Labels(tuple(reversed(FOUR.names)))
    again = recipe_of("timm:test_efficientnet", f"run:{run.best}")
    as_they_lie = build.classifier(again, ours)  # only best.pt is there: the order is taken to be the same
    torch.testing.assert_close(as_they_lie.head[-1].weight, net.head[-1].weight)
    run.write_json(run.data, {"classes": list(FOUR)})
    by_name = build.classifier(again, ours)
    assert origins(again.model, again.preprocess) == [{"name": tmp_path.name, "data": {"classes": list(FOUR)}}]
    torch.testing.assert_close(by_name.head[-1].weight, net.head[-1].weight.flip(0))


def test_another_head_begins_anew(small):
    net, path = small
    recipe = recipe_of("timm:test_efficientnet", f"model:{path}", head={"name": "mlp", "hidden": [8]})
    again = build.classifier(recipe, FOUR)
    torch.testing.assert_close(again.backbone.eval()(FACES), net.backbone(FACES), rtol=1e-3, atol=1e-4)


def test_a_member_of_a_fused_net_begins_with_a_model_file(small):
    net, path = small
    members = [{"backbone": "timm:test_efficientnet", "weights": f"model:{path}"}, {"backbone": "timm:test_resnet"}]
    recipe = recipe_of("fused", members=members)
    fused = build.classifier(recipe, FOUR).eval()
    torch.testing.assert_close(fused.backbone.members[0](FACES), net.backbone(FACES), rtol=1e-3, atol=1e-4)
    assert recipe.model.starts == ("none", f"model:{path}", "none")


def test_what_does_not_fit_is_told(small, tmp_path: Path):
    path = small[1]
    with pytest.raises(RecipeError, match=r"model\.weights: small\.onnx has no conv1.+: it is of another net"):
        build.classifier(recipe_of("timm:test_resnet", f"model:{path}"), FOUR)
    with pytest.raises(ModelError, match=r"unknown model 'dfault': did you mean 'default'"):
        build.classifier(recipe_of("timm:test_resnet", "model:dfault"), FOUR)
    for without in (str(path), "default"):
        with pytest.raises(RecipeError, match=rf"model\.weights: {re.escape(without)} is a model: say model:"):
            build.classifier(recipe_of("timm:test_resnet", without), FOUR)
    with pytest.raises(ModelError, match="is a model of kind enhancer; a recognizer is needed"):
        build.classifier(recipe_of("timm:test_resnet", "model:srcnn"), FOUR)
    darker = Recipe.model_validate(
        {
            "preprocess": GREY | {"mean": [0.4]},
            "model": {"backbone": "timm:test_efficientnet", "weights": f"model:{path}"},
        }
    )
    with pytest.raises(RecipeError, match=r"small\.onnx learned with \{mean: \[0\.5\], std: \[0\.5\]\}; set the same"):
        build.classifier(darker, FOUR)


def test_a_run_that_begins_with_a_model_file_goes_on_exactly_without_it(
    small, quick: Recipe, toy_manifest: Path, tmp_path: Path, killed_after_an_epoch, unexported
):
    """The checkpoint has all weights."""
    manifest, copy = Manifest.load(toy_manifest), tmp_path / "copy.onnx"
    copy.write_bytes(small[1].read_bytes())
    recipe = quick.model_copy(update={"model": quick.model.model_copy(update={"weights": f"model:{copy}"})})
    whole = train(recipe, manifest, tmp_path / "whole", device="cpu")
    killed_after_an_epoch(lambda: train(recipe, manifest, tmp_path / "halves", device="cpu"))
    copy.unlink()
    halves = train(recipe, manifest, tmp_path / "halves", device="cpu")
    ours, theirs = (state.load(run.last)["parts"]["net"] for run in (halves, whole))
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    (origin,) = halves.read_json(halves.data)["begun_with"]  # for the card
    assert (origin["name"], origin["data_licence"], len(origin["sha256"])) == ("start", "unknown", 64)
