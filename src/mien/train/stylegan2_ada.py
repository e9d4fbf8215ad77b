"""Bring in a generator that StyleGAN2-ADA (PyTorch) or StyleGAN3's ``stylegan2`` has trained.

The file is read by ``pickled.py``, which runs nothing of it. All sizes are taken from the tensors themselves, so what
the file says of them need not be believed, and they are compared with those of our net before any of it is made.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from mien.card import Card
from mien.errors import ModelError
from mien.labels import LABEL_SETS, key_of
from mien.preprocess import Preprocess
from mien.train import pickled
from mien.train.export import export, versions
from mien.train.nets.stylegan2 import MAPPING_RATE, Generator
from mien.train.release import USES

#: Modules inside modules: the networks have three levels.
DEEPEST, MOST_MODULES = 8, 10_000
#: 1 3 3 1 along both axes.
FILTER = torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


@dataclass(frozen=True, eq=False)
class Network:
    """A generator as the file holds it.

    Attributes:
        tensors: float32 by name, such as ``synthesis.b8.conv0.weight``.
        modules: what else each module held, by its name: numbers and words such as ``conv_clamp`` and ``activation``.
        source: the file, for messages.
    """

    tensors: dict[str, torch.Tensor]
    modules: dict[str, dict[Any, Any]]
    source: str

    @property
    def classes(self) -> int:
        """How many classes it was trained with; 0 = none."""
        return self.tensors["mapping.embed.weight"].shape[-1] if "mapping.embed.weight" in self.tensors else 0


@dataclass(frozen=True)
class Brought:
    """What came of bringing in a network.

    Attributes:
        model: the file that was written.
        card: what it says of itself.
        parity: largest difference between the faces that the file and the network draw, in units of the network.
    """

    model: Path
    card: Card
    parity: float


def bring_in(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    classes: Sequence[str] = (),
    *,
    name: str = "",
    licence: str = "unknown",
    has_one_centre: bool = False,
) -> Brought:
    """Write the generator of a ``network.pkl`` as a model file.

    Args:
        path: as StyleGAN2-ADA (PyTorch) or StyleGAN3 (``stylegan2``) writes it; nothing in it is run.
        out: ``.onnx``; appears whole, and only when it draws what the network does.
        classes: names in the order of the labels that it was trained with.
        name: in the card; by default that of the file.
        licence: of the weights; theirs is often not free.
        has_one_centre: truncation draws faces towards the average over all classes, as its makers do, and by default
            towards that of their own class, so that they go on looking like it.

    Raises:
        ModelError: the file is none, is damaged or hostile, or holds a network of another kind; or ``classes`` are not
            as many as it was trained with.
        ParityError: the model file draws other faces than the network.
    """
    network = read_network(path)
    card = card_of(network, classes, name, licence)
    net = to_generator(network)
    if network.classes and not has_one_centre:
        net.mapping.find_centres()
    return Brought(Path(out), card, export(net, card, out))


def read_network(path: str | os.PathLike[str]) -> Network:
    """Read the averaged generator (``G_ema``) of a ``network.pkl``.

    Raises:
        ModelError: see :func:`mien.train.pickled.read`; or there is no generator in the file, or one of another kind.
    """
    held = pickled.read(path)
    saved = held.get("G_ema") if type(held) is dict else held
    if not isinstance(saved, pickled.Saved):
        there = ", ".join(str(key)[:40] for key in list(held)[:8]) if type(held) is dict else type(held).__name__
        raise ModelError(f"{path}: no G_ema in it (there is: {there}); expected network.pkl as StyleGAN2-ADA writes it")
    tensors: dict[str, torch.Tensor] = {}
    modules: dict[str, dict[Any, Any]] = {}
    for name, module in _walk(saved, "", path):
        modules[name] = module.state
        for kind in ("_parameters", "_buffers"):
            for key, value in _mapping(module.state, kind, path).items():
                if isinstance(value, torch.Tensor):
                    if not value.is_floating_point() or not value.isfinite().all():
                        raise ModelError(f"{path}: {name}.{key} holds something else than finite numbers")
                    tensors[f"{name}.{key}".lstrip(".")] = value.float()
    network = Network(tensors, modules, str(path))
    _check_kind(network, saved)
    return network


def to_generator(network: Network) -> Generator:
    """The same network as one of ours, on the CPU, in float32.

    The average style is the file's, the same for every class; ``mapping.find_centres()`` finds one for each.

    Raises:
        ModelError: it has parts or sizes that our net does not have; the message names the first of them.
    """
    tensors = dict(network.tensors)
    sides = _sides(network)
    channels_at = [len(tensors[f"synthesis.b{side}.conv1.bias"]) for side in sides]
    depth = sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in tensors)
    styles = tensors["mapping.w_avg"].shape[-1]
    latents = tensors["mapping.fc0.weight"].shape[-1] - (styles if network.classes else 0)
    if latents < 1:
        raise ModelError(f"{network.source}: takes no latents, or embeds classes in more numbers than a style has")
    with torch.device("meta"):  # without memory: sizes are compared before any is taken
        net = Generator(
            sides[-1],
            len(tensors[f"synthesis.b{sides[-1]}.torgb.bias"]),
            network.classes,
            latents=latents,
            styles=styles,
            depth=depth,
            capacity=max(count * side for count, side in zip(channels_at, sides, strict=True)),
            widest=max(channels_at),
            clamp=_clamp(network),
        )
    _check_settings(network)
    filters = {name for name in tensors if name.endswith("resample_filter")}
    if any(tensors[name].shape != (4, 4) or not tensors[name].allclose(FILTER) for name in filters):
        raise ModelError(f"{network.source}: its pictures are enlarged with another filter than 1 3 3 1")
    if tensors["mapping.w_avg"].ndim == 1:
        tensors["mapping.w_avg"] = tensors["mapping.w_avg"].repeat(max(network.classes, 1), 1)
    expected = net.state_dict()
    for name in sorted(expected.keys() | tensors.keys() - filters):
        ours = tuple(expected[name].shape) if name in expected else "none"
        theirs = tuple(tensors[name].shape) if name in tensors else "none"
        if ours != theirs:
            raise ModelError(f"{network.source}: {name} has the shape {theirs}, expected {ours}{_hint(name)}")
    net.load_state_dict({name: tensors[name].contiguous() for name in expected}, assign=True)
    return net.eval().requires_grad_(False)


def card_of(network: Network, classes: Sequence[str] = (), name: str = "", licence: str = "unknown") -> Card:
    """What the model file says of itself.

    Args:
        network: as read.
        classes: names in the order of the labels that it was trained with.
        name: by default that of the file.
        licence: of the weights.

    Raises:
        ModelError: there are more or fewer names than classes, or the pictures have another size than ours may have.
    """
    given = tuple(classes)
    if len(given) != network.classes:
        raise ModelError(
            f"{network.source}: was trained with {network.classes or 'no'} classes, got {len(given)} names"
            + (": name them in the order of its labels, --classes angry,happy,..." if network.classes else "")
        )
    if len({key_of(label) for label in given}) != len(given) or not all(given):
        raise ModelError(
            f"--classes {','.join(given)}: every class needs a name of its own, and aliases are the same name"
        )
    side = _sides(network)[-1]
    channels = len(network.tensors[f"synthesis.b{side}.torgb.bias"])
    if channels not in (1, 3) or not 8 <= side <= 1024:
        raise ModelError(
            f"{network.source}: draws {channels} channels of {side} px; expected 1 (grey) or 3 (RGB), and 8 to 1024 px"
        )
    intended, forbidden = USES["generator"]
    with open(network.source, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Card(
        kind="generator",
        name=name or Path(network.source).stem,
        description="StyleGAN2-ADA, brought in from a network.pkl",
        classes=given,
        label_set=next((id for id, known in LABEL_SETS.items() if known == given), "custom"),
        preprocess=Preprocess(
            size_px=side, channels=cast(Any, channels), mean=(0.5,) * channels, std=(0.5,) * channels
        ),
        data={"brought_in": {"file": Path(network.source).name, "sha256": digest}},
        licence=licence,
        intended_use=intended,
        forbidden_use=forbidden,
        versions=versions(),
    )


def _walk(saved: pickled.Saved, name: str, path: str | os.PathLike[str]) -> Iterator[tuple[str, pickled.Saved]]:
    """A module and all modules inside it, with their names; stops where a hostile file goes round in circles."""
    waiting, seen = [(name, saved, 0)], 0
    while waiting:
        name, module, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_MODULES:
            raise ModelError(f"{path}: modules inside modules without end")
        yield name, module
        for key, inner in _mapping(module.state, "_modules", path).items():
            if isinstance(inner, pickled.Saved):
                waiting.append((f"{name}.{key}".lstrip("."), inner, depth + 1))
            elif inner is not None:
                raise ModelError(f"{path}: {name}.{key} is a {type(inner).__name__}, expected a module")


def _mapping(state: dict[Any, Any], kind: str, path: str | os.PathLike[str]) -> dict[Any, Any]:
    found = state.get(kind, {})
    if type(found) is not dict:
        raise ModelError(f"{path}: {kind} is a {type(found).__name__}, expected a dictionary")
    return found


def _check_kind(network: Network, saved: pickled.Saved) -> None:
    """Say what the network is when it is not a StyleGAN2 generator of the kind we have."""
    names = network.tensors
    if any(name.startswith("synthesis.input.") for name in names):
        raise ModelError(f"{network.source}: a StyleGAN3 generator (config t or r), expected StyleGAN2")
    if any(re.fullmatch(r"synthesis\.b\d+\.skip\.weight", name) for name in names):
        raise ModelError(f"{network.source}: a generator of the architecture 'resnet', expected 'skip'")
    blocks = {name.split(".")[1] for name in names if name.startswith("synthesis.b")}
    pictures = {name.split(".")[1] for name in names if re.fullmatch(r"synthesis\.b\d+\.torgb\.weight", name)}
    if len(blocks) > 1 and len(pictures) == 1:
        raise ModelError(f"{network.source}: a generator of the architecture 'orig', expected 'skip'")
    needed = ["mapping.fc0.weight", "mapping.w_avg", "synthesis.b4.const"]
    needed += [f"synthesis.{block}.{part}.bias" for block in blocks for part in ("conv1", "torgb")]
    needed += [name for name in ("mapping.embed.weight",) if name in names]
    missing = [name for name in needed if name not in names or not names[name].ndim]
    if missing:
        raise ModelError(
            f"{network.source}: a {saved.class_name[:60]} without {missing[0]}, expected a StyleGAN2 generator"
        )


def _sides(network: Network) -> list[int]:
    found = {match[1] for name in network.tensors if (match := re.match(r"synthesis\.b(\d{1,5})\.", name))}
    sides = sorted(int(side) for side in found)
    if sides != [4 << step for step in range(len(sides))]:
        raise ModelError(
            f"{network.source}: pictures of {', '.join(map(str, sides))} px inside; "
            "expected 4, 8, 16, ..., each twice the last"
        )
    const = network.tensors["synthesis.b4.const"]
    if const.ndim != 3 or const.shape[1:] != (4, 4):
        raise ModelError(
            f"{network.source}: starts from {tuple(const.shape[1:])} pixels, expected 4 x 4: only square pictures"
        )
    return sides


def _clamp(network: Network) -> float | None:
    layers = [state for name, state in network.modules.items() if re.fullmatch(r"synthesis\.b\d+\.(conv.|torgb)", name)]
    found = {value if type(value := state.get("conv_clamp")) in (int, float) else None for state in layers}
    if len(found) != 1:
        raise ModelError(f"{network.source}: its layers are clamped at different values {sorted(map(str, found))[:5]}")
    clamp = found.pop()
    if clamp is not None and not clamp > 0:
        raise ModelError(f"{network.source}: its layers are clamped at {clamp}, expected more than 0")
    return None if clamp is None else float(clamp)


def _check_settings(network: Network) -> None:
    """Compare what cannot be seen in the tensors: activations, scales of the weights, noise."""
    for name, state in network.modules.items():
        weight = network.tensors.get(f"{name}.weight")
        is_mapping = re.fullmatch(r"mapping\.fc\d+", name) is not None
        is_layer = re.fullmatch(r"synthesis\.b\d+\.conv[01]", name) is not None
        wanted: dict[str, object] = {"activation": "lrelu" if is_mapping or is_layer else "linear"}
        if weight is not None and weight.ndim == 2:
            rate = MAPPING_RATE if is_mapping else 1.0
            wanted |= {"bias_gain": rate, "weight_gain": rate / weight.shape[1] ** 0.5}
        if is_layer:
            wanted |= {"use_noise": True, "up": 2 if name.endswith("conv0") else 1, "act_gain": 2**0.5}
        for key, expected in wanted.items():
            if key in state and not _is_same(state[key], expected):
                value = state[key] if type(state[key]) in (str, int, float, bool) else type(state[key]).__name__
                raise ModelError(f"{network.source}: {key} of {name} is {str(value)[:60]}, expected {expected}")


def _is_same(value: Any, expected: object) -> bool:
    if isinstance(expected, float):
        return type(value) in (int, float) and abs(value - expected) <= 1e-6 * expected
    return type(value) is type(expected) and value == expected


def _hint(name: str) -> str:
    if name.endswith(("noise_const", "noise_strength")):
        return " (a network without noise, or of other sides)"
    if name.startswith("mapping."):
        return " (all layers of the mapping network must be as wide as the style)"
    return ""
