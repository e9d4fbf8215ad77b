"""The table of ``mien predict``: a row per face of a picture, and per person of a video."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from mien.cli.clips import Watched
    from mien.prediction import Prediction
    from mien.runtime.stream import Answer


@dataclass
class _Row:
    source: str
    who: str
    answer: Prediction | None
    when: str = ""


@dataclass
class Shown:
    """Collects what the table shows, and counts the rest.

    Attributes:
        names: of the classes.
        threshold: of abstention.
        limit: rows at most.
        note: a line below the table, or nothing.
    """

    names: tuple[str, ...]
    threshold: float
    limit: int
    pictures: int = 0
    faces: int = 0
    frames: int = 0
    videos: int = 0
    tracks: int = 0
    unanswered: int = 0
    unreadable: int = 0
    rows: list[_Row] = field(default_factory=list)
    reasons: list[tuple[str, str, bool]] = field(default_factory=list)
    left_out: int = 0
    note: str = ""

    def add(self, answer: Answer) -> None:
        """Add one picture."""
        self.pictures += 1
        self.faces += len(answer.readings)
        for number, reading in enumerate(answer.readings, start=1):
            self._row(_Row(answer.source, str(number), reading.prediction))
        if answer.reason:
            self._row(_Row(answer.source, "–", None))
            self._fault(answer.source, answer.reason, answer.error is None)

    def add_video(self, watched: Watched) -> None:
        """Add one video, when it has been read: its people, and what is wrong with it."""
        import numpy as np

        from mien.prediction import Prediction

        self.videos += 1
        self.frames += watched.frames
        self.tracks += len(watched.timeline.tracks)
        for track in watched.timeline.tracks.values():
            mean = Prediction(watched.timeline.labels, track.mean.astype(np.float32), self.threshold)
            when = f"{clock(track.first_s)}–{clock(track.last_s)}"
            self._row(_Row(watched.source, str(track.number), mean, when))
        if not watched.timeline.tracks:
            self._row(_Row(watched.source, "–", None))
        if watched.problem or not watched.timeline.tracks:
            self._fault(watched.source, watched.problem or "no face found", False, not watched.timeline.tracks)

    def _row(self, row: _Row) -> None:
        if len(self.rows) < self.limit:
            self.rows.append(row)
        else:
            self.left_out += row.answer is not None

    def _fault(self, source: str, reason: str, has_hint: bool, is_unanswered: bool = True) -> None:
        self.unanswered += is_unanswered
        if len(self.reasons) < self.limit:
            self.reasons.append((source, reason, has_hint))

    def show(self, written: Sequence[Path], top: int | None) -> None:
        """Print the table, reasons, counts and files."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console()
        is_narrow = console.width < 40 + sum(max(len(name), 4) + 2 for name in self.names)
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column("picture" if not self.videos else "source", no_wrap=True, overflow="ellipsis", min_width=8)
        if self.videos:
            table.add_column("time", no_wrap=True, min_width=9)
        table.add_column("face" if not self.videos else "track", justify="right", min_width=4)
        table.add_column("perceived", no_wrap=True, min_width=max(map(len, self.names)))
        table.add_column("conf.", justify="right", min_width=5)
        if top is None:
            for name in self.names:
                table.add_column(name[:4] if is_narrow else name, justify="right", style="dim", min_width=4)
        else:
            table.add_column("likeliest", style="dim")
        name_of = short_names([row.source for row in self.rows])
        for row in self.rows:
            picture = Text(name_of[row.source])  # as text: brackets in a name are no markup
            first = [picture, row.when] if self.videos else [picture]
            if row.answer is None:
                table.add_row(*first, "–", Text("no answer", style="yellow"))
                continue
            found = row.answer
            label = f"({found.label}?)" if found.is_abstained else found.label
            if top is not None:
                shares = [Text("  ".join(f"{name} {share:.0%}" for name, share in found.top(top)))]
            else:
                best = int(found.probabilities.argmax())
                shares = [
                    Text(f"{share:.0%}", style="bold green" if index == best else "")
                    for index, share in enumerate(found.probabilities)
                ]
            table.add_row(*first, row.who, label, f"{found.confidence:.0%}", *shares)
        console.print(table)
        self._tell(console, written)

    def _tell(self, console: Console, written: Sequence[Path]) -> None:
        from rich.text import Text

        if self.left_out:
            faces = self.faces + self.tracks
            console.print(f"… the first {faces - self.left_out} of {faces} faces; --output writes all of them")
        for source, reason, has_hint in self.reasons:
            hint = " (is the picture one face? then: --detector whole)" if has_hint else ""
            lead = "" if source in reason else f"{source}: "
            console.print(Text(f"{lead}{reason}{hint}", style="yellow"))
        if self.note:
            console.print(Text(self.note), soft_wrap=True)
        parts = []
        if self.pictures:
            parts += [_count(self.pictures, "picture"), _count(self.faces, "face")]
        if self.videos:
            parts += [
                _count(self.videos, "video"),
                f"{_count(self.frames, 'frame')} read",
                _count(self.tracks, "track"),
            ]
        if self.unanswered:
            parts.append(f"{self.unanswered} without an answer")
        kept = f"   written: {', '.join(map(str, written))}" if written else ""
        console.print(Text(f"{', '.join(parts)}{kept}", style="dim"), soft_wrap=True)


def clock(time_s: float) -> str:
    """``0:07`` and ``1:02:07``."""
    minutes, rest = divmod(int(time_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The names without the folder that all have in common."""
    folders = {os.path.dirname(path) for path in paths if "://" not in path}
    try:
        base = os.path.commonpath(folders) if folders else ""
    except ValueError:  # absolute and relative paths, or two drives
        base = ""
    return {path: os.path.relpath(path, base) if base and "://" not in path else path for path in paths}
