"""The user's weights of Inception v3 give the features that torchvision's network has."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import inception

from mien.errors import ModelError
from mien.runtime.features import Features
from mien.train.inception import InceptionFeatures, _LastBlock, _Unpadded, export_inception


def random_state(classes, auxiliary):
    torch.manual_seed(0)
    net = inception.Inception3(num_classes=classes, aux_logits=auxiliary, init_weights=False)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return net.eval()


def test_the_features_are_torchvisions():
    net = random_state(1000, auxiliary=True)
    found = InceptionFeatures(net.state_dict())
    assert not found.is_published
    faces = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 299, 299), np.uint8))
    net.fc, net.dropout = nn.Identity(), nn.Identity()
    with torch.inference_mode():
        torch.testing.assert_close(found(faces), net(faces / 255 * 2 - 1), rtol=1e-4, atol=1e-4)


class Short(nn.Module):
    """In the place of the whole network, which takes the exporter half a minute: its values, averaged."""

    is_published = False

    def __init__(self, state):
        super().__init__()
        self.scale = nn.Parameter(state["scale"])

    def forward(self, faces):
        return (faces.float() / 127.5 - 1).mean(dim=(2, 3)) * self.scale


def test_the_file_is_a_feature_net(tmp_path, monkeypatch):
    monkeypatch.setattr("mien.train.inception.InceptionFeatures", Short)
    torch.save({"scale": torch.tensor([1.0, 2.0, 3.0])}, tmp_path / "weights.pth")
    export_inception(tmp_path / "weights.pth", tmp_path / "inception.onnx")
    found = Features(tmp_path / "inception.onnx", threads=1)
    assert (found.size, found.preprocess.size_px, found.name) == (3, 299, "inception")
    white_and_black = [np.full((48, 48, 3), value, np.uint8) for value in (255, 0, 255)]
    np.testing.assert_allclose(found(white_and_black), [[1, 2, 3], [-1, -2, -3], [1, 2, 3]], atol=1e-4)


def test_the_published_network_pools_in_its_own_way():
    """Its weights have 1008 classes and no counters."""
    state = random_state(1008, auxiliary=False).state_dict()
    state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    net = InceptionFeatures(state)
    assert net.is_published
    assert isinstance(net.net.Mixed_7c, _LastBlock)
    for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7b"):
        assert isinstance(getattr(net.net, name).branch_pool[0], _Unpadded)


def test_the_border_of_an_average():
    picture = torch.arange(12.0).reshape(1, 1, 3, 4)
    found = _Unpadded()(functional.avg_pool2d(picture, kernel_size=3, stride=1, padding=1))
    expected = functional.avg_pool2d(picture, kernel_size=3, stride=1, padding=1, count_include_pad=False)
    torch.testing.assert_close(found, expected)


def test_other_weights_are_refused(tmp_path):
    with pytest.raises(ModelError, match="weights of 7 classes"):
        InceptionFeatures({"fc.bias": torch.zeros(7)})
    with pytest.raises(ModelError, match="of no classes"):
        InceptionFeatures({})
    with pytest.raises(ModelError, match="missing"):
        InceptionFeatures({"fc.bias": torch.zeros(1000)})
    with pytest.raises(ModelError, match="do not fit"):
        InceptionFeatures({"fc.bias": torch.zeros(1000), "fc.weight": torch.zeros(3, 3)})
    torch.save([torch.zeros(3)], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="holds a list"):
        export_inception(tmp_path / "list.pth", tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()
