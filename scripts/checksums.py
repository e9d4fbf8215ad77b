"""Write src/mien/weights/SHA256SUMS: the digest of every model file that ships.

python scripts/checksums.py            write it
python scripts/checksums.py --check    exit with 1 when it is not up to date

The same as `sha256sum` in src/mien; `sha256sum --check weights/SHA256SUMS` there compares.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "mien"
TARGET = PACKAGE / "weights" / "SHA256SUMS"


def main() -> None:
    """Write the table, or compare it."""
    paths = sorted(PACKAGE.rglob("*.onnx"))
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    text = "".join(f"{digest}  {path.relative_to(PACKAGE).as_posix()}\n" for path, digest in digests.items())
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, encoding="ascii")
    elif not TARGET.is_file() or TARGET.read_text(encoding="ascii") != text:
        sys.exit(f"{TARGET} is not up to date: make checksums")


if __name__ == "__main__":
    main()
