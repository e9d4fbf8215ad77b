"""The generator of StyleGAN2 with classes, in plain operations: it runs and exports wherever torch does.

Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020; classes as in Karras et al.,
"Training Generative Adversarial Networks with Limited Data", 2020. The parameters have the names and the scales of the
second paper's published networks, so that weights can be brought in. What differs: sides need not be powers of two;
the average style is kept for each class, and truncation goes towards the class's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional

#: Of the leaky ReLU, whose output is scaled by the root of two to keep the variance.
SLOPE, GAIN = 0.2, math.sqrt(2)
#: The mapping network learns at a hundredth of the rate.
MAPPING_RATE = 0.01


def ladder(size_px: int) -> list[int]:
    """Sides of the pictures inside, from the smallest up: 64 -> 4, 8, 16, 32, 64; 48 -> 3, 6, 12, 24, 48."""
    sides = [size_px]
    while sides[0] % 2 == 0 and sides[0] > 4:
        sides.insert(0, sides[0] // 2)
    return sides


def widths(sides: Sequence[int], capacity: int, widest: int) -> list[int]:
    """Channels at every side: ``capacity / side``, at most ``widest``."""
    return [min(capacity // side, widest) for side in sides]


def activate(values: torch.Tensor, bias: torch.Tensor | None = None, clamp: float | None = None) -> torch.Tensor:
    """Add the bias of every channel, leaky ReLU, scale, and cut at ``clamp`` where there is one."""
    if bias is not None:
        values = values + bias.to(values.dtype).view(1, -1, *[1] * (values.ndim - 2))
    active = functional.leaky_relu(values, SLOPE) * GAIN
    return active if clamp is None else active.clamp(-clamp, clamp)


def smooth(images: torch.Tensor) -> torch.Tensor:
    """Filter with 1 3 3 1 along both axes, to a sum of four; the sides lose three pixels."""
    line = images.new_tensor([0.25, 0.75, 0.75, 0.25])
    kernel = (line[:, None] * line).expand(images.shape[1], 1, -1, -1)
    return functional.conv2d(images, kernel, groups=images.shape[1])


def normalised(vectors: torch.Tensor) -> torch.Tensor:
    """(N, D) vectors with a mean square of one."""
    return vectors * (vectors.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class Linear(nn.Module):
    """A linear layer whose weights are scaled while it runs, so that all layers learn equally fast.

    Args:
        inputs: features in.
        outputs: features out.
        is_active: leaky ReLU at the end.
        rate: factor on how fast it learns.
        bias: at the start.

    Source: Karras et al., "Progressive Growing of GANs", 2018, section 4.1.
    """

    def __init__(
        self, inputs: int, outputs: int, *, is_active: bool = False, rate: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full([outputs], bias / rate))
        self.is_active, self.rate = is_active, rate

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, inputs) -> (N, outputs)."""
        scale = self.rate / math.sqrt(self.weight.shape[1])
        found = functional.linear(features, self.weight * scale, self.bias * self.rate)
        return activate(found) if self.is_active else found


class Mapping(nn.Module):
    """Latents and class to a style.

    Args:
        latents: numbers in a latent vector.
        styles: numbers in a style.
        classes: how many; 0 = none.
        depth: layers.
    """

    w_avg: torch.Tensor

    def __init__(self, latents: int, styles: int, classes: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.embed = Linear(classes, styles) if classes else None
        inputs = latents + (styles if classes else 0)
        for number in range(depth):
            layer = Linear(inputs if number == 0 else styles, styles, is_active=True, rate=MAPPING_RATE)
            self.add_module(f"fc{number}", layer)
        self.register_buffer("w_avg", torch.zeros(max(classes, 1), styles))

    def forward(self, latents: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """(N, latents) and (N, classes) -> (N, styles)."""
        features = normalised(latents)
        if self.embed is not None:
            features = torch.cat([features, normalised(self.embed(classes))], dim=1)
        for number in range(self.depth):
            features = self.get_submodule(f"fc{number}")(features)
        return features

    def centre(self, classes: torch.Tensor) -> torch.Tensor:
        """(N, styles): the average style of each one's class; between classes, something between."""
        return classes @ self.w_avg if self.embed is not None else self.w_avg.expand(classes.shape[0], -1)

    @torch.no_grad()
    def find_centres(self, count: int = 4096) -> None:
        """Set the average styles, from the same random latents in every class."""
        embedded = self.embed.weight.shape[0] if self.embed is not None else 0
        first = cast(Linear, self.get_submodule("fc0"))
        size = first.weight.shape[1] - embedded
        drawn = torch.randn(count, size, generator=torch.Generator().manual_seed(0)).to(self.w_avg)
        for number, row in enumerate(torch.eye(len(self.w_avg)).to(self.w_avg)):
            self.w_avg[number] = self(drawn, row.expand(count, -1)).mean(dim=0)


class Modulated(nn.Module):
    """A convolution whose input channels are scaled by a style and, with ``is_even``, whose output is scaled back.

    Args:
        inputs: channels in.
        outputs: channels out.
        styles: numbers in a style.
        kernel: side of the kernel.
        is_even: demodulate.
        up: twice as large pictures come out.
    """

    def __init__(
        self, inputs: int, outputs: int, styles: int, kernel: int, *, is_even: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.affine = Linear(styles, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.is_even, self.up = is_even, up

    def convolve(self, images: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) and (N, styles) -> (N, outputs, H, W), or twice as large; no bias yet."""
        scales = self.affine(style)
        weight = self.weight
        if not self.is_even:
            scales = scales / math.sqrt(weight[0].numel())
        found = images * scales.to(images.dtype)[:, :, None, None]
        if self.up:
            found = functional.conv_transpose2d(found, weight.transpose(0, 1).to(found.dtype), stride=2)
            found = smooth(functional.pad(found, (1, 1, 1, 1)))
        else:
            found = functional.conv2d(found, weight.to(found.dtype), padding=weight.shape[2] // 2)
        if self.is_even:
            power = scales.square() @ weight.square().sum(dim=(2, 3)).T
            found = found * (power + 1e-8).rsqrt().to(found.dtype)[:, :, None, None]
        return found


class Layer(Modulated):
    """A modulated convolution with noise, bias and leaky ReLU.

    Args:
        side: of its output, in pixels.
        inputs: channels in.
        outputs: channels out.
        styles: numbers in a style.
        up: twice as large pictures come out.
        clamp: largest value that comes out; None = any.
    """

    noise_const: torch.Tensor

    def __init__(self, side: int, inputs: int, outputs: int, styles: int, up: bool, clamp: float | None) -> None:
        super().__init__(inputs, outputs, styles, 3, up=up)
        self.register_buffer("noise_const", torch.randn(side, side))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.clamp = clamp

    def forward(self, images: torch.Tensor, style: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W), (N, styles), (N, 1, side, side) -> (N, outputs, side, side)."""
        found = self.convolve(images, style)
        return activate(found + (noise * self.noise_strength).to(found.dtype), self.bias, self.clamp)


class ToPicture(Modulated):
    """Features to the values of a picture.

    Args:
        inputs: channels in.
        channels: of the picture.
        styles: numbers in a style.
        clamp: largest value that comes out; None = any.
    """

    def __init__(self, inputs: int, channels: int, styles: int, clamp: float | None) -> None:
        super().__init__(inputs, channels, styles, 1, is_even=False)
        self.clamp = clamp

    def forward(self, images: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) and (N, styles) -> (N, channels, H, W)."""
        found = self.convolve(images, style) + self.bias.to(images.dtype)[:, None, None]
        return found if self.clamp is None else found.clamp(-self.clamp, self.clamp)


class Block(nn.Module):
    """All that happens at one side.

    Args:
        side: in pixels.
        inputs: channels in; 0 = this is the first block.
        outputs: channels out.
        channels: of the picture.
        styles: numbers in a style.
        clamp: largest value inside; None = any.
    """

    def __init__(self, side: int, inputs: int, outputs: int, channels: int, styles: int, clamp: float | None) -> None:
        super().__init__()
        self.side = side
        if inputs:
            self.conv0 = Layer(side, inputs, outputs, styles, True, clamp)
        else:
            self.const = nn.Parameter(torch.randn(outputs, side, side))
        self.conv1 = Layer(side, outputs, outputs, styles, False, clamp)
        self.torgb = ToPicture(outputs, channels, styles, clamp)
        self.layers = 2 if inputs else 1

    def forward(
        self,
        features: torch.Tensor | None,
        picture: torch.Tensor | None,
        styles: Sequence[torch.Tensor],
        noise: Sequence[torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Features and picture so far (None at first) -> both at this side."""
        if features is None:
            features = self.const.expand(styles[0].shape[0], -1, -1, -1)  # len() would export as a number
        else:
            features = self.conv0(features, styles[0], noise[0])
        features = self.conv1(features, styles[-2], noise[-1])
        mine = self.torgb(features, styles[-1]).float()
        return features, mine if picture is None else twice(picture) + mine


def twice(picture: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W) through the filter 1 3 3 1: a share of 3/4 from the near pixel, 1/4 from the next.

    Outside the picture there are zeros.
    """
    spread = functional.pad(picture, (1, 1, 1, 1)).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    once = functional.avg_pool2d(spread[:, :, 1:-1, 1:-1], 2, stride=1)
    return functional.avg_pool2d(once, 2, stride=1)


class Synthesis(nn.Module):
    """Styles and noise to a picture."""

    def __init__(
        self, sides: Sequence[int], channels_at: Sequence[int], channels: int, styles: int, clamp: float | None
    ) -> None:
        super().__init__()
        self.sides = tuple(sides)
        for side, before, after in zip(sides, [0, *channels_at], channels_at, strict=False):
            self.add_module(f"b{side}", Block(side, before, after, channels, styles, clamp))

    def blocks(self) -> list[Block]:
        """From the smallest to the largest."""
        return [cast(Block, self.get_submodule(f"b{side}")) for side in self.sides]

    def forward(self, styles: Sequence[torch.Tensor], noise: Sequence[torch.Tensor]) -> torch.Tensor:
        """One (N, styles) per layer and one for the last picture, (N, 1, side, side) per layer -> (N, C, S, S)."""
        features = picture = None
        done = 0
        for block in self.blocks():
            end = done + block.layers
            features, picture = block(features, picture, styles[done : end + 1], noise[done:end])
            done = end
        assert picture is not None
        return picture


class Generator(nn.Module):
    """Latents, classes and noise to faces.

    Args:
        size_px: side of the faces; halved as often as it is even, 3 to 7 pixels must be left.
        channels: 1 grey, 3 RGB.
        classes: how many; 0 = none.
        latents: numbers in a latent vector.
        styles: numbers in a style.
        depth: layers of the mapping network.
        capacity: a layer has ``capacity / side`` channels ...
        widest: ... but not more than this.
        clamp: largest value inside; None = any. Networks for half precision were trained with 256.
    """

    def __init__(
        self,
        size_px: int,
        channels: int,
        classes: int,
        *,
        latents: int = 512,
        styles: int = 512,
        depth: int = 8,
        capacity: int = 32768,
        widest: int = 512,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        sides = ladder(size_px)
        self.latents, self.classes = latents, classes
        self.noise_sides = [side for side in sides for _ in range(1 if side == sides[0] else 2)]
        self.mapping = Mapping(latents, styles, classes, depth)
        self.synthesis = Synthesis(sides, widths(sides, capacity, widest), channels, styles, clamp)

    @property
    def noises(self) -> int:
        """Numbers of noise in one picture, over all layers."""
        return sum(side * side for side in self.noise_sides)

    def forward(
        self,
        latents: torch.Tensor,
        classes: torch.Tensor,
        truncation: torch.Tensor,
        noise: torch.Tensor,
        others: torch.Tensor | None = None,
        crossover: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Draw faces.

        Args:
            latents: (N, Z) standard normal.
            classes: (N, classes), rows that sum to one.
            truncation: (N, 1): 1 = none, 0 = the average face of the class.
            noise: (N, K) standard normal.
            others: (N, Z) latents for the layers from ``crossover`` on: style mixing.
            crossover: (N, 1) number of a layer.

        Returns:
            (N, channels, S, S) values, mostly from -1 to 1.
        """
        style = self._style(latents, classes, truncation)
        count = len(self.noise_sides) + 1
        styles = [style] * count
        if others is not None and crossover is not None:
            other = self._style(others, classes, truncation)
            styles = [torch.where(crossover > number, style, other) for number in range(count)]
        pieces = noise.split([side * side for side in self.noise_sides], dim=1)
        maps = [piece.view(-1, 1, side, side) for piece, side in zip(pieces, self.noise_sides, strict=True)]
        found: torch.Tensor = self.synthesis(styles, maps)
        return found

    def _style(self, latents: torch.Tensor, classes: torch.Tensor, truncation: torch.Tensor) -> torch.Tensor:
        centre = self.mapping.centre(classes)
        return centre + truncation * (self.mapping(latents, classes) - centre)


class Drawn(nn.Module):
    """What a model file gives of a generator: without style mixing and, where it has no classes, without that input.

    Attributes:
        names: of the outputs.
    """

    names = ("faces",)

    def __init__(self, net: Generator) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, latents: torch.Tensor, truncation: torch.Tensor, noise: torch.Tensor, classes: torch.Tensor | None = None
    ) -> tuple[torch.Tensor]:
        """As :meth:`Generator.forward`; no ``classes`` where the net has none."""
        return (self.net(latents, latents[:, :0] if classes is None else classes, truncation, noise),)
