"""From videos to faces: pictures of the faces, and a manifest that says which video, frame and time each is from.

    faces/<video>/<video>_f000125_t0005.000_0.png      frame 125, at 5 s, the largest face

Several processes take a video each. A video that has ended leaves a note, so a run that was stopped goes on with the
next one when the same call is made again; a video that changed, or other settings, are done anew. A video that is
broken gives what can be read and is listed with its reason; the others are not touched by it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mien.atomic import write_text
from mien.data.picking import Picking, pick
from mien.errors import InputError, VideoError, need
from mien.faces import detector
from mien.images import write
from mien.labels import Labels
from mien.manifest import Manifest
from mien.runtime.clip import SUFFIXES, Clip

#: Columns of a face beside those of every manifest.
COLUMNS = ("video", "frame", "time_s", "face", "score", "sharpness")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Report:
    """What was done with one video.

    Attributes:
        video: as it is named in the manifest: its path below the folder it was found in.
        frames: read.
        faces: kept.
        seconds: length that was read.
        problem: what is wrong with it; empty when nothing is.
    """

    video: str
    frames: int
    faces: int
    seconds: float
    problem: str


@dataclass(frozen=True)
class _Job:
    """One video: where it is, its name, and what is wanted of it."""

    path: str
    name: str
    out: str
    picking: Picking

    @property
    def key(self) -> str:
        """Name of its folder: the path below the source, without characters that file systems differ about."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.name)

    @property
    def note(self) -> Path:
        return Path(self.out, "videos", f"{self.key}.json")

    def mark(self) -> str:
        """Changes when the video or the settings do."""
        state = os.stat(self.path)
        about = [self.name, state.st_size, state.st_mtime_ns, asdict(self.picking)]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def frames(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    picking: Picking | None = None,
    *,
    columns_from: str | None = None,
    about: Mapping[str, Mapping[str, str]] | None = None,
    labels: Labels | None = None,
    domain: str = "",
    workers: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> tuple[Manifest, list[Report]]:
    """Cut the faces out of videos.

    Args:
        sources: videos, and folders that are searched for them.
        out: folder for ``faces/``, ``faces.csv``, and ``videos/`` with a note for each video.
        picking: which frames and faces.
        columns_from: regular expression searched in each video's path below its source; its named groups become
            columns: ``(?P<category>[^/]+)/(?P<subject>P[0-9]+)``.
        about: video (path below its source, file name, or name without suffix) -> further columns, such as ``label``.
        labels: the classes; by default those found in the column ``label``.
        domain: written into every row.
        workers: processes; None for one per core, and never more than videos.
        progress: called with "videos", videos done and in all.

    Returns:
        The manifest, which is also written, and a report for each video.

    Raises:
        InputError: no videos, a regular expression that is none or has no named group, or one that fits no video.
        VideoError: none of the videos could be read.
    """
    out = Path(out)
    jobs = [_Job(str(path), name, str(out), picking or Picking()) for path, name in _videos(sources)]
    further = _further([job.name for job in jobs], columns_from, about or {})
    notes: dict[str, dict[str, Any]] = {}
    waiting = []
    for job in jobs:
        note = _ended(job)
        if note is None:
            waiting.append(job)
        else:
            notes[job.name] = note
    progress("videos", len(notes), len(jobs))
    for job, note in _work(waiting, workers):
        notes[job.name] = note
        progress("videos", len(notes), len(jobs))
    reports = [Report(**notes[job.name]["report"]) for job in jobs]
    rows = [{**row, **further[job.name]} for job in jobs for row in notes[job.name]["rows"]]
    if not rows:
        reasons = "; ".join(report.problem for report in reports[:3] if report.problem) or "no face in any frame"
        raise VideoError(f"no face was found in {len(jobs)} videos: {reasons}")
    manifest = _manifest(rows, out, labels, domain)
    manifest.save(out / "faces.csv")
    return manifest, reports


def read_about(path: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """Read a table with a column ``video`` and others: video -> its columns.

    Raises:
        InputError: there is no such column, or a video stands there twice.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if "video" not in (reader.fieldnames or ()):
            raise InputError(f"{path}: has no column video, only {', '.join(reader.fieldnames or ())}")
        found: dict[str, dict[str, str]] = {}
        for row in reader:
            name = row.pop("video")
            if name in found:
                raise InputError(f"{path}: the video {name} is there twice")
            found[name] = {column: value or "" for column, value in row.items() if column is not None}
    return found


def _videos(sources: Sequence[str | os.PathLike[str]]) -> list[tuple[Path, str]]:
    """Path and name of each video, sorted."""
    found: dict[str, Path] = {}
    for source in map(Path, sources):
        if source.is_dir():
            inside = [path for path in sorted(source.rglob("*")) if _is_named_like_a_video(path)]
            if not inside:
                raise InputError(f"{source}: no video in this folder; looked for {', '.join(sorted(SUFFIXES))}")
            named = [(path, path.relative_to(source).as_posix()) for path in inside]
        elif source.exists():
            named = [(source, source.name)]
        else:
            raise InputError(f"{source}: no such file or folder")
        for path, name in named:
            if found.setdefault(name, path) != path:
                raise InputError(f"two videos are called {name}: {found[name]} and {path}; name a folder above both")
    return sorted(((path, name) for name, path in found.items()), key=lambda pair: pair[1])


def _is_named_like_a_video(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _further(
    names: Sequence[str], columns_from: str | None, about: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Columns that a video's path and the table give to its faces."""
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    if columns_from is not None:
        try:
            pattern = re.compile(columns_from)
        except re.error as error:
            raise InputError(f"columns_from {columns_from!r}: not a regular expression ({error})") from None
        if not pattern.groupindex:
            raise InputError(f"columns_from {columns_from!r}: has no named group such as (?P<subject>P[0-9]+)")
        matches = {name: pattern.search(name) for name in names}
        if not any(matches.values()):
            raise InputError(f"columns_from {columns_from!r}: fits none of {len(names)} videos, such as {names[0]}")
        for name, match in matches.items():
            found[name] = dict.fromkeys(pattern.groupindex, "") if match is None else match.groupdict(default="")
    used = set()
    for name in names:
        for known in (name, Path(name).name, Path(name).stem):
            if known in about:
                found[name].update(about[known])
                used.add(known)
                break
    if about and not used:
        raise InputError(f"the table names {next(iter(about))} and not one of the videos, such as {names[0]}")
    return found


def _ended(job: _Job) -> dict[str, Any] | None:
    """The note of a video that was done before with these settings."""
    with suppress(OSError, ValueError):
        note: dict[str, Any] = json.loads(job.note.read_text(encoding="utf-8"))
        if note["mark"] == job.mark():
            return note
    return None


def _work(jobs: Sequence[_Job], workers: int | None) -> Iterator[tuple[_Job, dict[str, Any]]]:
    """Do the videos, several at a time; each note comes when its video has ended."""
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if count <= 1:
        for job in jobs:
            yield job, _one(job)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(_one, job): job for job in jobs}
        for done in as_completed(running):
            yield running[done], done.result()


def _one(job: _Job) -> dict[str, Any]:
    """Cut the faces out of one video, and leave the note."""
    folder = Path(job.out, "faces", job.key)
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was stopped, or of other settings
    rows, problem, read, seconds = [], "", 0, 0.0
    try:
        with Clip(job.path, threads=1) as clip:
            finder = detector(job.picking.detector, **({} if job.picking.detector == "whole" else {"threads": 1}))
            for face in pick(clip, finder, job.picking):
                stem = Path(job.name).stem
                file = folder / f"{stem}_f{face.frame:06d}_t{face.time_s:08.3f}_{face.number}.png"
                write(file, face.image)
                rows.append(
                    {
                        "image": file.relative_to(job.out).as_posix(),
                        "box": " ".join(f"{value:.1f}" for value in face.box),
                        "video": job.name,
                        "frame": face.frame,
                        "time_s": round(face.time_s, 3),
                        "face": face.number,
                        "score": round(face.score, 3),
                        "sharpness": round(face.sharpness, 1),
                    }
                )
            problem, read, seconds = clip.problem or "", clip.frames_read, clip.seconds_read
    except VideoError as error:
        problem = str(error)
    report = Report(job.name, read, len(rows), round(seconds, 3), problem.replace(job.path, job.name))
    note = {"mark": job.mark(), "report": asdict(report), "rows": rows}
    write_text(job.note, json.dumps(note) + "\n")
    return note


def _manifest(rows: list[dict[str, Any]], out: Path, labels: Labels | None, domain: str) -> Manifest:
    pandas = need("pandas", "lab", "writing a manifest")
    base = {"label": "", "split": "", "domain": domain, "subject": "", "origin": "real"}
    frame = pandas.DataFrame([{**base, **row} for row in rows]).fillna("")
    first = ["image", *base, "box", *COLUMNS]
    frame = frame[[*first, *(name for name in frame.columns if name not in first)]]
    return Manifest(frame, out, labels)  # type: ignore[arg-type]
