"""Learn to draw faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from mien.parts import Gan as Recipe
from mien.synth.distance import frechet, kernel
from mien.train.augment.ada import Ada
from mien.train.loader import Batch
from mien.train.nets.discriminator import Discriminator
from mien.train.nets.stylegan2 import Generator
from mien.train.tasks import Update

#: Pictures that are drawn at once for validation.
AT_ONCE = 64
#: Faces of each class on the sheets that show how a training goes.
EXAMPLES = 8

#: (N, S, S, C) uint8 pictures to (N, D) features.
Featurize = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Critic(nn.Module):
    """A discriminator with what it sees: the pictures after adaptive augmentation.

    Args:
        net: pictures and classes to logits.
        ada: the augmentation, whose strength is kept with the weights.

    Attributes:
        images: real pictures it was shown.
        steps: batches it was shown.
    """

    images: torch.Tensor
    steps: torch.Tensor

    def __init__(self, net: Discriminator, ada: Ada) -> None:
        super().__init__()
        self.net = net
        self.ada = ada
        for name in ("images", "steps"):
            self.register_buffer(name, torch.zeros([], dtype=torch.int64))

    def forward(self, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """(N, C, S, S) augmented pictures and (N, classes) -> (N,) logits that they are real."""
        logits: torch.Tensor = self.net(images, classes)
        return logits


class Gan:
    """Two networks against each other, two updates per step: the critic, then the generator.

    Args:
        generator: latents and classes to faces.
        critic: faces and classes to how real they look.
        recipe: the strength of everything.
        classes: (N, C) of the validation faces, rows that sum to one.
        features: (N, D) of the validation faces.
        featurize: makes such features from pictures.
        show: called with the pictures seen so far and a row of faces (EXAMPLES, S, S, C) for every class.
        seed: of the faces that are drawn for validation, the same in every epoch.
        fabric: the processes that share the work.

    Source: the loss without saturation of Goodfellow et al., "Generative Adversarial Nets", 2014, section 3; R1 of
    Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018, equation 9, every so many steps and
    as many times as strong (lazy regularisation, as in StyleGAN2). It looks at the pictures as the critic sees them,
    after augmentation.
    """

    def __init__(
        self,
        generator: Generator,
        critic: Critic,
        recipe: Recipe,
        classes: NDArray[np.float32],
        features: NDArray[np.float32],
        featurize: Featurize,
        show: Callable[[int, list[NDArray[np.uint8]]], None],
        seed: int,
        fabric: Fabric,
    ) -> None:
        self.generator, self.critic, self.recipe = generator, critic, recipe
        self.classes, self.features, self.featurize, self.show = classes, features, featurize, show
        self.seed, self.fabric = seed, fabric

    def parts(self) -> Mapping[str, nn.Module]:
        """Generator and critic."""
        return {"generator": self.generator, "critic": self.critic}

    def updates(self, parts: Mapping[str, nn.Module], batch: Batch) -> Iterator[Update]:
        """The critic's step, then the generator's."""
        yield self._judge(parts, batch)
        self.critic.requires_grad_(False)  # gradients flow through it, and none stay
        try:
            fakes = self._draw(parts["generator"], batch)
            answers = parts["critic"](self.critic.ada(fakes, batch.generator), batch.targets)
            loss = functional.softplus(-answers).mean()
            yield Update("generator", loss, {"generator": loss})
        finally:
            self.critic.requires_grad_(True)

    def _judge(self, parts: Mapping[str, nn.Module], batch: Batch) -> Update:
        critic, ada = self.critic, self.critic.ada
        mirror = torch.rand(len(batch.pixels), generator=batch.generator) < 0.5
        real = batch.pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
        real = torch.where(mirror.to(real.device)[:, None, None, None], real.flip(3), real)
        with torch.no_grad():
            fakes = ada(self._draw(parts["generator"], batch), batch.generator)
            real = ada(real, batch.generator)
        is_lazy = int(critic.steps) % self.recipe.r1_every == 0
        real.requires_grad_(is_lazy)
        of_fakes = parts["critic"](fakes, batch.targets)
        of_real = (critic if is_lazy else parts["critic"])(real, batch.targets)  # the slope in full precision
        loss = functional.softplus(of_fakes).mean() + functional.softplus(-of_real).mean()
        logs = {"critic": loss, "real": of_real.detach().sign().mean(), "augmented": ada.probability.clone()}
        if is_lazy and self.recipe.r1:
            (slope,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
            steepness = slope.float().square().sum(dim=(1, 2, 3)).mean()
            loss = loss + steepness * (self.recipe.r1 / 2 * self.recipe.r1_every)
            logs["r1"] = steepness
        ada.observe(of_real, self.fabric)
        critic.steps += 1
        critic.images += len(real) * self.fabric.world_size
        return Update("critic", loss, logs)

    def _draw(self, generator: nn.Module, batch: Batch) -> torch.Tensor:
        """Faces of the classes of a batch, some with the styles of two latents."""
        net, count, device = self.generator, len(batch.targets), batch.targets.device
        latents, others = (torch.randn(count, net.latents, generator=batch.generator).to(device) for _ in range(2))
        noise = torch.randn(count, net.noises, generator=batch.generator).to(device)
        layers = len(net.noise_sides) + 1
        crossover = torch.randint(1, layers, (count, 1), generator=batch.generator)
        is_mixed = torch.rand(count, 1, generator=batch.generator) < self.recipe.mixing
        crossover = torch.where(is_mixed, crossover, layers).to(device)
        whole = torch.ones(count, 1, device=device)
        faces: torch.Tensor = generator(latents, batch.targets, whole, noise, others, crossover)
        return faces.float()

    def settle(self, parts: Mapping[str, nn.Module], batches: Iterable[Batch]) -> None:
        """There are no batch norms."""

    def validate(self, parts: Mapping[str, nn.Module]) -> dict[str, Any]:
        """FID and KID of as many faces as there are validation faces, of the same classes; shows a sheet of others."""
        generator = cast(Generator, parts["generator"]).eval()
        generator.mapping.find_centres()
        drawn = self.featurize(self._faces(generator, self.classes, self.seed))
        if self.fabric.is_global_zero:
            rows = np.eye(max(generator.classes, 1), dtype=np.float32)
            self.show(
                int(self.critic.images),
                [self._faces(generator, row[None].repeat(EXAMPLES, axis=0), self.seed + 1) for row in rows],
            )
        return {"fid": frechet(self.features, drawn), "kid": float(kernel(self.features, drawn))}

    def _faces(self, net: Generator, classes: NDArray[np.float32], seed: int) -> NDArray[np.uint8]:
        """(N, S, S, C) uint8 faces."""
        generator, found = torch.Generator().manual_seed(seed), []
        for start in range(0, len(classes), AT_ONCE):
            of = torch.from_numpy(classes[start : start + AT_ONCE]).to(self.fabric.device)
            latents, noise = (
                torch.randn(len(of), size, generator=generator).to(of) for size in (net.latents, net.noises)
            )
            with torch.inference_mode():
                faces = net(latents, of, torch.ones(len(of), 1).to(of), noise)
            values = ((faces + 1) * 127.5).round().clamp(0, 255).byte()
            found.append(values.permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(found)
