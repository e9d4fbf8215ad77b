"""Settings of glibc's allocator for training on a CPU. Loads no torch."""

from __future__ import annotations

import os
import sys

#: glibc gives freed memory back and takes it again at every step; keeping it is worth 4 to 30 % of a CPU training.
ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
}


def keep_memory() -> None:
    """Start this process again with the allocator's settings, which are read once, at the start of a process."""
    if sys.platform == "linux" and not any(name in os.environ for name in ALLOCATOR):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **ALLOCATOR})
