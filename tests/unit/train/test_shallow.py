"""A net with fewer blocks per stage."""

from __future__ import annotations

import re

import pytest
import torch

from mien.errors import RecipeError
from mien.parts import Model
from mien.preprocess import Preprocess
from mien.train import build

FACE = Preprocess(size_px=32, channels=1, mean=(0.5,), std=(0.5,))
NAME = "mobilenetv1_100"  # stages of 1, 2, 2, 6 and 2 blocks
KEEP = [1, 2, 2, 3, 1]


def backbone(name: str = f"shallow:{NAME}", **options) -> torch.nn.Module:
    return build.backbone(Model(backbone=name, options=options), FACE).eval()


def test_the_first_blocks_of_each_stage_stay():
    net = backbone(keep=KEEP)
    assert [len(stage) for stage in net.blocks] == KEEP
    with torch.inference_mode():
        assert net(torch.rand(2, 1, 32, 32)).shape == (2, net.num_features)


def test_what_stays_computes_what_it_did(tmp_path):
    whole = backbone(f"timm:{NAME}")
    torch.save(whole.state_dict(), tmp_path / "whole.pt")
    recipe = Model(backbone=f"shallow:{NAME}", weights=str(tmp_path / "whole.pt"), options={"keep": KEEP})
    net = build.backbone(recipe, FACE).eval()
    face = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        expected = whole.bn1(whole.conv_stem(face))
        for stage, count in zip(whole.blocks, KEEP, strict=True):
            expected = stage[:count](expected)
        torch.testing.assert_close(net(face), expected.mean((2, 3)))


def test_options_of_the_net_itself_are_passed_on():
    assert backbone(keep=KEEP, drop_path_rate=0.2).blocks[3][2].drop_path.drop_prob > 0


def test_without_keep_all_stay():
    assert [len(stage) for stage in backbone().blocks] == [1, 2, 2, 6, 2]


@pytest.mark.parametrize("keep", [[1, 2, 2, 3], [1, 2, 2, 7, 1], [1, 2, 2, 0, 1], [1.0, 2, 2, 3, 1], 3])
def test_keep_must_fit(keep):
    expected = f"{NAME} has stages of [1, 2, 2, 6, 2] blocks, of which at least one each must stay; got {keep!r}"
    with pytest.raises(RecipeError, match=re.escape(expected)):
        backbone(keep=keep)


def test_a_net_without_stages_is_refused():
    with pytest.raises(RecipeError, match="resnet18 has no stages of blocks; take"):
        backbone("shallow:resnet18")
