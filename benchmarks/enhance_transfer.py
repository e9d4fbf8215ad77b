"""Does enhancement help a classifier? One recipe on faces of 48 px, on bicubic-enlarged and on enhanced ones.

Run:  python benchmarks/enhance_transfer.py FACES --out FOLDER [--recipe s0] [--size 96] [--small 48] [--seeds 0,1,2]
      [--set part.key=value ...]

The same recipe, the same seeds and the same pictures in all arms; the pictures of all splits are enlarged, so that each
arm is tested on what it learned from. What has ended is not done again when the same command is given.

Expected: benchmarks/results/enhance_transfer.md
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shlex
import subprocess
import sys
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "enhance_transfer.md"
#: What stands below this heading is written by hand and kept.
READING = "## Reading it\n"


def run(*words: object) -> str:
    """One command of mien; its errors are shown as they are."""
    command = [sys.executable, "-m", "mien", *map(str, words)]
    print("$ mien", shlex.join(command[3:]), flush=True)
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path, help="manifest of small faces with splits")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", default="s0")
    parser.add_argument("--enhancer", default="subpixel")
    parser.add_argument("--size", type=int, default=96, help="side of the enlarged faces")
    parser.add_argument("--small", type=int, default=48, help="side for the arm without enlarging")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--split", default="val", help="whose pictures are scored")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    arms = {"bicubic": "bicubic", "enhanced": given.enhancer}
    for arm, model in arms.items():
        folder = given.out / f"{arm}-{given.size}"
        run("enhance", given.faces, "--out", folder, "--model", model, "--size", given.size, "--samples", 8)
    options = [word for text in given.set for word in ("--set", text)]
    options += [
        word for arm in arms for word in ("--arm", f"{arm}={given.out / f'{arm}-{given.size}' / 'manifest.csv'}")
    ]
    options += [word for arm in arms for word in ("--change", f"{arm}:preprocess.size_px={given.size}")]
    options += ["--arm", f"small={given.faces}", "--change", f"small:preprocess.size_px={given.small}"]
    options += ["--match", "original", "--seeds", given.seeds, "--split", given.split, "--threads", given.threads]
    found = run("arms", given.recipe, *options, "--out", given.out / "arms", "--json")
    numbers = json.loads(found[found.index("{\n") :])
    text = run("compare", *_sides(given.out / "arms", [*arms, "small"], given.seeds), "--match", "original")
    print(text)
    root = Path(__file__).parents[1]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout
    before = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
    kept = before.partition(READING)[2]
    shown = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    lines = [
        "# Does enhancement help a classifier?",
        "",
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}, Python {platform.python_version()}, "
        f"commit {commit.strip()}.",
        f"Run: `python benchmarks/enhance_transfer.py {shlex.join(shown)}`",
        "",
        f"Recipe `{given.recipe}` on faces of {given.small} px (small), enlarged to {given.size} px by bicubic "
        f"interpolation, and by `{given.enhancer}` (enhanced); seeds {given.seeds}; scored on {given.split}, "
        f"{numbers['rows']:,} pictures.",
        "",
        "```",
        text.rstrip(),
        "```",
        "",
    ]
    RESULT.write_text("\n".join(lines) + ("\n" + READING + kept if kept else ""), encoding="utf-8")
    print(f"written: {RESULT}")


def _sides(folder: Path, names: list[str], seeds: str) -> list[str]:
    """Arguments of ``mien compare``: the runs of each arm under its name."""
    words = []
    for name in names:
        runs = ",".join(str(folder / name / f"seed-{seed}" / "scores.npz") for seed in seeds.split(","))
        words += ["--arm", f"{name}={runs}"]
    return words


if __name__ == "__main__":
    main()
