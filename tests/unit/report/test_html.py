"""Reports: what is in them, what is not, and that nothing is loaded from elsewhere."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from mien.card import FORBIDDEN_USE
from mien.errors import InputError, RunError
from mien.evaluate.run import evaluate
from mien.images import write
from mien.manifest import Manifest
from mien.report.examples import overlay
from mien.report.exhibit import exhibit
from mien.report.html import write_report
from mien.rundir import RunDir
from mien.runtime.network import Network

SHADES = {"angry": (250, 20, 20), "happy": (20, 250, 20), "sad": (20, 20, 250)}


class Page(HTMLParser):
    """What a page holds; fails on a tag that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict] = []
        self.ids: list[str] = []
        self.heads: list[int] = []
        self.links: list[str] = []
        self.text = text
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "img":
            self.images.append(found)
        if re.fullmatch("h[1-6]", tag):
            self.heads.append(int(tag[1]))
        if tag == "a":
            self.links.append(found["href"])
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.append(found["id"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def manifest(tmp_path) -> Manifest:
    """Nine faces, two of them labelled wrongly."""
    labels = ["angry", "angry", "angry", "happy", "happy", "happy", "sad", "sad", "sad"]
    shown = [*labels[:2], "sad", *labels[3:8], "happy"]
    for row, name in enumerate(shown):
        write(tmp_path / f"{row}.png", np.full((12, 12, 3), SHADES[name], np.uint8) - np.uint8(row))
    return Manifest.of(root=tmp_path, image=[f"{row}.png" for row in range(9)], label=labels, split="test")


@pytest.fixture
def run(tmp_path, colours) -> RunDir:
    """A run folder as a training leaves it, without weights."""
    folder = RunDir(tmp_path / "runs" / "mine")
    folder.path.mkdir(parents=True)
    colours().rename(folder.model)
    folder.recipe.write_text("name: mine\nmodel: {backbone: <none>}\n")
    folder.write_json(folder.data, {"classes": ["angry", "happy", "sad"], "label_set": "custom"})
    folder.write_json(folder.done, {"epochs": 2, "seconds": 90, "chosen_epoch": 2})
    records = [
        {
            "epoch": epoch, "seconds": 45.0, "lr": 0.1, "best": True,
            "train": {"loss": 1 / epoch, "accuracy": 0.5}, "val": {"loss": 1.0, "accuracy": 0.6},
        }
        for epoch in (1, 2)
    ]  # fmt: skip
    folder.log.write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def explainer(run: RunDir):
    return lambda faces, classes: np.ones((len(faces), 8, 8), np.float32)


def test_one_run_with_everything(run, manifest, tmp_path):
    found = exhibit(str(run.path), manifest=manifest, explainer=explainer, draws=50)
    audit = {"pictures": 9, "counts": {"blank": {"findings": 1, "rows": 4321}}, "findings": []}
    page = Page(write_report([found], tmp_path / "report.html", manifest=manifest, audit=audit).read_text())
    assert "77.8 %" in page.text  # 7 of 9
    assert "4,321" in page.text
    assert "&lt;none&gt;" in page.text  # the recipe, and not as a tag
    assert "1.5 minutes" in page.text
    assert FORBIDDEN_USE in page.text
    assert page.text.count("<svg") == 3  # curves, reliability, history
    assert len(page.images) == 18  # 7 right and 2 wrong, each with its map
    assert all(image["alt"] and image["src"].startswith("data:image/png") for image in page.images)
    assert page.heads[0] == 1
    assert all(below - above <= 1 for above, below in zip(page.heads, page.heads[1:], strict=False))
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert page.text.count("<table") == page.text.count("<caption")
    assert not re.search(r"<script|<link|@import|src=\"(?!data:)|url\((?!#)", page.text)
    assert str(tmp_path) not in page.text  # places of this machine are nobody's business
    assert "Share it only" in page.text


def test_without_pictures(run, manifest, tmp_path):
    found = exhibit(str(run.path), manifest=manifest, pictures=False, explainer=explainer, draws=0)
    page = Page(write_report([found], tmp_path / "report.html", manifest=manifest).read_text())
    assert page.images == []
    assert "Share it only" not in page.text


def test_side_by_side(colours, manifest, tmp_path):
    good, bad = colours("good.onnx"), colours("bad.onnx", weights=np.eye(3)[[0, 2, 1]] * 4)
    found = [exhibit(str(path), manifest=manifest, draws=50) for path in (good, bad)]
    page = Page(write_report(found, tmp_path / "report.html").read_text())
    row = page.text[page.text.index(">Accuracy<") :].partition("</tr>")[0]
    cells = re.findall(r"<td( class=\"best\")?>([\d.]+) %", row)
    # bad takes happy for sad and the other way round
    assert cells[0] == (' class="best"', "77.8")
    assert cells[1][0] == ""
    assert "cannot be compared" not in page.text
    other = exhibit(str(good), manifest=manifest.take(np.arange(5)), draws=0)
    text = write_report([found[0], other], tmp_path / "report.html").read_text()
    assert "cannot be compared" in text
    assert "good (1)" in text


def test_saved_scores_instead_of_a_network_run(run, manifest, tmp_path):
    scores = evaluate(Network(run.model), manifest, draws=0).scores
    found = exhibit(str(run.path), saved=[scores], draws=0)
    assert found.evaluation.raw.metrics.rows == 9
    assert found.examples == ()
    other = exhibit(str(run.path), saved=[scores], manifest=manifest.take(np.arange(5)), pictures=False, draws=0)
    assert "not the one named" in other.remarks[0]
    scores.save(tmp_path / "scores.npz")
    alone = exhibit(str(tmp_path / "scores.npz"), draws=0)
    assert alone.card is None
    assert "77.8 %" in write_report([alone], tmp_path / "alone.html").read_text()


def test_what_is_missing_is_said(run, manifest, tmp_path):
    nothing = exhibit(str(run.path))
    assert "Not measured here" in nothing.remarks[0]
    assert "Not measured here" in write_report([nothing], tmp_path / "report.html").read_text()

    def none(run):
        raise RunError("best.pt is missing")

    assert "best.pt is missing" in exhibit(str(run.path), manifest=manifest, explainer=none, draws=0).remarks[0]
    model = exhibit(str(run.model), manifest=manifest, explainer=explainer, draws=0)
    assert "No run folder" in model.remarks[0]
    assert all(example.overlay is None for example in model.examples)


def test_mistakes(run, tmp_path):
    with pytest.raises(InputError, match=r"written as \.html"):
        write_report([exhibit(str(run.path))], tmp_path / "report.pdf")
    with pytest.raises(InputError, match="at least one"):
        write_report([], tmp_path / "report.html")
    with pytest.raises(InputError, match="no audit"):
        write_report([exhibit(str(run.path))], tmp_path / "report.html", audit={})
    run.model.unlink()
    with pytest.raises(InputError, match="mien export"):
        exhibit(str(run.path))


def test_the_map_is_warm_only_where_it_is_high():
    face = np.full((112, 112, 3), 100, np.uint8)
    saliency = np.zeros((112, 112), np.float32)
    saliency[:, :50] = 1
    drawn = overlay(face, saliency)
    assert (drawn[:, 60:] == 100).all()
    assert drawn[0, 0, 0] > drawn[0, 0, 2]  # inferno's end is a pale yellow: more red than blue
