"""Searches through the real httpx, of a server on this machine that answers as the YouTube Data API does."""

import csv
import json
import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mien.collect import api as module
from mien.collect.api import YouTube
from mien.collect.search import Found, Query, Wanted, read_queries, search
from mien.errors import CollectError, InputError

from .conftest import KEY, refusal


def run(tmp_path: Path, *queries: str, most: int = 500, quota: int = 10_000, **wanted: object) -> Found:
    with YouTube(quota, wait=lambda seconds: None) as youtube:
        asked = [Query.parse(text) for text in queries]
        return search(asked, tmp_path / "videos.csv", Wanted(**wanted), most=most, youtube=youtube)


def table(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "videos.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(count: int, first: str = "v") -> list[str]:
    return [f"{first}{number:010d}" for number in range(count)]


def test_pages_and_details(api, tmp_path):
    api.results["surprised reaction"] = names(120)
    found = run(tmp_path, "surprised reaction")
    rows = table(tmp_path)
    assert [row["video"] for row in rows] == names(120)
    assert rows[0] == {
        "video": "v0000000000",
        "url": "https://www.youtube.com/watch?v=v0000000000",
        "title": "Title of v0000000000",
        "channel": "A channel",
        "channel_id": "UC1",
        "published": "2025-03-04T05:06:07Z",
        "duration_s": "61",
        "licence": "creativeCommon",
        "definition": "hd",
        "embeddable": "yes",
        "made_for_kids": "no",
        "language": "",
        "views": "12",
        "category": "",
        "query": "surprised reaction",
        "found": datetime.now(UTC).date().isoformat(),
    }
    assert (found.searches, found.units, found.stopped, found.left) == (3, 303, None, 0)
    assert [what for what, _, _ in api.asked] == ["search", "videos"] * 3
    assert [asked.get("pageToken") for what, asked, _ in api.asked if what == "search"] == [None, "T50", "T100"]
    assert [len(asked["id"].split(",")) for what, asked, _ in api.asked if what == "videos"] == [50, 50, 20]
    assert not (tmp_path / "videos.search.json").exists()


def test_no_more_pages_than_are_wanted(api, tmp_path):
    api.results["q"] = names(120)
    assert run(tmp_path, "q", most=60).searches == 2
    assert len(table(tmp_path)) == 60


def test_what_the_api_is_asked_for(api, tmp_path):
    api.results["q"] = []
    wanted = {"after": "2024-01-01", "before": "2025-01-01", "language": "en", "region": "DE", "definition": "high"}
    run(tmp_path, "q", longest_s=120, order="date", **wanted)
    _, asked, _ = api.asked[0]
    assert asked == {
        "part": "id",
        "type": "video",
        "maxResults": "50",
        "q": "q",
        "order": "date",
        "videoLicense": "creativeCommon",
        "videoDuration": "short",
        "publishedAfter": "2024-01-01T00:00:00Z",
        "publishedBefore": "2025-01-01T00:00:00Z",
        "relevanceLanguage": "en",
        "regionCode": "DE",
        "videoDefinition": "high",
    }
    assert table(tmp_path) == []


@pytest.mark.parametrize(
    ("shortest_s", "longest_s", "rough"),
    [(None, None, None), (None, 240, None), (240, 1200, "medium"), (1201, None, "long"), (60, 600, None)],
)
def test_lengths_that_the_api_knows(shortest_s, longest_s, rough):
    assert Wanted(shortest_s=shortest_s, longest_s=longest_s).parameters().get("videoDuration") == rough


def test_what_does_not_fit_is_left_out(api, tmp_path):
    api.results["q"] = names(6)
    one, two, three, four, five, six = names(6)
    api.videos |= {
        one: {"licence": "youtube"},
        two: {"duration": "PT9S"},
        three: {"duration": "PT1H"},
        four: {"live": "live", "duration": "P0D"},
        five: {"title": ' =two\n lines, "quoted" '},
    }
    run(tmp_path, "q", shortest_s=10, longest_s=600)
    rows = table(tmp_path)
    assert [row["video"] for row in rows] == [five, six]
    assert rows[0]["title"] == '=two lines, "quoted"'
    run(tmp_path, "q", licence="any")
    assert [row["video"] for row in table(tmp_path)] == [one, two, three, five, six]


def test_a_video_of_several_queries_is_one_row(api, tmp_path):
    both, angry, happy = names(3)
    api.results |= {"angry reaction": [angry, both], "rage": [both], "laughing": [both, happy]}
    found = run(tmp_path, "angry=angry reaction", "angry=rage", "happy=laughing")
    assert [(row["video"], row["category"], row["query"]) for row in table(tmp_path)] == [
        (angry, "angry", "angry reaction"),
        (both, "angry|happy", "angry reaction|rage|laughing"),
        (happy, "happy", "laughing"),
    ]
    assert found.unclear == 1
    assert [asked["id"] for what, asked, _ in api.asked if what == "videos"] == [f"{angry},{both}", happy]


def test_it_stops_before_the_quota_is_exceeded_and_goes_on(api, tmp_path):
    api.results |= {"a": names(80, "a"), "b": names(30, "b")}
    stopped = run(tmp_path, "x=a", "b", quota=250)
    assert (stopped.units, stopped.searches, stopped.left) == (202, 2, 1)
    assert "202 units are spent" in stopped.stopped
    assert len(stopped.videos) == 80
    assert not (tmp_path / "videos.csv").exists()
    api.asked.clear()
    done = run(tmp_path, "x=a", "b")
    assert [asked["q"] for what, asked, _ in api.asked if what == "search"] == ["b"]
    assert (done.stopped, len(table(tmp_path))) == (None, 110)
    assert not (tmp_path / "videos.search.json").exists()


def test_a_stop_in_the_middle_of_a_query_goes_on_with_the_next_page(api, tmp_path):
    api.results["a"] = names(120)
    run(tmp_path, "a", quota=150)
    api.asked.clear()
    run(tmp_path, "a")
    assert [asked.get("pageToken") for what, asked, _ in api.asked if what == "search"] == ["T50", "T100"]
    assert [row["video"] for row in table(tmp_path)] == names(120)


def test_fewer_may_be_wanted_after_a_stop(api, tmp_path):
    api.results["a"] = names(120)
    run(tmp_path, "a", quota=150)
    assert run(tmp_path, "a", most=40, quota=1).units == 0
    assert len(table(tmp_path)) == 40


def test_a_forgotten_page_begins_the_query_again(api, tmp_path):
    api.results["a"] = names(120)
    run(tmp_path, "a", quota=150)
    api.troubles.append(refusal(400, "invalidPageToken", "The request specifies an invalid page token."))
    found = run(tmp_path, "a")
    assert [row["video"] for row in table(tmp_path)] == names(120)
    assert found.searches == 4
    assert found.units == 402  # the details of the first 50 are known
    api.troubles += [refusal(400, "invalidPageToken")] * 2
    with pytest.raises(CollectError, match="invalidPageToken"):
        run(tmp_path, "a")


def test_other_filters_do_not_mix(api, tmp_path):
    api.results["a"] = names(120)
    run(tmp_path, "a", quota=150)
    with pytest.raises(InputError, match=r"videos.search.json: a search with other filters"):
        run(tmp_path, "a", licence="any")
    (tmp_path / "videos.search.json").write_text("{}")
    with pytest.raises(InputError, match="delete it"):
        run(tmp_path, "a")


def test_trouble_that_passes_is_waited_for(api, tmp_path):
    api.results["a"] = names(1)
    api.troubles += [
        (503, {}, b"<html>busy</html>"),
        refusal(429, "RATE_LIMIT_EXCEEDED", "Quota exceeded for ... per minute", **{"Retry-After": "7"}),
        refusal(403, "rateLimitExceeded"),
    ]
    waits: list[float] = []
    with YouTube(wait=waits.append) as youtube:
        found = search([Query("a")], tmp_path / "videos.csv", youtube=youtube)
    assert found.units == 401  # they count
    assert waits == [1.0, 7.0, 4.0]


def test_trouble_that_does_not_pass(api, tmp_path):
    api.troubles += [(500, {}, b"")] * 5
    with pytest.raises(CollectError, match=r"no answer after 5 attempts \(HTTP 500"):
        run(tmp_path, "a")
    assert len(api.asked) == 5


@pytest.mark.parametrize("status", [403, 429])
def test_a_spent_quota_of_the_api_is_a_stop(api, tmp_path, status):
    api.results["a"] = names(80)
    message = "Quota exceeded for quota metric 'Search Queries' and limit 'Search Queries per day'"
    run(tmp_path, "a", quota=150)
    api.troubles.append(refusal(status, "quotaExceeded", message))
    found = run(tmp_path, "a")
    assert "midnight Pacific" in found.stopped
    assert len(found.videos) == 50
    assert (tmp_path / "videos.search.json").exists()


@pytest.mark.parametrize(
    ("trouble", "way_out"),
    [
        (refusal(400, "keyInvalid"), "does not know the key in YOUTUBE_API_KEY"),
        (refusal(403, "accessNotConfigured", "YouTube Data API v3 has not been used in project 1"), "enable it at"),
        (refusal(403, "SERVICE_DISABLED"), "enable it at"),
        (refusal(403, "ipRefererBlocked"), "restrictions"),
        (refusal(403, "API_KEY_HTTP_REFERRER_BLOCKED"), "restrictions"),
        (refusal(400, "invalidSearchFilter", "Bad filter."), "HTTP 400 invalidSearchFilter Bad filter"),
        ((404, {}, b"not here"), "HTTP 404"),
        ((200, {}, b"<html>a portal</html>"), "not one of the YouTube Data API"),
    ],
)
def test_refusals_say_the_way_out(api, tmp_path, trouble, way_out):
    api.troubles.append(trouble)
    with pytest.raises(CollectError, match=way_out):
        run(tmp_path, "a")
    assert len(api.asked) == 1


def test_nobody_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("YOUTUBE_API_KEY", KEY)
    monkeypatch.setenv("MIEN_YOUTUBE_API", "http://127.0.0.1:9/v3")  # the port of "discard": nobody listens
    with YouTube(wait=lambda seconds: None) as youtube, pytest.raises(CollectError, match="is there a network"):
        search([Query("a")], tmp_path / "v.csv", youtube=youtube)
    assert youtube.units == 0


def test_the_key_is_shown_nowhere(api, monkeypatch, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "AIza-another-secret"
    monkeypatch.setenv("YOUTUBE_API_KEY", f" {secret}\n")
    with pytest.raises(CollectError) as caught:
        run(tmp_path, "a")
    api.troubles.append(refusal(400, "badRequest", f"the key {secret} is bad"))
    with pytest.raises(CollectError) as echoed:
        run(tmp_path, "a")
    assert [headers["X-Goog-Api-Key"] for _, _, headers in api.asked] == [secret] * 2
    shown = "".join("".join(traceback.format_exception(one.value)) for one in (caught, echoed)) + caplog.text
    assert "(the key)" in shown
    assert secret not in shown
    assert all(secret not in json.dumps(asked) for _, asked, _ in api.asked)  # nor in an address


@pytest.mark.parametrize(
    ("key", "why"), [("", "set the environment variable YOUTUBE_API_KEY"), ("two words", "copy it again")]
)
def test_without_a_key(monkeypatch, key, why):
    monkeypatch.setenv("YOUTUBE_API_KEY", key)
    with pytest.raises(InputError, match=why) as caught:
        YouTube()
    assert "two words" not in str(caught.value)


def test_the_key_goes_to_no_open_line(monkeypatch):
    monkeypatch.setenv("YOUTUBE_API_KEY", KEY)
    for address in ("http://example.org/v3", "http://localhost.example.org", "ftp://localhost"):
        with pytest.raises(InputError, match="https"):
            YouTube(address=address)
    monkeypatch.delenv("MIEN_YOUTUBE_API", raising=False)
    with YouTube() as youtube:
        assert youtube.units == 0
    assert module.ADDRESS.startswith("https://")


def test_queries_from_a_table(tmp_path):
    path = tmp_path / "queries.csv"
    path.write_text("category,query\nangry,angry reaction\n,a=b\nhappy,\n", encoding="utf-8")
    assert read_queries(path) == [Query("angry reaction", "angry"), Query("a=b")]
    path.write_text("words\nx\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no column query, only words"):
        read_queries(path)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"licence": "free"}, "licence free: expected one of creativeCommon"),
        ({"after": "yesterday"}, "after yesterday: expected a day"),
        ({"region": "Germany"}, "region Germany: expected a code such as DE"),
        ({"order": "best"}, "order best"),
    ],
)
def test_filters_that_are_none(wanted, why):
    with pytest.raises(InputError, match=why):
        Wanted(**wanted)
