from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import nn

from mien.errors import ManifestError, RunError
from mien.labels import Labels
from mien.manifest import Manifest
from mien.parts import Data
from mien.train import state
from mien.train.average import Average
from mien.train.loader import Loader
from mien.train.targets import soft_targets

PIXELS = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
TARGETS = np.eye(2, dtype=np.float32)[[0, 1] * 5]


def loader(targets: np.ndarray = TARGETS, batch: int = 3, seed: int = 0) -> Loader:
    return Loader(PIXELS, targets, batch, seed, torch.device("cpu"))


def rows(found: Loader, epoch: int) -> list[int]:
    return [int(value) for batch in found.epoch(epoch) for value in batch.pixels.flatten()]


def test_an_epoch_sees_each_row_once_and_repeats_exactly():
    first = rows(loader(), 1)
    assert len(first) == len(set(first)) == 9  # three batches of three; one row waits for the next shuffle
    assert rows(loader(), 1) == first
    assert rows(loader(), 2) != first
    assert rows(loader(seed=1), 1) != first


def test_rows_without_a_target_are_left_out():
    targets = TARGETS.copy()
    targets[3:] = 0
    assert sorted(rows(loader(targets), 1)) == [0, 1, 2]


def test_an_abandoned_epoch_ends_its_thread():
    batches = loader(batch=1).epoch(1)
    next(batches)
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "mien-loader"]


def test_an_error_while_gathering_reaches_the_caller():
    broken = loader()
    broken.targets = TARGETS[:1]
    with pytest.raises(IndexError):
        rows(broken, 1)


def test_average_by_hand():
    net = nn.BatchNorm1d(1)
    average = Average({"net": net}, decay=0.5)
    with torch.no_grad():
        net.weight.fill_(3.0)
        net.running_mean.fill_(4.0)
        net.num_batches_tracked.fill_(7)
    average.update({"net": net})  # decay of the first step: min(0.5, 2 / 11)
    kept = average.parts["net"]
    torch.testing.assert_close(kept.weight.data, torch.tensor([3.0 - 2.0 * 2 / 11]))
    torch.testing.assert_close(kept.running_mean, torch.tensor([4.0 - 4.0 * 2 / 11]))
    assert int(kept.num_batches_tracked) == 7


def votes() -> Manifest:
    columns = {"votes.happy": [8, 1, 0], "votes.sad": [2, 1, 0], "votes.fear": [1, 9, 0]}
    return Manifest.of(image=["a", "b", "c"], labels=Labels(("happy", "sad", "fear")), **columns)


def test_votes_become_shares():
    soft = soft_targets(votes(), Data(targets="votes"))
    np.testing.assert_allclose(soft, [[8 / 11, 2 / 11, 1 / 11], [1 / 11, 1 / 11, 9 / 11], [0, 0, 0]])
    lone = soft_targets(votes(), Data(targets="votes", vote_floor=2))
    np.testing.assert_allclose(lone, [[0.8, 0.2, 0], [0, 0, 1], [0, 0, 0]])


def test_votes_that_are_not_there():
    with pytest.raises(ManifestError, match="no columns"):
        soft_targets(Manifest.of(image=["a"], label=["happy"]), Data(targets="votes"))


def test_drawn_faces_among_voted_ones_count_as_their_labels():
    manifest = Manifest.of(
        labels=Labels(("happy", "sad")),
        image=["real", "nobody", "drawn", "drawn-voted"],
        label=["happy", "happy", "sad", "sad"],
        origin=["real", "real", "synthetic", "synthetic"],
        **{"votes.happy": [3, 0, None, 1], "votes.sad": [1, 0, None, 3]},
    )
    soft = soft_targets(manifest, Data(targets="votes"))
    assert soft.tolist() == [[0.75, 0.25], [0, 0], [0, 1], [0.25, 0.75]]


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"progress": Hostile()}, tmp_path / "last.pt")
    with pytest.raises(RunError, match="cannot be read"):
        state.load(tmp_path / "last.pt")
