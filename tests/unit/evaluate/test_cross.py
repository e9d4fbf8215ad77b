"""The matrix of trainings and tests: which trainings, which relation, which means."""

import io
import json

import numpy as np
import pytest

from mien.errors import InputError
from mien.evaluate.cross import cross
from mien.evaluate.cross_summary import summary
from mien.evaluate.domains import CROSS_BOTH, CROSS_CONTENT, CROSS_DOMAIN, WITHIN, Group, Training, plan
from mien.labels import Labels
from mien.scores import Scores

LABELS = Labels.of(["happy", "sad"])
WEB, PRESS = Group("web"), Group("press")
ALONE_WEB, ALONE_PRESS = Training("web", "alone", (WEB,)), Training("press", "alone", (PRESS,))
ALL = Training("all", "all", (PRESS, WEB))


def scores(right: dict[str, int], subjects: bool = False) -> Scores:
    """Ten pictures of each domain, five of each class; so many of each class are answered rightly."""
    domains, targets, answers = [], [], []
    for domain, count in right.items():
        for target in (0, 1):
            domains += [domain] * 5
            targets += [target] * 5
            answers += [target] * count + [1 - target] * (5 - count)
    return Scores(
        np.eye(2, dtype=np.float32)[answers],
        np.array(targets),
        LABELS,
        np.array([f"{row}.png" for row in range(len(targets))]),
        domains=np.array(domains),
        subjects=np.array([f"p{row % 4}" for row in range(len(targets))]) if subjects else None,
    )


def test_relations():
    training = Training("web/ads", "alone", (Group("web", "ads"),))
    relations = [
        training.relation(Group(*each)) for each in (("web", "ads"), ("web", "news"), ("tv", "ads"), ("tv", "x"))
    ]
    assert relations == [WITHIN, CROSS_CONTENT, CROSS_DOMAIN, CROSS_BOTH]


def test_plan_with_contents_leaves_out_domains_and_contents():
    groups = [Group(domain, content) for domain in ("tv", "web") for content in ("ads", "news")]
    names = [training.name for training in plan(groups)]
    assert names == [
        *("tv/ads", "tv/news", "web/ads", "web/news"),
        *("without tv", "without web", "without ads", "without news", "all"),
    ]


def test_plan_trains_nothing_twice():
    assert [each.name for each in plan([WEB, PRESS])] == ["web", "press", "all"]
    with pytest.raises(InputError, match="only web"):
        plan([WEB])
    with pytest.raises(InputError, match=r"'some'.*alone, without, all"):
        plan([WEB, PRESS], ["some"])


def test_cells_scenarios_mean_and_worst():
    found = cross(
        {
            ALONE_WEB: [scores({"web": 5, "press": 2})],
            ALONE_PRESS: [scores({"web": 3, "press": 4})],
            ALL: [scores({"web": 5, "press": 5})],
        },
        draws=200,
    )
    cell = found.cells["web", PRESS]
    assert (cell.relation, cell.rows, cell.numbers["accuracy"].value) == (CROSS_DOMAIN, 10, 0.4)
    assert cell.recall == {"happy": 0.4, "sad": 0.4}
    assert found.mean["web"]["accuracy"].value == pytest.approx(0.7)
    assert found.worst == {"web": PRESS, "press": WEB, "all": PRESS}
    within, away, everything = found.scenarios
    assert (within.kind, within.relation, within.cells, within.lost) == ("alone", WITHIN, 2, None)
    assert within.numbers["accuracy"].value == pytest.approx(0.9)
    assert (away.relation, away.cells) == (CROSS_DOMAIN, 2)
    assert away.numbers["accuracy"].value == pytest.approx(0.5)
    assert away.lost is not None
    assert away.lost["accuracy"].value == pytest.approx(-0.4)
    assert everything.lost is not None
    assert everything.lost["accuracy"].value == pytest.approx(0.1)
    assert cell.numbers["accuracy"].low < 0.4 < cell.numbers["accuracy"].high


def test_areas_of_a_perfect_model_are_one():
    found = cross({ALL: [scores({"web": 5, "press": 5})]}, draws=10)
    assert (found.cells["all", WEB].roc_auc, found.cells["all", WEB].pr_auc) == (1.0, 1.0)


def test_seeds_are_averaged_and_widen_the_interval():
    one = cross({ALL: [scores({"web": 4, "press": 4})]}, draws=300)
    three = cross({ALL: [scores({"web": count, "press": 4}) for count in (3, 4, 5)]}, draws=300)
    assert three.runs == 3
    assert three.cells["all", WEB].numbers["accuracy"].value == pytest.approx(0.8)
    wide, narrow = (found.cells["all", WEB].numbers["accuracy"] for found in (three, one))
    assert wide.low < narrow.low
    assert 0 <= wide.low <= wide.high <= 1
    with pytest.raises(InputError, match="as many seeds"):
        cross({ALONE_WEB: [scores({"web": 4, "press": 4})], ALL: []})


def test_persons_as_wholes_and_plain_numbers():
    found = cross({ALL: [scores({"web": 4, "press": 2}, subjects=True)]}, draws=50, by_subject=True)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["scenarios"][0]["lost"] is None
    lines = found.to_csv().splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("all,web,within domain,10,0.8000,")


def test_where_no_persons_are_named_single_pictures_are_drawn():
    partly = scores({"web": 4, "press": 2}, subjects=True)
    partly.subjects[partly.domains == "press"] = ""
    found = cross({ALL: [partly]}, draws=20, by_subject=True)
    assert found.notes == ("press: no persons are named, so single pictures are drawn there",)
    with pytest.raises(InputError, match="name no subjects"):
        cross({ALL: [scores({"web": 4, "press": 2})]}, draws=20, by_subject=True)


def test_summary_says_what_is_what():
    from rich.console import Console

    console = Console(width=100, file=io.StringIO())
    runs = {ALONE_WEB: [scores({"web": 5, "press": 2})], ALONE_PRESS: [scores({"web": 3, "press": 4})]}
    console.print(summary(cross(runs, draws=50, notes=["something was left out"])))
    text = console.file.getvalue()
    assert "40.0%" in text
    assert "cross-domain" in text
    assert "-40.0" in text
    assert "something was left out" in text
