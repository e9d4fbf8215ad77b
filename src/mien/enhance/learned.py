"""Enlarging with a trained network."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.images import Pixels, resize
from mien.runtime.models import Model
from mien.runtime.session import Opened

#: Pixels that one run of the network may take in: 32 faces of 48 x 48, or one photograph of 271 x 271.
MAX_PIXELS = 32 * 48 * 48


class Learned:
    """A trained enhancer.

    The network enlarges the luminance by its own factor; the colours, in which people see little detail, are
    interpolated. From there the picture is resized to the size that is wanted: enlarged a little more by bicubic
    interpolation, or shrunk by area averaging. A picture that already is as large as that is only resized.

    Args:
        model: name or path of a model of kind enhancer.
        threads: CPU threads of one run; None = one per core.
        device: ``auto``, ``cuda`` or ``cpu``.

    Attributes:
        card: what the model says of itself.
        identity: what was used, for the record of a job.

    Raises:
        ModelError: there is no such model, or it is no enhancer. An enhancer without trained weights does not exist
            here: an untrained one destroys faces.
        InputError: there is no such device.

    Source: luminance alone as in Dong et al., "Learning a Deep Convolutional Network for Image Super-Resolution", 2014.
    """

    def __init__(self, model: Model, threads: int | None = None, device: str = "auto") -> None:
        opened = Opened(model, threads, device)
        self.card = opened.card
        if self.card.kind != "enhancer":
            raise ModelError(f"{opened.path}: is a model of kind {self.card.kind}; an enhancer is needed here")
        self.identity = f"{self.card.name} {opened.digest}"
        self._session = opened.session

    def __call__(self, pictures: Sequence[Pixels], height: int, width: int) -> list[Pixels]:
        """Bring pictures, (H, W, 3) RGB or (H, W) grey, uint8, to one size."""
        found: list[Pixels] = [picture for picture in pictures]
        by_shape: dict[tuple[int, int], list[int]] = {}
        for number, picture in enumerate(pictures):
            if picture.shape[0] < height or picture.shape[1] < width:
                by_shape.setdefault((picture.shape[0], picture.shape[1]), []).append(number)
            else:
                found[number] = resize(picture, height, width, "cubic")
        for (tall, wide), numbers in by_shape.items():
            count = max(MAX_PIXELS // (tall * wide), 1)
            for start in range(0, len(numbers), count):
                together = numbers[start : start + count]
                for number, picture in zip(together, self.enlarge([pictures[n] for n in together]), strict=True):
                    found[number] = resize(picture, height, width, "cubic")
        return found

    def enlarge(self, pictures: Sequence[Pixels]) -> list[Pixels]:
        """Pictures of one shape, (H, W, 3) RGB or (H, W) grey, uint8, larger by the factor of the network."""
        split = [None if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb) for picture in pictures]
        light = np.stack([p if s is None else s[..., 0] for p, s in zip(pictures, split, strict=True)])
        tensor = self.card.preprocess.normalise(np.asarray(light[..., None], np.uint8))
        (enlarged,) = self._session.run(["enlarged"], {"faces": tensor})
        values = np.clip(np.rint(enlarged[:, 0] * 255), 0, 255).astype(np.uint8)
        return [large if s is None else _coloured(large, s) for large, s in zip(values, split, strict=True)]


def _coloured(light: NDArray[np.uint8], small: NDArray[np.generic]) -> Pixels:
    """Luminance (H, W) with the colours of a small picture (h, w, 3) YCrCb: (H, W, 3) RGB."""
    size = (light.shape[1], light.shape[0])
    colours = cv2.resize(np.ascontiguousarray(small[..., 1:]), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(np.dstack([light, colours]), cv2.COLOR_YCrCb2RGB), np.uint8)
