"""The page and the plot of benchmarks/peers.py.

Run:  python benchmarks/peers_page.py      (draws both again from benchmarks/results/peers.json)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "peers.md"
WAYS = """## How

* Faces: {faces:,} faces of FER2013's PublicTest, 48 x 48 px, grey, with what lies around them. They go in cut out, with
  the detector off, in the way each tool has for that (human has none: they go to its network, prepared as it does it).
  An answer is the likeliest of the seven classes that all share, right when it is FER2013's label, or the one that most
  of FER+'s ten taggers named where one leads. In brackets: Wilson's interval of 95 %.
* A tool does better in the column whose labels it learned from: mien's default from FER+'s votes, the networks in fer
  and human (both by oarriaga) from FER2013's labels. mien chose its default on these faces; others may have done so.
* Faces per second: the first {timed} of these faces, from pixels to scores, the median of rounds ({rounds}) after
  all faces were read once. "32 together" where a tool gives several faces to its network at once.
* Pictures per second: {pictures} photographs on canvases of 640 x 480 px, JPEG files to answers, with each tool's
  default detector, median of {rounds} after one round that does not count. mien takes the list and works ahead
  (`Recognizer.stream`), the others take one file after the other, as they offer. Fewer faces found is less work.
* Start: a new process to its first answer for one face, median of 3 after one that does not count. Memory: the most
  that any of these processes held. Size: files of the installed packages, without Python or Node itself; mien's
  from a folder where `make web-assets` has put what browsers need (14 MB), if it was run there.
* CPU threads: {threads}, for each tool that lets itself be told.
* Left out: py-feat and rmn, whose weights are no part of their packages either; tfjs-node for human and face-api, whose
  library is a download apart.
"""


def write(target: Path, about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write the page, the numbers and the plot."""
    measured = [row for row in rows if "label" in row]
    measured.sort(key=lambda row: -sum(row[name]["share"] for name in ("label", "majority") if row[name]))
    missing = [row for row in rows if "label" not in row]
    target.parent.mkdir(exist_ok=True)
    target.with_suffix(".json").write_text(
        json.dumps({"about": about, "rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    if measured:
        draw(target.with_suffix(".png"), measured)
    target.write_text(page(target.stem, about, measured, missing), encoding="utf-8")
    print(target.read_text(encoding="utf-8"), end="")


def page(stem: str, about: dict[str, Any], measured: list[dict[str, Any]], missing: list[dict[str, Any]]) -> str:
    """Everything as Markdown."""
    cores = f"{len(about['cores'])} CPU core{'s' if len(about['cores']) != 1 else ''}"
    lines = [
        "# Tools for the same purpose",
        "",
        f"{about['date']}, commit {about['commit']}; {about['machine']}, {cores}, load average {about['load']} at the "
        f"start; Node {about['node']}. Command: `{about['command']}`",
        "",
        "| | FER2013's label | FER+ majority | faces/s, one at a time | faces/s, 32 together | pictures/s "
        "| faces found | first answer | memory | installed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(row_of(row) for row in measured),
        "",
    ]
    if measured:
        lines += [f"![faces per second and accuracy]({stem}.png)", ""]
    reasons = [(row["name"], row["reason"]) for row in missing]
    reasons += [(f"{row['name']}, pictures", row["pictures_reason"]) for row in measured if row["pictures_reason"]]
    if reasons:
        lines += ["| Not measured | why |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in reasons), ""]
    lines += [WAYS.format(threads=len(about["cores"]), **about), "## Versions", ""]
    for row in measured:
        lines.append(f"* {row['name']}: {', '.join(f'{name} {text}' for name, text in row['versions'].items())}")
    return "\n".join(lines) + "\n"


def row_of(row: dict[str, Any]) -> str:
    """One tool as a row."""
    found = f"{row['faces_found']} in {row['pictures_with_faces']} pictures"
    if row["faces_found"] is None:
        found = "failed" if row["pictures_reason"] else "finds none itself"
    cells = [
        row["name"],
        share(row["label"]),
        share(row["majority"]),
        rate(row["one_per_s"]),
        rate(row["many_per_s"]),
        rate(row["pictures_per_s"]),
        found,
        f"{row['start_s']:.1f} s",
        f"{row['peak_mb']:,.0f} MB",
        f"{row['size_mb']:,.0f} MB",
    ]
    return f"| {' | '.join(cells)} |"


def share(found: dict[str, float] | None) -> str:
    return "–" if found is None else f"{found['share']:.1%} ({100 * found['low']:.1f}–{100 * found['high']:.1f})"


def rate(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 20 else f"{value:.1f}"


def draw(target: Path, rows: list[dict[str, Any]]) -> None:
    """Speed against both accuracies: a tool is a line between a filled and an open circle."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(figsize=(7.2, 4.4), layout="constrained")
    for row in rows:
        speed = max(row["one_per_s"], row["many_per_s"] or 0)
        colour = "#0b6e4f" if row["name"].startswith("mien") else "#8a4f7d"
        ends = {name: 100 * row[name]["share"] for name in ("label", "majority") if row[name]}
        axes.plot([speed] * len(ends), list(ends.values()), color=colour, linewidth=1, zorder=1)
        for name, value in ends.items():
            axes.scatter(
                speed, value, s=46, color=colour if name == "majority" else "white", edgecolor=colour, zorder=2
            )
        axes.annotate(row["name"], (speed, max(ends.values())), (0, 7), textcoords="offset points", ha="center")
    axes.scatter([], [], s=46, color="white", edgecolor="#555555", label="FER2013's label")
    axes.scatter([], [], s=46, color="#555555", edgecolor="#555555", label="FER+ majority")
    axes.set_xscale("log")
    for axis_format in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        axis_format("{x:,.0f}")
    axes.xaxis.set_minor_locator(ticker.LogLocator(subs=(2, 5)))
    axes.margins(x=0.15, y=0.15)
    axes.set_xlabel("faces per second (one at a time or 32 together, whichever is quicker)")
    axes.set_ylabel("right, % (7 classes)")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(target, dpi=130)
    pyplot.close(figure)


if __name__ == "__main__":
    told = json.loads(RESULT.with_suffix(".json").read_text(encoding="utf-8"))
    write(RESULT, told["about"], told["rows"])
