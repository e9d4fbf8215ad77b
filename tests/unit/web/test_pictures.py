import contextlib
import os
import random
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.web import pictures
from mien.web.problems import Problem

FILES = runpy.run_path(str(Path(__file__).with_name("hostile.py")))
HOSTILE, chunk, png, saved = (FILES[name] for name in ("HOSTILE", "chunk", "png", "saved"))
LIMIT = 25_000_000


def decode(content, declared, max_pixels):
    with pictures.decode(content, declared, max_pixels, lambda count: contextlib.nullcontext()) as image:
        return image


@pytest.mark.parametrize(("content", "status", "code"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_with_a_reason(content, status, code):
    with pytest.raises(Problem) as caught:
        decode(content, "", LIMIT)
    assert (caught.value.status, caught.value.code) == (status, code), caught.value.message
    assert caught.value.message


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_what_is_read(format):
    assert decode(saved(format, (20, 10)), f"image/{format.lower()}", 200).shape == (10, 20, 3)
    with pytest.raises(Problem, match="20 x 10 is 200 pixels, the limit is 199"):
        decode(saved(format, (20, 10)), "", 199)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}, {"exact": True, "exif": b"Exif\0\0"}])
def test_the_size_of_all_kinds_of_webp(options):
    with pytest.raises(Problem, match="31 x 17 is 527 pixels"):
        decode(saved("WEBP", (31, 17), **options), "", 526)


@pytest.mark.parametrize("declared", ["", "application/octet-stream", "image/*", "image/jpeg", "image/jpg"])
def test_types_that_go_with_a_jpeg(declared):
    assert decode(saved("JPEG"), declared, LIMIT).shape == (48, 64, 3)


@pytest.mark.parametrize("declared", ["image/png", "image/svg+xml", "text/html", "video/mp4"])
def test_a_wrong_type_is_told(declared):
    with pytest.raises(Problem, match=f"declared as {declared.replace('+', '.')}, but .* JPEG") as caught:
        decode(saved("JPEG"), declared, LIMIT)
    assert (caught.value.status, caught.value.code) == (415, "type_mismatch")


def test_what_comes_after_a_picture_is_not_looked_at():
    """Phones put a film behind the photograph; an archive there is as harmless, since nobody opens it."""
    assert np.array_equal(decode(saved("JPEG") + b"PK\x03\x04" * 100, "", LIMIT), decode(saved("JPEG"), "", LIMIT))


def test_text_in_a_picture_is_no_reason_to_refuse_it():
    assert decode(png(8, 8, chunk(b"tEXt", b"Comment\0<script>"), rows=bytes(9 * 8)), "", LIMIT).shape == (8, 8, 3)


def test_damage_at_random_gives_a_picture_or_a_problem():
    draw = random.Random(0)
    seeds = [saved(format) for format in ("JPEG", "PNG", "WEBP", "GIF", "BMP")] + [saved("JPEG", progressive=True)]
    for _ in range(600):
        content = bytearray(draw.choice(seeds))
        for _ in range(draw.choice([1, 3, 20])):
            content[int(draw.random() ** 3 * len(content))] = draw.randrange(256)
        with contextlib.suppress(Problem):  # anything else fails the test
            assert decode(content[: draw.choice([None, None, draw.randrange(len(content))])], "", LIMIT).ndim == 3


def test_bombs_take_no_memory():
    """All of them, in a process that may have a tenth of what the smallest would unpack to."""
    program = """
import resource
from contextlib import nullcontext as room
from hostile import BOMBS
from mien.web.pictures import decode
from mien.web.problems import Problem
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 30_000_000, -1))
for content, _, _ in BOMBS.values():
    try:
        with decode(content, "", 25_000_000, room):
            raise SystemExit("was read")
    except Problem:
        pass
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not say how much memory a process has")
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parents[2] / "src")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
