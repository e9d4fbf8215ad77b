"""Read the weights out of a pickle that somebody else wrote, without unpickling it.

A pickle is a program for a small stack machine, and Python's own machine calls whatever the program names. This one
reads the instructions with ``pickletools`` (which only parses) and carries out a short list of them: numbers, text,
lists, dictionaries, tensors. It imports nothing that the file names, and runs nothing that the file brings: of an
object saved with its source code (``torch_utils.persistence`` of NVIDIA's repositories) it keeps the class's name and
what the object held, and throws the source code away unread. All else is refused with the name of what was asked for.

It knows nothing of networks: ``stylegan2_ada.py`` makes sense of what is read here.
"""

from __future__ import annotations

import io
import os
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.errors import ModelError

#: The largest published network (1024 px, generator twice and discriminator) has 0.4 GB and 60,000 instructions.
MAX_BYTES, MAX_INSTRUCTIONS = 2 << 30, 2_000_000
#: What every storage begins with that torch wrote into a plain pickle: protocol 2 and torch's magic number.
_STORAGE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_ARGUMENTS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True, eq=False)
class Saved:
    """An object that was saved with its source code: what it held, and not what it did.

    Attributes:
        class_name: such as ``Generator``; only a name, the class is never looked for.
        state: the attributes of the object.
    """

    class_name: str
    state: dict[Any, Any]


class _Refused(Exception):
    """The file asks for something that weights do not need; the text is the end of a sentence."""


@dataclass(frozen=True, eq=False)
class _Call:
    """A global on the machine's stack: a function of ours under the name of one that the file asks for."""

    name: str
    make: Callable[..., Any]


@dataclass(eq=False)
class _Dtype:
    """A number type of numpy: its code, and the byte order that a BUILD adds."""

    code: str
    order: str = "="


class _Array:
    """A numpy array, which no network of ours needs: it is skipped."""


def read(path: str | os.PathLike[str]) -> Any:
    """What a pickle holds: numbers, text, ``bytes``, containers, tensors on the CPU and ``Saved`` objects.

    Tensors share the memory of their storages, so nothing grows beyond the size of the file. Containers may contain
    themselves: whoever walks through them has to count.

    Raises:
        ModelError: the file is no pickle, is damaged, too large, or asks for anything else than the above.
    """
    file = Path(path)
    if file.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path}: {file.stat().st_size / 1e9:.1f} GB, expected at most {MAX_BYTES / 1e9:.1f} GB")
    content = file.read_bytes()
    if content.startswith(b"PK"):
        raise ModelError(f"{path}: a zip file, as torch.save writes; expected network.pkl as StyleGAN2-ADA writes it")
    if content.startswith(_STORAGE):
        raise ModelError(f"{path}: written by torch.save; expected network.pkl as StyleGAN2-ADA writes it")
    try:
        return _Machine(len(content)).run(content)
    except _Refused as refused:
        raise ModelError(f"{path}: refused, nothing in it was run: {refused}") from None
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, MemoryError, RuntimeError) as error:
        raise ModelError(f"{path}: not a pickle, or a damaged one ({type(error).__name__}: {error})"[:500]) from None


@dataclass(eq=False)
class _Machine:
    """The stack machine of pickle, as far as weights need it."""

    size: int
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    loaded: int = 0

    def run(self, content: bytes) -> Any:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if number == MAX_INSTRUCTIONS:
                raise _Refused(f"more than {MAX_INSTRUCTIONS:,} instructions")
            if opcode.name == "STOP":
                return self.stack.pop()
            self._step(opcode.name, argument)
        raise ValueError("no end")

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _ARGUMENTS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            stack.append(tuple(self._last(_TUPLES[name])))
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(self._marked()))
        elif name in ("SETITEM", "SETITEMS"):
            pairs = self._last(2) if name == "SETITEM" else self._marked()
            for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                self._top(dict)[_key(key)] = value
        elif name in ("APPEND", "APPENDS"):
            values = self._last(1) if name == "APPEND" else self._marked()
            self._top(list).extend(values)
        elif name == "ADDITEMS":
            values = self._marked()
            self._top(set).update(_key(value) for value in values)
        elif name == "GLOBAL":
            stack.append(self._find(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack.append(self._find(*self._last(2)))
        elif name in ("REDUCE", "NEWOBJ"):
            call, arguments = self._last(2)
            if type(call) is not _Call or type(arguments) is not tuple:
                raise _Refused(f"it calls something that is no function ({type(call).__name__})")
            stack.append(call.make(*arguments))
        elif name == "BUILD":
            self._build()
        elif name not in ("PROTO", "FRAME"):
            raise _Refused(f"it has the instruction {name}, which no weights need")

    def _last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError("the stack is empty")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def _marked(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise _Refused(f"it puts items into something that is no {kind.__name__} ({type(self.stack[-1]).__name__})")
        return self.stack[-1]

    def _build(self) -> None:
        target, state = self._last(2)
        if type(target) is _Dtype:
            target.order = state[1] if type(state) is tuple and state[1] in ("<", ">") else "="
        elif type(target) is not _Array:
            raise _Refused(f"it changes the inside of something that has none ({type(target).__name__})")
        self.stack.append(target)

    def _find(self, module: Any, name: Any) -> _Call:
        if type(module) is not str or type(name) is not str:  # to print anything else could take for ever
            raise _Refused("it asks for something by no name")
        wanted = f"{module}.{name}"
        if wanted.startswith("dnnlib.tflib."):
            raise _Refused(f"{wanted}: a network in TensorFlow; legacy.py of stylegan2-ada-pytorch converts it")
        known: dict[str, Callable[..., Any]] = {
            "torch_utils.persistence._reconstruct_persistent_obj": _saved,
            "torch._utils._rebuild_tensor_v2": _tensor,
            "torch._utils._rebuild_parameter": _parameter,
            "torch.storage._load_from_bytes": self._storage,
            "collections.OrderedDict": _mapping,
            "dnnlib.util.EasyDict": _mapping,
            "builtins.set": _set,
            "numpy.dtype": _dtype,
            "numpy.ndarray": _array,
            **{f"numpy.{core}.multiarray.scalar": _scalar for core in ("core", "_core")},
            **{f"numpy.{core}.multiarray._reconstruct": _array for core in ("core", "_core")},
            **{f"numpy.{core}.numeric._frombuffer": _array for core in ("core", "_core")},
        }
        if wanted not in known:
            raise _Refused(f"it asks for {wanted[:200]!r}, which no weights need")
        return _Call(wanted, known[wanted])

    def _storage(self, content: Any) -> Any:
        """``torch.storage._load_from_bytes``: the numbers of a tensor, in torch's own older format."""
        if type(content) is not bytes or not content.startswith(_STORAGE):
            raise _Refused("numbers of a tensor that torch has not written")
        self.loaded += len(content)
        if self.loaded > self.size:
            raise _Refused("it unpacks the same numbers again and again")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch warns of its own older storages
                return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except Exception as error:  # whatever is wrong in there, torch has many ways to say so
            raise _Refused(f"numbers of a tensor that torch does not read ({type(error).__name__})") from None


def _key(value: Any) -> str | int:
    # only these: the hash of a deeply nested tuple would overflow the stack
    if type(value) not in (str, int):
        raise _Refused(f"a dictionary or set with a {type(value).__name__} as its key")
    return value  # type: ignore[no-any-return]


def _saved(meta: Any) -> Saved:
    kinds = {"type": str, "class_name": str, "state": dict}
    if (
        type(meta) is not dict
        or any(type(meta.get(name)) is not kind for name, kind in kinds.items())
        or meta["type"] != "class"
    ):
        raise _Refused("an object of torch_utils.persistence in a form of its own")
    return Saved(meta["class_name"], meta["state"])


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> torch.Tensor:
    if not isinstance(storage, torch.storage.TypedStorage):
        raise _Refused(f"a tensor made from a {type(storage).__name__}")
    if type(shape) is not tuple or type(stride) is not tuple or not len(shape) == len(stride) <= 8:
        raise _Refused("a tensor of impossible shape")
    sides = (*shape, *stride, offset)
    if any(type(side) is not int or not 0 <= side < 1 << 40 for side in sides):
        raise _Refused("a tensor of impossible shape")
    count = 1
    for side in shape:
        count *= side
    reach = offset + sum((side - 1) * step for side, step in zip(shape, stride, strict=True)) if count else 0
    held = storage._untyped_storage.nbytes() // storage.dtype.itemsize
    if count > held or reach >= max(held, 1):  # a stride of 0 makes a huge tensor of one number
        raise _Refused(f"a tensor of {count:,} numbers where {held:,} are held")
    return torch.empty(0, dtype=storage.dtype).set_(storage._untyped_storage, offset, shape, stride)


def _parameter(tensor: Any, *_: Any) -> torch.Tensor:
    if not isinstance(tensor, torch.Tensor):
        raise _Refused(f"a parameter made from a {type(tensor).__name__}")
    return tensor


def _mapping(*arguments: Any) -> dict[Any, Any]:
    if arguments:
        raise _Refused("a dictionary made from arguments")
    return {}


def _set(values: Any = ()) -> set[Any]:
    if type(values) not in (list, tuple) or len(values) > 1000:  # each is a copy, and there may be many
        raise _Refused(f"a set made from a {type(values).__name__}, or a very large one")
    return {_key(value) for value in values}


def _dtype(code: Any, *_: Any) -> _Dtype:
    if type(code) is not str:
        raise _Refused("a number of numpy's that is none")
    return _Dtype(code)


def _scalar(dtype: Any, content: Any) -> Any:
    if type(dtype) is not _Dtype or dtype.code not in _NUMBERS or type(content) is not bytes:
        raise _Refused("a number of numpy's that is none")
    kind = np.dtype(dtype.code).newbyteorder(dtype.order)  # type: ignore[arg-type]
    if len(content) != kind.itemsize:
        raise _Refused("a number of numpy's that is none")
    return np.frombuffer(content, kind)[0].item()


def _array(*_: Any) -> _Array:
    return _Array()
