"""Weights of the libraries' nets: from a file, from the cache, and what is said when there are none."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest
import safetensors.torch
import timm
import torch
import torchvision

from mien.errors import RecipeError
from mien.parts import Model
from mien.preprocess import Preprocess
from mien.train import build
from mien.train.nets import weights

SMALL = "shufflenet_v2_x0_5"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch, and no network."""

    def unplugged(*args, **options):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("torch.hub.download_url_to_file", unplugged)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", unplugged)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_url", unplugged)
    (tmp_path / "torch/hub/checkpoints").mkdir(parents=True)
    return tmp_path / "torch/hub/checkpoints"


def preprocess(channels: int = 3) -> Preprocess:
    return Preprocess(size_px=64, channels=channels, mean=(0.5,) * channels, std=(0.5,) * channels)


def published(name: str) -> tuple[torch.nn.Module, str]:
    """A net as torchvision publishes it, classifier included, and the name of its file."""
    torch.manual_seed(1)
    net = torchvision.models.get_model(name).eval()
    return net, torchvision.models.get_model_weights(name).DEFAULT.url.rpartition("/")[2]


def test_offline_the_way_to_torchvisions_weights_is_told(cache: Path):
    with pytest.raises(RecipeError) as caught:
        build.backbone(Model(backbone="torchvision:resnet18", weights="pretrained"), preprocess())
    (line,) = caught.value.mistakes
    assert line.startswith("model.weights: the pretrained weights of resnet18 are not on this machine")
    assert "no network" in line
    assert "https://download.pytorch.org/models/resnet18-f37072fd.pth" in line
    assert f"put resnet18-f37072fd.pth into {cache} or give its path" in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet18", "fetch model.safetensors from https://huggingface.co/timm/resnet18.a1_in1k"),
        ("legacy_xception", "xception-43020ad28.pth elsewhere, then give its path"),
        ("test_mambaout", "name another net, or give a file"),
    ],
)
def test_offline_the_way_to_timms_weights_is_told(name: str, words: str, monkeypatch: pytest.MonkeyPatch):
    if name == "test_mambaout":  # as of a net whose weights nobody has published
        monkeypatch.setattr(timm, "get_pretrained_cfg", lambda name: None)
    with pytest.raises(RecipeError, match=r"model\.weights: the pretrained weights") as caught:
        build.backbone(Model(backbone=f"timm:{name}", weights="pretrained"), preprocess())
    assert words in str(caught.value)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_cache_will_do_without_a_network(cache: Path, channels: int):
    net, file = published(SMALL)
    torch.save(net.state_dict(), cache / file)
    recipe = Model(backbone=f"torchvision:{SMALL}", weights="pretrained")
    ours = build.backbone(recipe, preprocess(channels)).eval()
    grey = torch.rand(2, 1, 64, 64)
    net.fc = torch.nn.Identity()
    with torch.inference_mode():
        expected = net(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(ours(grey.expand(-1, channels, -1, -1)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [SMALL, "squeezenet1_1", "mobilenet_v3_small"])
def test_a_file_of_torchvision_with_its_classifier(name: str, channels: int, tmp_path: Path):
    net, file = published(name)
    torch.save(net.state_dict(), tmp_path / file)
    recipe = Model(backbone=f"torchvision:{name}", weights=str(tmp_path / file))
    ours = build.backbone(recipe, preprocess(channels)).eval()
    theirs = {key: value for key, value in net.state_dict().items() if not key.startswith(("fc", "classifier"))}
    first = next(iter(theirs))
    for key, value in theirs.items():
        expected = value.sum(dim=1, keepdim=True) if key == first and channels == 1 else value
        torch.testing.assert_close(ours.state_dict()[key], expected)


def test_vgg_keeps_all_of_its_classifier_but_the_last_layer(tmp_path: Path):
    """The order and the names of a VGG's file, without its memory."""
    with torch.device("meta"):
        ours = build.backbone(Model(backbone="torchvision:vgg16"), preprocess())
        theirs = torchvision.models.vgg16().state_dict()
    kept = ours.state_dict()
    assert set(theirs) - set(kept) == {"classifier.6.weight", "classifier.6.bias"}
    assert {name: value.shape for name, value in kept.items()} == {name: theirs[name].shape for name in kept}


def test_safetensors_match_by_name_only(tmp_path: Path):
    torch.manual_seed(0)
    net, other = (torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)) for _ in range(2))
    file = tmp_path / "net.safetensors"
    safetensors.torch.save_file(other.state_dict(), file)
    weights.load(net, file)
    torch.testing.assert_close(net.state_dict(), other.state_dict())
    renamed = {name.replace("0", "z"): value for name, value in other.state_dict().items()}  # would swap the layers
    safetensors.torch.save_file(renamed, file)
    with pytest.raises(RecipeError, match=r"net\.safetensors lacks 0\.weight"):
        weights.load(net, file)
    file.write_bytes(b"no tensors")
    with pytest.raises(RecipeError, match="not a file of tensors"):
        weights.load(net, file)
