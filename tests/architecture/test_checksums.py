"""The table of checksums that ships is the one of the files that ship."""

import hashlib

from mien.runtime.integrity import TABLE, verify


def test_the_table_is_true(root):
    package = root / "src" / "mien"
    expected = {
        path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in package.rglob("*.onnx")
    }
    lines = (package / "weights" / TABLE).read_text().splitlines()
    assert {name: digest for digest, name in (line.split("  ") for line in lines)} == expected, "make checksums"


def test_what_ships_is_sound():
    assert [finding.faults for finding in verify() if finding.entry.is_shipped and finding.faults] == []
