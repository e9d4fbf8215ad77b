import threading
import time

import pytest

from mien.web import answers


def wait(c, job, state="done"):
    for _ in range(200):
        found = answers.Job.model_validate(c.get(f"/predict/video/{job}").json())
        if found.state == state:
            return found
        time.sleep(0.02)
    raise AssertionError(f"is {found.state}, not {state}: {found.error}")


def send(c, content, **params):
    return c.post("/predict/video", files={"video": ("clip.mp4", content, "video/mp4")}, params=params)


def code(response):
    return response.status_code, answers.Error.model_validate(response.json()).error.code


@pytest.mark.parametrize("format", ["mp4", "matroska", "avi"])
def test_from_a_video_to_its_readings(client, video, format):
    with client() as c:
        sent = send(c, video(["happy"] * 3 + ["sad"] * 2, format), smooth_s=0)
        assert sent.status_code == 202
        job = sent.json()["id"]
        assert sent.headers["location"] == f"/predict/video/{job}"
        done = wait(c, job)
        result = answers.Video.model_validate(c.get(f"/predict/video/{job}/result").json())
        assert c.delete(f"/predict/video/{job}").status_code == 204
        assert code(c.get(f"/predict/video/{job}")) == (404, "not_found")
        assert 'mien_videos_total{outcome="done"} 1.0' in c.get("/metrics").text
    assert (done.progress, done.frames, done.source, done.model) == (1, 5, "clip.mp4", "colours")
    assert [one.faces[0].expression.label for one in result.frames] == ["happy"] * 3 + ["sad"] * 2
    assert [one.frame for one in result.frames] == [0, 1, 2, 3, 4]
    assert [one.time_s for one in result.frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=1e-3)
    assert {one.faces[0].track for one in result.frames} == {1}


def test_only_some_frames(client, video):
    with client() as c:
        job = send(c, video(["happy"] * 5), every="2").json()["id"]
        wait(c, job)
        frames = c.get(f"/predict/video/{job}/result").json()["frames"]
    assert [one["frame"] for one in frames] == [0, 2, 4]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (422, "empty")),
        (b"hello", (415, "not_a_video")),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", (415, "not_a_video")),
        (b"ffconcat version 1.0\nfile '/etc/hostname'\n", (415, "not_a_video")),
    ],
)
def test_what_is_no_video_is_refused_at_once(client, content, expected):
    with client() as c:
        assert code(c.post("/predict/video", content=content)) == expected


def test_a_parameter_that_is_wrong(client, video):
    with client() as c:
        assert code(send(c, video(["happy"]), every="often")) == (422, "invalid")
        assert code(send(c, video(["happy"]), smooth_s=-1)) == (422, "invalid")


@pytest.mark.parametrize(
    ("change", "limits", "expected"),
    [
        (lambda whole: whole[:60], {}, "damaged"),
        (lambda whole: whole[:8] + bytes(500), {}, "damaged"),
        (lambda whole: whole, {"max_pixels": 3000}, "damaged"),  # 64 x 48 are 3072
        (lambda whole: whole, {"max_video_s": 0.4}, "too_long"),
    ],
)
def test_a_video_that_cannot_be_read_says_why(client, video, change, limits, expected):
    with client(**limits) as c:
        job = send(c, change(video(["happy"] * 8))).json()["id"]
        found = wait(c, job, "failed")
        assert found.error.code == expected
        assert code(c.get(f"/predict/video/{job}/result")) == (409, "not_finished")


@pytest.fixture
def held(monkeypatch):
    """Videos stop before their first frame until this is set."""
    may_go = threading.Event()

    def hold(c):
        detector = c.app.state.service.engine(None).recognizer.detector
        detect = detector.detect
        monkeypatch.setattr(detector, "detect", lambda image: may_go.wait(10) and detect(image), raising=False)
        return may_go

    return hold


def test_so_many_videos(client, video, held):
    with client(max_jobs=2) as c:
        may_go = held(c)
        first, second = (send(c, video(["happy"])).json()["id"] for _ in range(2))
        refused = send(c, video(["happy"]))
        assert code(refused) == (429, "busy")
        assert int(refused.headers["retry-after"]) > 0
        assert code(c.get(f"/predict/video/{first}/result")) == (409, "not_finished")
        assert c.get(f"/predict/video/{second}").json()["state"] == "queued"
        c.delete(f"/predict/video/{second}")
        third = send(c, video(["sad"])).json()["id"]
        may_go.set()
        wait(c, third)


def test_deleting_stops_it(client, video, held):
    with client() as c:
        may_go = held(c)
        job = send(c, video(["happy"] * 5)).json()["id"]
        wait(c, job, "running")
        c.delete(f"/predict/video/{job}")
        may_go.set()
        for _ in range(200):
            if 'mien_videos_total{outcome="cancelled"} 1.0' in c.get("/metrics").text:
                break
            time.sleep(0.02)
        else:
            raise AssertionError("is still being read")


def test_results_are_forgotten_after_a_time(client, video):
    with client(keep_s=0.05) as c:
        job = send(c, video(["happy"])).json()["id"]
        time.sleep(0.5)
        for _ in range(100):
            if c.get(f"/predict/video/{job}").status_code == 404:
                return
            time.sleep(0.05)
        raise AssertionError("is still known")
