"""What comes in and what goes out, over the app itself."""

import json
import runpy
import tempfile
from pathlib import Path

import pytest

from mien import Recognizer
from mien.card import FORBIDDEN_USE
from mien.web import answers
from mien.web.app import create_app
from mien.web.settings import Settings

FILES = runpy.run_path(str(Path(__file__).with_name("hostile.py")))
TOKEN = "a-token-of-some-length"


def problem(response):
    """The error of an answer, which must have the one shape."""
    return answers.Error.model_validate(response.json()).error


def form(*files, field="images"):
    return [(field, file) for file in files]


def test_one_picture_in_a_form(client, picture):
    with client() as c:
        done = c.post("/predict", files=form(("mine.png", picture("sad"), "image/png")))
    assert done.status_code == 200
    found = answers.Prediction.model_validate(done.json())
    (one,) = found.pictures
    assert (one.source, one.size_px, one.reason) == ("mine.png", (40, 30), None)
    assert one.faces[0].face.box == (0, 0, 40, 30)
    assert one.faces[0].expression.label == "sad"
    assert found.labels == ["angry", "happy", "sad"]
    assert "perceived expression" in found.notice.lower()
    # e^4 / (e^4 + 2), for logits 0, 0, 4
    assert one.faces[0].expression.probabilities == {"angry": 0.017668, "happy": 0.017668, "sad": 0.964663}


@pytest.mark.parametrize("declared", ["image/png", "application/octet-stream"])
def test_one_picture_as_the_body(client, picture, declared):
    with client() as c:
        done = c.post("/predict", content=picture("angry"), headers={"Content-Type": declared})
    assert done.json()["pictures"][0]["faces"][0]["expression"]["label"] == "angry"
    assert done.json()["pictures"][0]["source"] == "picture 1"


def test_several_pictures_keep_their_order(client, picture):
    names = ["sad", "angry", "happy", "sad", "happy"]
    with client() as c:
        done = c.post("/predict", files=form(*((f"{name}.png", picture(name), "image/png") for name in names)))
    found = done.json()["pictures"]
    assert [one["source"] for one in found] == [f"{name}.png" for name in names]
    assert [one["faces"][0]["expression"]["label"] for one in found] == names


def test_the_same_answer_as_the_command(client, portrait):
    with client(models=("default",), detector="libfacedetection") as c:
        done = c.post("/predict", files=form(("a.jpg", portrait.read_bytes(), "image/jpeg")))
    (found,) = done.json()["pictures"][0]["faces"]
    (wanted,) = Recognizer().read(portrait)
    assert found["face"] == wanted.face.to_dict()
    assert found["expression"]["probabilities"] == pytest.approx(wanted.prediction.to_dict()["probabilities"], abs=1e-5)


def test_a_bad_picture_among_others_has_its_reason(client, picture):
    with client() as c:
        done = c.post("/predict", files=form(("a", b"x", "image/png"), ("b", picture("happy"), "image/png")))
    bad, good = done.json()["pictures"]
    assert "first bytes" in bad["reason"]
    assert (bad["faces"], bad["size_px"], good["reason"]) == ([], None, None)


def test_hostile_files_never_make_a_mistake_of_the_server(client):
    with client() as c:
        for name, (content, status, code) in FILES["HOSTILE"].items():
            for body in ({"content": content}, {"files": form(("x", content, ""))}):
                done = c.post("/predict", **body)
                assert (done.status_code, problem(done).code, problem(done).status) == (status, code, status), name


def test_the_threshold_of_a_request(client, picture):
    with client(threshold=0.5) as c:
        for threshold, abstained in ((None, False), (0.97, True), (0.96, False)):
            done = c.post("/predict", content=picture(), params={"threshold": threshold} if threshold else {})
            assert done.json()["pictures"][0]["faces"][0]["expression"]["abstained"] is abstained


def test_a_model_by_its_name(client, picture, colours):
    other = colours("other.onnx", classes=("glad", "grim", "calm"))
    with client(models=(str(colours()), str(other))) as c:
        assert c.post("/predict", content=picture()).json()["labels"] == ["angry", "happy", "sad"]
        assert c.post("/predict?model=other", content=picture()).json()["labels"] == ["glad", "grim", "calm"]
        unknown = c.post("/predict?model=othr", content=picture())
        listed = answers.Models.model_validate(c.get("/models").json())
        file = c.get("/models/other/file")
    assert (unknown.status_code, problem(unknown).code) == (404, "not_found")
    assert "other" in problem(unknown).message
    assert [(one.name, one.is_default) for one in listed.models] == [("colours", True), ("other", False)]
    assert file.content == other.read_bytes()
    assert file.headers["etag"] == f'"{listed.models[1].sha256}"'


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"files": form(("a", b"1", ""), ("b", b"2", ""), ("c", b"3", ""))}, 413, "too_many_images"),
        ({"content": bytes(5001)}, 413, "upload_too_large"),
        ({"content": iter([bytes(3000)] * 2)}, 413, "upload_too_large"),  # without saying how much it will be
        ({"files": form(("a", bytes(9000), ""))}, 413, "upload_too_large"),
        ({"files": form(("a", b"1", ""), field="portrait")}, 422, "invalid"),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_request"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 400, "bad_request"),
        ({"content": b"--a--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 422, "empty"),
        (
            {
                "content": b'--a\r\nContent-Disposition: form-data; name="images"\r\n\r\n12',
                "headers": {"Content-Type": "multipart/form-data; boundary=a"},
            },
            *(400, "bad_request"),
        ),
        ({"content": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 415, "type_mismatch"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/mixed; boundary=a"}}, 415, "type_mismatch"),
        ({"content": b"x", "params": {"threshold": "2"}}, 422, "invalid"),
        ({"content": b"x", "params": {"threshold": "nan"}}, 422, "invalid"),
    ],
)
def test_requests_that_are_refused(client, request_, status, code):
    with client(max_images=2, max_upload_mb=0.005) as c:
        done = c.post("/predict", **request_)
    assert (done.status_code, problem(done).code) == (status, code)


def test_a_name_with_anything_in_it(client, picture):
    with client() as c:
        done = c.post("/predict", files=form(("../ü\"'<script>\n" + "x" * 500, picture(), "image/png")))
    name = done.json()["pictures"][0]["source"]
    assert len(name) == 200
    assert name.startswith("../ü")
    assert "<script>" in name  # given back as it came, as JSON


def test_what_is_not_there_and_what_cannot_be_done(client):
    with client() as c:
        missing, wrong = c.get("/nothing"), c.get("/predict")
    assert (missing.status_code, problem(missing).code) == (404, "not_found")
    assert (wrong.status_code, problem(wrong).code) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"


def test_a_mistake_of_the_server_says_nothing_of_it(settings, picture, monkeypatch):
    from fastapi.testclient import TestClient

    app = create_app(settings())
    monkeypatch.setattr(app.state.service.engine(None).recognizer.detector, "detect", lambda image: 1 / 0)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as c:
        done = c.post("/predict", content=picture())
        assert c.get("/health").json()["requests"] == 0  # its place has been given back
    assert (done.status_code, problem(done).code) == (500, "internal")
    assert "division" not in done.text


def test_too_many_requests_are_told_when_to_come_again(client, picture):
    with client(rate=0.5) as c:
        first, second = (c.post("/predict", content=picture()) for _ in range(2))
        assert c.get("/health").status_code == 200  # looking costs nothing
    assert first.status_code == 200
    assert (second.status_code, problem(second).code, second.headers["retry-after"]) == (429, "rate_limited", "2")


def test_no_room(client, picture):
    with client(max_waiting=1) as c, c.app.state.service.gate.hold(0):
        done = c.post("/predict", content=picture())
    assert (done.status_code, problem(done).code, done.headers["retry-after"]) == (429, "busy", "1")


def test_the_token(client, picture):
    with client(token=TOKEN) as c:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            for done in (c.post("/predict", content=picture(), headers=headers), c.get("/metrics", headers=headers)):
                assert (done.status_code, problem(done).code) == (401, "unauthorized")
                assert done.headers["www-authenticate"] == "Bearer"
        assert (
            c.post("/predict", content=b"x", headers={"Authorization": "Bearer \xff".encode("latin-1")}).status_code
            == 401
        )
        right = c.post("/predict", content=picture(), headers={"Authorization": f"bearer {TOKEN}"})
        assert right.status_code == 200
        assert [c.get(path).status_code for path in ("/health", "/", "/openapi.json")] == [200] * 3
        assert "HTTPBearer" in c.get("/openapi.json").json()["components"]["securitySchemes"]


def test_pages_from_elsewhere(client):
    with client(origins=("https://faces.example.org",)) as c:
        for headers, status in [
            ({}, 200),
            ({"Origin": "http://localhost"}, 200),  # its own page
            ({"Origin": "https://faces.example.org"}, 200),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "http://["}, 403),
            ({"Host": "evil.example"}, 403),  # a name of theirs that leads here
            ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
            ({"Host": "faces.example.org"}, 200),  # through a proxy
            ({"Host": "127.0.0.1:8000"}, 200),
            ({"Host": "[::1]:8000"}, 200),
            ({"Host": "[::1"}, 403),
        ]:
            done = c.get("/models", headers=headers)
            assert done.status_code == status, headers
            if status == 403:
                assert problem(done).code == "forbidden_origin"
        allowed = c.get("/models", headers={"Origin": "https://faces.example.org"}).headers
        assert allowed["access-control-allow-origin"] == "https://faces.example.org"
        asked = {"Origin": "https://faces.example.org", "Access-Control-Request-Method": "POST"}
        assert c.options("/predict", headers=asked).status_code == 200


def test_purpose_is_told_everywhere(client):
    with client() as c:
        page, description, health = c.get("/"), c.get("/openapi.json"), c.get("/health")
    for text in (page.text, description.json()["info"]["description"]):
        assert FORBIDDEN_USE in text
    assert "not feelings" in health.headers["mien-notice"]
    assert health.headers["x-content-type-options"] == "nosniff"
    assert answers.Health.model_validate(health.json()).models == ["colours"]


def test_pictures_never_become_files(client, picture, monkeypatch):
    """The usual parser of forms keeps parts above 1 MB in temporary files."""

    def refuse(*_, **__):
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    large = picture("happy", "BMP", size=(1200, 1000))
    assert len(large) > 3_000_000
    with client() as c:
        assert c.post("/predict", files=form(("a.bmp", large, "image/bmp"))).status_code == 200


def test_metrics(client, picture):
    with client() as c:
        c.post("/predict", files=form(("a", picture(), ""), ("b", b"", "")))
        c.get("/a-path-of-their-own")
        done = c.get("/metrics")
    assert done.headers["content-type"].startswith("text/plain")
    lines = done.text.splitlines()
    for line in (
        'mien_requests_total{method="POST",route="/predict",status="200"} 1.0',
        'mien_requests_total{method="GET",route="other",status="404"} 1.0',
        'mien_pictures_total{outcome="read"} 1.0',
        'mien_pictures_total{outcome="empty"} 1.0',
        "mien_faces_total 1.0",
        'mien_batch_faces_count{model="colours"} 1.0',
        "mien_requests_in_flight 1.0",  # this one
    ):
        assert line in lines


def test_the_description_has_examples_that_fit(client):
    with client() as c:
        description = c.get("/openapi.json").json()
    assert set(description["paths"]) == {
        *("/predict", "/predict/video", "/predict/video/{job}", "/predict/video/{job}/result"),
        *("/models", "/models/{name}/file", "/health", "/metrics"),
    }
    for name in ("Prediction", "Job", "Video", "Error", "Health"):
        model = getattr(answers, name)
        for example in description["components"]["schemas"][name]["examples"]:
            model.model_validate(json.loads(json.dumps(example)))
    form_ = description["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert "multipart/form-data" in form_


def test_two_models_of_one_name(colours, tmp_path):
    from mien.errors import InputError

    (tmp_path / "other").mkdir()
    other = colours().rename(tmp_path / "other" / "colours.onnx")
    with pytest.raises(InputError, match="two models are called 'colours'"):
        create_app(Settings(models=(str(colours()), str(other)), detector="whole"))
