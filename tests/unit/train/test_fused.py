"""Nets that are weighed against each other: what they compute, and how it reaches the scores."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import mien
from mien.card import Card
from mien.errors import ModelError, ParityError, RecipeError
from mien.evaluate.members import member_weights
from mien.labels import Labels
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.recipe import Recipe
from mien.runtime.network import Network
from mien.scores import Scores
from mien.train import build
from mien.train import export as exporting
from mien.train.nets.classifier import Answers, Classifier
from mien.train.nets.fused import Fused
from mien.train.run import train
from mien.train.tables import load_recipe

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")

PREPROCESS = Preprocess(size_px=8, channels=1, mean=(0.5,), std=(0.5,))
PREPROCESS_32 = PREPROCESS.model_copy(update={"size_px": 32})
FOUR = Labels.named("basic4")


class Tiny(nn.Sequential):
    """A linear net on 8x8 grey pictures."""

    def __init__(self, num_features: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(64, num_features))
        self.num_features = num_features


def tiny() -> Classifier:
    torch.manual_seed(0)
    net = Classifier(Fused([Tiny(3), Tiny(5), Tiny(2)], width=6), nn.Linear(6, 4))
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    nn.init.normal_(net.backbone.attention.weight)  # so that weights differ
    return net.eval()


def fused_recipe(*members: dict, **model) -> Recipe:
    return load_recipe(
        {
            "preprocess": {"size_px": 32, "channels": 1, "mean": [0.5], "std": [0.5]},
            "model": {"backbone": "fused", "members": list(members), **model},
        }
    )


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_two_nets_have_the_published_number_of_parameters(library: str):
    members = [{"backbone": f"{library}:{name}"} for name in ("efficientnet_b0", "resnet18")]
    model = {"backbone": "fused", "members": members, "head": {"name": "mlp", "hidden": [256], "dropout": 0.2}}
    with torch.device("meta"):
        net = build.net(load_recipe({"model": model}), classes=7)
    assert sum(parameter.numel() for parameter in net.backbone.members.parameters()) == 4_007_548 + 11_176_512
    assert sum(parameter.numel() for parameter in net.parameters()) == 16_240_325


def test_features_and_weights_by_a_second_implementation():
    net = tiny().backbone
    pictures = torch.rand(7, 1, 8, 8)
    with torch.inference_mode():
        features, weights = net.weigh(pictures)
        torch.testing.assert_close(net(pictures), features)
    state = {name: value.double().numpy() for name, value in net.state_dict().items()}
    gelu = np.vectorize(lambda value: value * (1 + math.erf(value / math.sqrt(2))) / 2)
    flat, found = pictures.flatten(1).double().numpy(), []
    for number in range(3):
        member, project = f"members.{number}.1.", f"projections.{number}."
        own = flat @ state[member + "weight"].T + state[member + "bias"]
        wide = own @ state[project + "0.weight"].T + state[project + "0.bias"]
        spread = np.sqrt(state[project + "1.running_var"] + 1e-5)
        normed = (wide - state[project + "1.running_mean"]) / spread * state[project + "1.weight"]
        found.append(gelu(normed + state[project + "1.bias"]))
    power = np.exp(np.concatenate(found, axis=1) @ state["attention.weight"].T + state["attention.bias"])
    shares = power / power.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, shares, rtol=1e-4)
    np.testing.assert_allclose(features, sum(shares[:, [m]] * found[m] for m in range(3)), rtol=1e-4, atol=1e-5)
    assert shares.std(axis=0).max() > 0.01  # they do differ from picture to picture


def test_the_weights_are_a_second_output_of_the_model_file(tmp_path: Path):
    net = tiny()
    card = Card(name="x", classes=tuple("abcd"), members=("p", "q", "r"), preprocess=PREPROCESS)
    exporting.export(net, card, tmp_path / "x.onnx")
    network = Network(tmp_path / "x.onnx", threads=1)
    faces = list(np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8))
    with torch.inference_mode():
        logits, weights = Answers(net)(torch.from_numpy(PREPROCESS(faces)))
        _, mirrored = Answers(net)(torch.from_numpy(PREPROCESS([face[:, ::-1] for face in faces])))
    for batch_size in (2, 8):
        found = network.answers(faces, batch_size=batch_size)
        np.testing.assert_allclose(found.logits, logits, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.member_weights, weights, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(network.logits(faces), logits, rtol=1e-4, atol=1e-5)
    flipped = network.answers(faces, flip=True).member_weights
    np.testing.assert_allclose(flipped, (weights + mirrored) / 2, rtol=1e-4, atol=1e-5)
    assert [part.shape for part in network.answers([])] == [(0, 4), (0, 3)]


def test_a_card_of_another_net_is_told(tmp_path: Path):
    card = Card(name="x", classes=tuple("abcd"), members=("p", "q"), preprocess=PREPROCESS)
    exporting.export(tiny(), card, tmp_path / "x.onnx")
    with pytest.raises(ModelError, match=r"member_weights of shape \[3\], but its card says \[2\]"):
        Network(tmp_path / "x.onnx")
    exporting.export(nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), card, tmp_path / "x.onnx")
    with pytest.raises(ModelError, match=r"member_weights of shape \[\], but its card says \[2\]"):
        Network(tmp_path / "x.onnx")


def test_weights_that_come_out_otherwise_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = exporting.parity

    def bent(answers, model, shapes):
        net = answers.net
        with torch.no_grad():
            net.head.weight.zero_()  # the logits agree whatever the members weigh
            net.backbone.attention.bias[0] += 1
        return real(answers, model, shapes)

    net = tiny()
    nn.init.zeros_(net.head.weight)
    card = Card(name="x", classes=tuple("abcd"), members=("p", "q", "r"), preprocess=PREPROCESS)
    monkeypatch.setattr(exporting, "parity", bent)
    with pytest.raises(ParityError, match="member_weights: exported model differs"):
        exporting.export(net, card, tmp_path / "x.onnx")


def test_mistakes_of_all_members_are_told_with_their_place():
    with pytest.raises(RecipeError) as caught:
        fused_recipe({"backbone": "plan48"}, {"backbone": "plain48", "wieghts": "none"})
    assert caught.value.mistakes == [
        "model.members.0.backbone: unknown backbone 'plan48': did you mean 'plain48'?",
        "model.members.1.wieghts: unknown key; did you mean weights?",
    ]
    wrong = {"backbone": "xception", "weights": "nowhere.pth"}
    recipe = fused_recipe({"backbone": "timm:resnet81"}, {"backbone": "plain48"}, wrong)
    with pytest.raises(RecipeError) as caught:
        build.classifier(recipe, FOUR)
    places = [line.split(":")[0] for line in caught.value.mistakes]
    assert places == ["model.members.0.backbone", "preprocess.size_px", "model.members.2.weights"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"backbone": "fused"}, "fused needs two members or more, got 0"),
        ({"backbone": "fused", "members": [{"backbone": "plain48"}]}, "two members or more, got 1"),
        ({"members": [{"backbone": "plain48"}]}, "members belong to backbone: fused, and the backbone is plain48"),
        ({"backbone": "fused", "members": [{"backbone": "fused"}] * 2}, "cannot be fused itself"),
        (
            {"backbone": "fused", "weights": "pretrained", "members": [{"backbone": "plain48"}] * 2},
            "its members have: members.<number>.weights",
        ),
    ],
)
def test_members_and_fused_go_together(model: dict, words: str):
    with pytest.raises(RecipeError, match="1 mistake\n  - model: ") as caught:
        load_recipe({"model": model})
    assert words in str(caught.value)


def test_options_of_a_fused_net():
    members = [{"backbone": "timm:test_efficientnet"}] * 2
    net = build.backbone(fused_recipe(*members, options={"width": 24, "dropout": 0.0}).model, PREPROCESS_32)
    assert (net.num_features, net.projections[1][0].out_features, net.projections[0][3].p) == (24, 24, 0.0)
    wrong = fused_recipe(*members, options={"width": 0, "dropout": 1, "depth": 2})
    with pytest.raises(RecipeError) as caught:
        build.backbone(wrong.model, PREPROCESS_32)
    assert [line.split(":")[0].rpartition(".")[2] for line in caught.value.mistakes] == ["width", "dropout", "depth"]


def test_a_member_starts_from_the_run_of_a_single_net(tmp_path: Path):
    torch.manual_seed(0)
    alone = build.classifier(fused_recipe(backbone="timm:test_efficientnet"), FOUR)
    torch.save({"epoch": 1, "parts": {"net": alone.state_dict()}}, tmp_path / "best.pt")
    recipe = fused_recipe(
        {"backbone": "timm:test_efficientnet", "weights": f"run:{tmp_path / 'best.pt'}"},
        {"backbone": "timm:test_efficientnet"},
    )
    net = build.classifier(recipe, FOUR)
    first, second = (member.state_dict() for member in net.backbone.members)
    for name, value in alone.backbone.state_dict().items():
        torch.testing.assert_close(first[name], value)
    assert not torch.equal(first["conv_stem.weight"], second["conv_stem.weight"])
    assert recipe.model.without_weights().members[0].weights == "none"


def test_from_training_to_weights_in_the_scores(toy_manifest: Path, tmp_path: Path):
    members = [{"backbone": "timm:test_efficientnet"}] * 2
    plan = ["schedule.epochs=1", "runtime.batch=32", "optimizer.freeze=[backbone.members.0]"]
    recipe = Recipe.load(fused_recipe(*members, options={"width": 16}), plan)
    run = train(recipe, Manifest.load(toy_manifest), tmp_path / "run", device="cpu")
    evaluation = mien.evaluate_model(run.model, toy_manifest, "val", out=tmp_path / "scores.npz", draws=0)
    scores = Scores.load(tmp_path / "scores.npz")
    assert scores.members == ("timm:test_efficientnet", "timm:test_efficientnet")
    assert scores.member_weights.shape == (32, 2)
    np.testing.assert_allclose(scores.member_weights.sum(axis=1), 1, atol=1e-5)
    told = evaluation.to_dict()["member_weights"]
    assert told == member_weights(scores)
    assert set(told["classes"]) == {"angry", "happy", "sad", "neutral"}
    assert "mean weight of each net" in str(evaluation)
    assert mien.predict(np.zeros((40, 40, 3), np.uint8), run.model, detector="whole")
