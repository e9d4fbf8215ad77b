"""Answers written as they come: JSON, JSON lines, CSV. An hour of video takes no more memory than a picture."""

from __future__ import annotations

import csv
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from mien.runtime.stream import Answer

SUFFIXES = (".json", ".jsonl", ".csv")


class Writer(Protocol):
    """Where answers go."""

    def add(self, answer: Answer) -> None:
        """Write one."""
        ...

    def end(self, videos: Sequence[dict[str, Any]]) -> None:
        """Write what comes after the last one: a summary of each video."""
        ...


class Json:
    """One object: what the answers were made with, ``pictures`` (also frames), and ``videos`` where there are any."""

    def __init__(self, file: TextIO, head: dict[str, Any]) -> None:
        self._file, self._head, self._has_begun = file, head, False

    def add(self, answer: Answer) -> None:
        """Write one picture or frame."""
        self._begin()
        self._file.write(("," if self._has_begun else "") + "\n" + _indented(answer.to_dict()))
        self._has_begun = True

    def _begin(self) -> None:
        if not self._has_begun:
            self._file.write(json.dumps(self._head, indent=2)[: -len("\n}")] + ',\n  "pictures": [')

    def end(self, videos: Sequence[dict[str, Any]]) -> None:
        """Write the summaries and close the object."""
        self._begin()
        self._file.write("\n  ]" if self._has_begun else "]")
        if videos:
            self._file.write(',\n  "videos": [\n' + ",\n".join(map(_indented, videos)) + "\n  ]")
        self._file.write("\n}\n")


def _indented(item: dict[str, Any]) -> str:
    return textwrap.indent(json.dumps(item, indent=2), "    ")


class Lines:
    """A line per picture or frame."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def add(self, answer: Answer) -> None:
        """Write one line."""
        self._file.write(json.dumps(answer.to_dict()) + "\n")

    def end(self, videos: Sequence[dict[str, Any]]) -> None:
        """Nothing: each line stands for itself."""


class Csv:
    """A row per face; one with a reason for a picture without.

    Args:
        file: open for text.
        names: of the classes.
        has_videos: with the columns frame, time_s and track. Frames without a face have no row.
    """

    def __init__(self, file: TextIO, names: Sequence[str], has_videos: bool) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._names, self._has_videos = names, has_videos
        when = ["frame", "time_s", "track"] if has_videos else []
        columns = ["face", "x1", "y1", "x2", "y2", "label", "confidence", "abstained", "reason"]
        self._writer.writerow(["source", *when, *columns, *names])

    def add(self, answer: Answer) -> None:
        """Write the rows of one picture or frame."""
        time_s = "" if answer.time_s is None else round(answer.time_s, 6)
        for number, reading in enumerate(answer.readings, start=1):
            found = reading.prediction
            when = [answer.frame, time_s, reading.track] if self._has_videos else []
            box = [round(float(value), 1) for value in reading.face.box]
            shares = [round(float(value), 6) for value in found.probabilities]
            label, confidence = found.label, round(found.confidence, 6)
            self._writer.writerow(
                [answer.source, *when, number, *box, label, confidence, found.is_abstained, "", *shares]
            )
        if answer.reason and (answer.error or answer.frame is None):
            when = [answer.frame, time_s, ""] if self._has_videos else []
            self._writer.writerow([answer.source, *when, *[""] * 8, answer.reason, *[""] * len(self._names)])

    def end(self, videos: Sequence[dict[str, Any]]) -> None:
        """Nothing: each row stands for itself."""


def check_suffix(path: Path, allowed: Sequence[str] = SUFFIXES) -> None:
    """See that a name says which format is wanted.

    Raises:
        InputError: it does not.
    """
    from mien.errors import InputError

    if path.suffix not in allowed:
        named = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
        raise InputError(f"--output {path}: the name must end with {named}")


@contextmanager
def writers(
    path: Path | None, is_printed: bool, head: dict[str, Any], names: Sequence[str], has_videos: bool
) -> Iterator[list[Writer]]:
    """Open a file that appears whole or not at all, and standard output for JSON; each where it is wanted."""
    from mien.atomic import writing

    printed: list[Writer] = [Json(sys.stdout, head)] if is_printed else []
    if path is None:
        yield printed
        return
    with writing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".json":
            yield [*printed, Json(file, head)]
        elif path.suffix == ".jsonl":
            yield [*printed, Lines(file)]
        else:
            yield [*printed, Csv(file, names, has_videos)]
