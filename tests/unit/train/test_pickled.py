"""Weights are read out of a foreign pickle; nothing in it is run, and whatever is no weight is refused by name."""

import builtins
import collections
import copyreg
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from mien.errors import ModelError
from mien.train import pickled

pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning")


def written(tmp_path, held, protocol=4):
    path = tmp_path / "network.pkl"
    path.write_bytes(held if isinstance(held, bytes) else pickle.dumps(held, protocol=protocol))
    return path


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments, state=None):
        self.how = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.how


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_weights_come_out_as_they_went_in(tmp_path, protocol, persistent):
    square = torch.arange(12.0).reshape(3, 4)
    inner = persistent("Layer", {"gain": np.sqrt(2), "step": np.int64(-7), "bias": None})
    state = {
        "whole": torch.nn.Parameter(square),
        "turned": square.T,  # another view of the same numbers
        "piece": square[1:, 1:3],
        "last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "half": torch.tensor(1.5, dtype=torch.float16),
        "empty": torch.empty(0, 3),
        "inner": inner,
        "kwargs": sys.modules["dnnlib.util"].EasyDict(z_dim=512, rate=0.01, path="faces.zip", big=1 << 40),
        "hooks": collections.OrderedDict(),
        "order": collections.OrderedDict(a=1, b=(2, [3, "x"])),
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "array": np.zeros(3),
        "flags": [True, False, None, -1, 300, 70000],
        "names": {"a", "b"},
        "none": set(),
        "raw": b"1",
    }
    read = pickled.read(written(tmp_path, {"G_ema": persistent("Generator", state)}, protocol))["G_ema"]
    assert isinstance(read, pickled.Saved)
    assert read.class_name == "Generator"
    found = read.state
    assert set(found) == set(state)
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            assert found[name].dtype == value.dtype
            assert torch.equal(found[name], value)
        elif name in ("kwargs", "hooks", "order"):
            assert found[name] == dict(value)
        elif name not in ("inner", "array"):
            assert found[name] == value
    assert found["inner"].state == {"gain": 2**0.5, "step": -7, "bias": None}
    assert not (tmp_path / "ran").exists()


HOSTILE = {
    "os.system": lambda ran: Calls(os.system, f"touch {ran}"),
    "eval": lambda ran: Calls(eval, f"open({str(ran)!r}, 'w')"),
    "exec": lambda ran: Calls(exec, f"open({str(ran)!r}, 'w')"),
    "getattr": lambda ran: Calls(getattr, "x", "upper"),
    "__import__": lambda ran: Calls(builtins.__import__, "os"),
    "Popen": lambda ran: Calls(subprocess.Popen, ["touch", str(ran)]),
    "open": lambda ran: Calls(open, str(ran), "w"),
    "io": lambda ran: Calls(io.FileIO, str(ran), "w"),
    "copyreg": lambda ran: Calls(copyreg._reconstructor, dict, object, None),
    "torch.load": lambda ran: Calls(torch.load, str(ran)),
    "a class": lambda ran: collections.Counter,
    "inside a list inside a dictionary": lambda ran: {"a": [1, (2, Calls(os.system, f"touch {ran}"))]},
}


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", HOSTILE)
def test_calls_are_refused_and_not_made(tmp_path, kind, protocol):
    path = written(tmp_path, HOSTILE[kind](tmp_path / "ran"), protocol)
    with pytest.raises(ModelError, match="refused, nothing in it was run"):
        pickled.read(path)
    assert not (tmp_path / "ran").exists()


def test_the_refused_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"network\.pkl: refused, .* asks for '(posix|nt)\.system'"):
        pickled.read(written(tmp_path, Calls(os.system, "true")))


def test_the_numbers_of_a_tensor_are_no_way_in(tmp_path):
    ran = tmp_path / "ran"
    legacy = io.BytesIO()
    torch.save(Calls(os.system, f"touch {ran}"), legacy, _use_new_zipfile_serialization=False)
    archive = io.BytesIO()
    torch.save(Calls(os.system, f"touch {ran}"), archive)
    plain = pickle.dumps(Calls(os.system, f"touch {ran}"))
    for content in (legacy.getvalue(), archive.getvalue(), plain, b"", "text", legacy.getvalue()[:40]):
        path = written(tmp_path, Calls(torch.storage._load_from_bytes, content))
        with pytest.raises(ModelError, match="refused, nothing in it was run: numbers of a tensor"):
            pickled.read(path)
    assert not ran.exists()


def test_source_code_is_never_looked_at(tmp_path, persistent):
    held = persistent("Generator", {"a": 1}, source="this is no Python")
    assert pickled.read(written(tmp_path, held)).state == {"a": 1}
    state = {"a": Calls(os.system, f"touch {tmp_path / 'ran'}")}
    with pytest.raises(ModelError, match="system"):
        pickled.read(written(tmp_path, persistent("Generator", state)))
    held = persistent("Generator", {})
    held.meta["type"] = "function"
    with pytest.raises(ModelError, match=r"torch_utils\.persistence in a form of its own"):
        pickled.read(written(tmp_path, held))
    assert not (tmp_path / "ran").exists()


#: What Python's pickler would not write.
BY_HAND = {
    "a function's defaults changed": b"\x80\x04cdnnlib.util\nEasyDict\n}\x8c\x0c__defaults__K\x01sb.",
    "a dictionary's inside changed": b"\x80\x04}}\x8c\x01aK\x01sb.",
    "a call of a text": b"\x80\x04\x8c\x01a)R.",
    "a name that is a list": b"\x80\x04]\x8c\x01a\x93.",
    "old call by name": b"\x80\x02(ios\nsystem\n.",
    "old call of an object": b"\x80\x02(cos\nsystem\n\x8c\x04trueo.",
    "a persistent id": b"\x80\x02\x8c\x01aQ.",
    "an extension code": b"\x80\x02\x82\x01.",
    "a list as a key": b"\x80\x04}]K\x01s.",
    "items for a number": b"\x80\x04K\x01K\x02a.",
    "items for a class": b"\x80\x04cdnnlib.util\nEasyDict\nK\x01K\x02s.",
    "deep tuples as a key": b"\x80\x04})" + b"\x85" * 100_000 + b"K\x01s.",
    "deep tuples as a class name": b"\x80\x04)" + b"\x85" * 100_000 + b"\x8c\x01a\x93.",
    "a set of sets": b"\x80\x04\x8f(\x8f\x90.",
}
DAMAGED = {
    "nothing": b"",
    "no pickle": b"hello, this is no pickle",
    "the stack is empty": b"\x80\x04R.",
    "no mark": b"\x80\x04t.",
    "what was never kept": b"\x80\x04h\x05.",
    "no end": b"\x80\x04N",
    "an odd item": b"\x80\x04}(K\x01u.",
    "more bytes than there are": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 50) + b"abc.",
    "a frame of a petabyte": b"\x80\x04\x95" + struct.pack("<Q", 1 << 50) + b"K\x01",
    "a text of 4 GB": b"\x80\x04X" + struct.pack("<I", (1 << 32) - 1) + b"abc.",
    "no text": b"\x80\x04\x8c\x02\xff\xfe.",
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_instructions_by_hand_are_refused(tmp_path, kind):
    with pytest.raises(ModelError, match="refused, nothing in it was run"):
        pickled.read(written(tmp_path, BY_HAND[kind]))


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files_are_told_of(tmp_path, kind):
    with pytest.raises(ModelError, match="not a pickle, or a damaged one"):
        pickled.read(written(tmp_path, DAMAGED[kind]))


def test_a_far_place_in_memory_costs_nothing(tmp_path):
    content = b"\x80\x04K\x07r\xff\xff\xff\xff" + b"0j\xff\xff\xff\xff."
    with pytest.raises(ModelError, match="instruction POP"):
        pickled.read(written(tmp_path, content))
    assert pickled.read(written(tmp_path, content.replace(b"0j", b"j"))) == 7


def test_every_cut_off_file_is_told_of(tmp_path, persistent):
    held = persistent("Generator", {"weight": torch.ones(2, 2), "gain": np.float64(1)})
    content = pickle.dumps(held)
    for length in range(0, len(content) - 1, 3):
        with pytest.raises(ModelError):
            pickled.read(written(tmp_path, content[:length]))


def test_files_of_torch_save_are_told_of(tmp_path):
    path = tmp_path / "network.pkl"
    torch.save({"weight": torch.ones(2)}, path)
    assert zipfile.is_zipfile(path)
    with pytest.raises(ModelError, match=r"a zip file, as torch\.save writes"):
        pickled.read(path)
    torch.save({"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match=r"written by torch\.save"):
        pickled.read(path)


def test_a_tensorflow_network_is_told_of(tmp_path):
    content = b"\x80\x04cdnnlib.tflib.network\nNetwork\n)R."
    with pytest.raises(ModelError, match=r"in TensorFlow; legacy\.py"):
        pickled.read(written(tmp_path, content))


def storage(count):
    return torch.ones(count).storage()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((0, (1 << 20, 1 << 20), (0, 0)), "1,099,511,627,776 numbers where 4 are held"),
        ((0, (5,), (1,)), "5 numbers where 4 are held"),
        ((2, (3,), (1,)), "3 numbers where 4 are held"),
        ((0, (2, 2), (3, 1)), "4 numbers where 4 are held"),
        ((-1, (2,), (1,)), "impossible shape"),
        ((0, (-2,), (1,)), "impossible shape"),
        ((0, (2,), (-1,)), "impossible shape"),
        ((0, (1 << 62, 1 << 62), (1, 1)), "impossible shape"),
        ((0, (2,), (1, 1)), "impossible shape"),
        ((0, "ab", (1, 1)), "impossible shape"),
        ((0, (True, 2), (1, 1)), "impossible shape"),
        ((0, (1,) * 99, (1,) * 99), "impossible shape"),
    ],
)
def test_tensors_stay_within_their_numbers(tmp_path, arguments, why):
    held = Calls(torch._utils._rebuild_tensor_v2, storage(4), *arguments, False, collections.OrderedDict())
    with pytest.raises(ModelError, match=why):
        pickled.read(written(tmp_path, held))


def test_tensors_and_parameters_are_made_of_what_they_should_be(tmp_path):
    for held in (
        Calls(torch._utils._rebuild_tensor_v2, "text", 0, (1,), (1,), False, {}),
        Calls(torch._utils._rebuild_parameter, "text", False, {}),
        Calls(collections.OrderedDict, [("a", 1)]),
        Calls(np.dtype, ["f8"]),
        Calls(np._core.multiarray.scalar, np.dtype("O"), b"x"),
        Calls(np._core.multiarray.scalar, np.dtype("f8"), b"1234"),
    ):
        with pytest.raises(ModelError, match="refused"):
            pickled.read(written(tmp_path, held))


def test_the_same_numbers_are_not_unpacked_for_ever(tmp_path):
    kept = pickle.dumps(storage(1000).__reduce__()[1][0], 4)[2:-1]  # without PROTO and STOP; MEMOIZE as number 0
    kept = kept.replace(kept[:9], b"", 1)  # and without the FRAME
    call = b"ctorch.storage\n_load_from_bytes\n"
    once = b"\x80\x04(" + kept + call + b"h\x00\x85R"
    assert len(pickled.read(written(tmp_path, once + b"t."))) == 2
    with pytest.raises(ModelError, match="the same numbers again and again"):
        pickled.read(written(tmp_path, once + (call + b"h\x00\x85R") * 100 + b"t."))


def test_a_program_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(pickled, "MAX_INSTRUCTIONS", 1000)
    with pytest.raises(ModelError, match="more than 1,000 instructions"):
        pickled.read(written(tmp_path, b"\x80\x04" + b"N" * 1000 + b"."))


def test_too_large_a_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pickled, "MAX_BYTES", 100)
    with pytest.raises(ModelError, match="expected at most"):
        pickled.read(written(tmp_path, [1] * 200))
