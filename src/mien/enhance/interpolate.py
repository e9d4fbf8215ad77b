"""Enlarging by interpolation: the yardstick for everything learned."""

from __future__ import annotations

from collections.abc import Sequence

from mien.images import Pixels, resize


class Interpolation:
    """Bicubic or Lanczos interpolation; what must shrink is averaged over areas.

    Args:
        how: ``cubic`` or ``lanczos``.

    Attributes:
        identity: what was used, for the record of a job.
    """

    def __init__(self, how: str) -> None:
        self.how = how
        self.identity = f"interpolation {how}"

    def __call__(self, pictures: Sequence[Pixels], height: int, width: int) -> list[Pixels]:
        """Bring pictures, (H, W, 3) RGB or (H, W) grey, uint8, to one size."""
        return [resize(picture, height, width, self.how) for picture in pictures]
