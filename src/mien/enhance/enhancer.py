"""One enhancer: a way of enlarging, found by its name, and the finish after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from mien.enhance.finish import Finish
from mien.errors import InputError, ModelError
from mien.images import Pixels, grey
from mien.runtime.models import locate
from mien.table import Table

#: Makes pictures larger: pictures, height, width.
Enlarger: TypeAlias = Callable[[Sequence[Pixels], int, int], list[Pixels]]

METHODS = Table(
    "enhancer",
    {
        "bicubic": ("mien.enhance.interpolate:Interpolation", "interpolation with cubic polynomials"),
        "lanczos": ("mien.enhance.interpolate:Interpolation", "interpolation with a windowed sinc"),
        "subpixel": ("mien.enhance.learned:Learned", "a small residual net; ships with mien"),
        "srcnn": ("mien.enhance.learned:Learned", "the net of S0; ships with mien"),
        "enhanced_srcnn": ("mien.enhance.learned:Learned", "S0's larger net; ships with mien"),
    },
)
DEFAULT = "subpixel"
#: Sides that make sense; 8,192 squared is 200 MB of RGB.
MAX_SIDE_PX = 8192


class Enhancer:
    """Makes pictures larger and clearer.

    Args:
        model: an entry of ``METHODS``, or name or path of another model of kind enhancer.
        size_px: side of the square result, or (height, width).
        finish: sharpening and contrast; None = neither.
        threads: CPU threads of one run of a network; None = one per core.
        device: ``auto``, ``cuda`` or ``cpu``.

    Attributes:
        identity: all that decides what comes out; two enhancers with the same make the same pictures.

    Raises:
        ModelError: a learned enhancer has no trained weights here, or the model is no enhancer.
        InputError: a size or a device that makes no sense.

    Example:
        >>> Enhancer("bicubic", 224)([np.zeros((48, 48), np.uint8)])[0].shape
        (224, 224)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT,
        size_px: int | tuple[int, int] = 224,
        finish: Finish | None = None,
        *,
        threads: int | None = None,
        device: str = "auto",
    ) -> None:
        self.height, self.width = (size_px, size_px) if isinstance(size_px, int) else size_px
        if not all(1 <= side <= MAX_SIDE_PX for side in (self.height, self.width)):
            raise InputError(f"a size of {self.height} x {self.width} px: expected 1 to {MAX_SIDE_PX}")
        self.finish = finish or Finish()
        self.enlarge = _enlarger(model, threads, device)
        identity = getattr(self.enlarge, "identity", "")
        self.identity = f"{identity} {self.height}x{self.width} {self.finish.model_dump_json()}"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Pixels]:
        """Enhance pictures of any size.

        Args:
            pictures: (H, W, 3) RGB or (H, W) grey, uint8.

        Returns:
            The same number, (height, width, 3) or (height, width); a colour picture without colours becomes grey.
        """
        narrow = [grey(picture) if picture.ndim == 3 and is_grey(picture) else picture for picture in pictures]
        return [self.finish(picture) for picture in self.enlarge(narrow, self.height, self.width)]


def is_grey(picture: Pixels) -> bool:
    """True when the three channels of an RGB picture (H, W, 3) are the same."""
    first = picture[..., 0]
    return bool(np.array_equal(first, picture[..., 1]) and np.array_equal(first, picture[..., 2]))


def _enlarger(model: str | os.PathLike[str], threads: int | None, device: str) -> Enlarger:
    name = os.fspath(model)
    if name in ("bicubic", "lanczos"):
        found: Enlarger = METHODS.load(name)({"bicubic": "cubic"}.get(name, name))
        return found
    try:
        path = locate(model)
    except ModelError as error:
        if name in METHODS:
            raise ModelError(
                f"{name}: its trained weights are missing, and an untrained enhancer destroys faces: train them with "
                f"`mien train {name.replace('_', '-')}` and name the exported model, or use bicubic or lanczos"
            ) from None
        raise ModelError(f"{error}; without a network: {', '.join(list(METHODS)[:2])}") from None
    return METHODS.load(DEFAULT)(path, threads, device)  # type: ignore[no-any-return]
