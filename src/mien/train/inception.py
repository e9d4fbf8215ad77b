"""Inception v3 as a feature net: the user's weights to an ONNX file that ``mien synth distance --features`` takes.

Two files of weights are in use, and their numbers cannot be compared:

* ``pt_inception-2015-12-05`` (1008 classes): the network that published FIDs are measured with, carried over from
  TensorFlow. It differs from torchvision's in the borders of its average pooling and in the last pooling.
* torchvision's ``inception_v3`` (1000 classes): widespread, for comparisons among one's own sets only.

The weights do not come with mien.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import inception

from mien.atomic import write_bytes
from mien.errors import ModelError, ParityError
from mien.preprocess import Preprocess
from mien.runtime.features import PREPROCESS_KEY
from mien.train.export import to_onnx

#: Side of the input, and features of the last pooling.
SIDE_PX, FEATURES = 299, 2048
#: Classes of the two files.
PUBLISHED, TORCHVISION = 1008, 1000
#: Largest difference between torch and ONNX Runtime, absolute and relative.
TOLERANCE = 1e-3


class _Unpadded(nn.Module):
    """Undoes the zeros that torch's average pooling (3 x 3, padding 1) counts at the border; TensorFlow counts none."""

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W), averages over nine pixels -> averages over those inside."""
        ones = torch.ones_like(pooled[:1, :1])
        return pooled / functional.avg_pool2d(ones, kernel_size=3, stride=1, padding=1)


class _LastBlock(inception.InceptionE):
    """The last block of the published network takes the maximum where the others take the average."""

    def _forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        three, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return [
            self.branch1x1(x),
            torch.cat([self.branch3x3_2a(three), self.branch3x3_2b(three)], 1),
            torch.cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], 1),
            self.branch_pool(functional.max_pool2d(x, kernel_size=3, stride=1, padding=1)),
        ]


class InceptionFeatures(nn.Module):
    """Faces to the features of the last pooling.

    Args:
        state: weights of ``inception_v3``, by torchvision's names.

    Raises:
        ModelError: they are of another network.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        super().__init__()
        last = state.get("fc.bias")
        classes = len(last) if isinstance(last, torch.Tensor) and last.ndim else 0
        if classes not in (PUBLISHED, TORCHVISION):
            raise ModelError(
                f"weights of {classes or 'no'} classes: expected inception_v3 with {TORCHVISION} (torchvision) or "
                f"{PUBLISHED} (pt_inception-2015-12-05)"
            )
        self.is_published = classes == PUBLISHED
        net = inception.Inception3(num_classes=classes, aux_logits=False, init_weights=False)
        if self.is_published:
            net.Mixed_7c = _LastBlock(FEATURES)
        kept = {name: value for name, value in state.items() if not name.startswith("AuxLogits.")}
        try:
            missing, foreign = net.load_state_dict(kept, strict=False)
        except RuntimeError as error:  # other shapes
            raise ModelError(f"weights that do not fit inception_v3: {str(error).splitlines()[1].strip()}") from None
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]  # the published file has none
        if missing or foreign:
            raise ModelError(
                f"weights that are not inception_v3's: {len(missing)} missing, {len(foreign)} unknown names"
            )
        if self.is_published:
            for name, block in net.named_children():
                if hasattr(block, "branch_pool") and name != "Mixed_7c":
                    block.branch_pool = nn.Sequential(_Unpadded(), block.branch_pool)
        net.fc, net.dropout = nn.Identity(), nn.Identity()
        self.net = net.eval()

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        """(N, 3, 299, 299) uint8 RGB -> (N, 2048); both networks want values from -1 to 1."""
        features: torch.Tensor = self.net(faces.float() / 127.5 - 1)
        return features


def export_inception(weights: str | os.PathLike[str], out: str | os.PathLike[str]) -> InceptionFeatures:
    """Write the ONNX file: input ``faces`` (N, 3, 299, 299) uint8 RGB with free N, output ``features`` (N, 2048).

    Args:
        weights: a ``.pth`` file with a state dict; read without unpickling anything but tensors.
        out: the file appears whole, and only when it computes what torch does.

    Returns:
        The network that was written.

    Raises:
        ModelError: no such file, or other weights.
        ParityError: ONNX Runtime and torch disagree.
    """
    path = Path(weights)
    if not path.is_file():
        raise ModelError(f"{path}: no such file; expected the weights of inception_v3, a .pth with a state dict")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zipfile's and torch's exceptions have no common base
        raise ModelError(f"{path}: not a file of weights ({str(error).splitlines()[0]})") from None
    if not isinstance(state, dict):
        raise ModelError(f"{path}: holds a {type(state).__name__}; expected a state dict, names to tensors")
    net = InceptionFeatures(state).eval()
    example = {"faces": torch.zeros((2, 3, SIDE_PX, SIDE_PX), dtype=torch.uint8)}
    about = {PREPROCESS_KEY: Preprocess(size_px=SIDE_PX).model_dump_json()}
    content = to_onnx(net, example, ["features"], {0: torch.export.Dim("faces", min=1)}, about)
    _check(net, content)
    write_bytes(out, content)
    return net


def _check(net: InceptionFeatures, content: bytes) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    faces = np.random.default_rng(0).integers(0, 256, (3, 3, SIDE_PX, SIDE_PX), np.uint8)
    with torch.inference_mode():
        expected = net(torch.from_numpy(faces)).numpy()
    (found,) = session.run(None, {"faces": faces})
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        apart = np.abs(found - expected).max() if found.shape == expected.shape else found.shape
        raise ParityError(f"the exported network differs from torch's: {apart} (allowed {TOLERANCE})")
