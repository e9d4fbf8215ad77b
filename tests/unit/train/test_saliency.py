"""Grad-CAM: by hand on a net that can be computed, on a real one, and where there is nothing to see."""

import numpy as np
import pytest
import torch
from torch import nn

from mien.errors import RunError
from mien.labels import Labels
from mien.preprocess import Preprocess
from mien.recipe import Recipe
from mien.rundir import RunDir
from mien.train import build, state
from mien.train.nets.classifier import Classifier
from mien.train.saliency import Saliency, _layer, _trunks


class Two(nn.Module):
    """Two channels, the picture and its negative, pooled to their means."""

    num_features = 2

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.conv.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.relu(self.conv(images)).mean(dim=(2, 3))


@pytest.fixture
def by_hand() -> Saliency:
    head = nn.Linear(2, 2, bias=False)
    head.weight.data = torch.eye(2)  # class 0 likes bright pixels, class 1 dark ones
    found = Saliency.__new__(Saliency)
    found.net = Classifier(Two(), head).eval()
    found.preprocess = Preprocess(size_px=8, channels=1, mean=(0.5,), std=(0.5,))
    found.labels = Labels(("bright", "dark"))
    found.layers = [found.net.backbone.relu]
    return found


def test_by_hand(by_hand):
    face = np.full((8, 8, 3), 128, np.uint8)
    face[:, :4], face[:, 6:] = 255, 0
    maps = by_hand([face, face], np.array([0, 1]))
    # channel 0 is the brightness above mid grey and has the gradient 1/64 everywhere; channel 1 that below
    np.testing.assert_allclose(maps[0][:, :4], 1)
    np.testing.assert_allclose(maps[0][:, 6:], 0)
    np.testing.assert_allclose(maps[1][:, 6:], 1)
    np.testing.assert_allclose(maps[1][:, :6], 0)


def test_nothing_positive_stays_zero(by_hand):
    assert by_hand([np.zeros((8, 8, 3), np.uint8)], np.array([0])).max() == 0


@pytest.mark.parametrize("name", ["timm:test_resnet", "plain48"])
def test_a_run(tmp_path, name):
    recipe = Recipe.model_validate(
        {"preprocess": {"size_px": 48, "channels": 1, "mean": [0.5], "std": [0.5]}, "model": {"backbone": name}}
    )
    run = RunDir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    run.write_json(run.data, {"classes": ["happy", "sad"], "label_set": "custom"})
    with pytest.raises(RunError, match=r"best\.pt is missing"):
        Saliency(run)
    net = build.net(recipe, 2)
    state.save(run.best, {"parts": {"net": net.state_dict()}})
    maps = Saliency(run)([np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)], np.array([1]))
    assert maps.shape == (1, 48, 48)
    assert maps.max() in (0, 1)
    assert maps.min() >= 0


def test_the_layer_has_enough_cells():
    trunk = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(4), nn.MaxPool2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    net = Classifier(trunk, nn.Linear(4, 2)).eval()
    assert _layer(net, _trunks(net)[0], 1, 32) is trunk[1]  # 8 cells a side; 2 after it
    assert _layer(net, _trunks(net)[0], 1, 16) is trunk[0]  # 16 cells, 4, 1
