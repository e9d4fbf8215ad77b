import threading

import pytest
from starlette.testclient import WebSocketDenialResponse

URL = "ws://localhost/live"
TOKEN = "a-token-of-some-length"


def test_frames_in_readings_out(client, picture):
    with client() as c, c.websocket_connect(URL + "?smooth_s=0") as socket:
        ready = socket.receive_json()
        assert (ready["type"], ready["model"], ready["labels"]) == ("ready", "colours", ["angry", "happy", "sad"])
        assert "decisions about people" in ready["notice"]
        for number, name in enumerate(["happy", "sad"]):
            socket.send_bytes(picture(name, "JPEG"))
            found = socket.receive_json()
            assert (found["type"], found["frame"], found["skipped"]) == ("readings", number, 0)
            assert found["size_px"] == [40, 30]
            (face,) = found["faces"]
            assert (face["track"], face["expression"]["label"]) == (1, name)


def test_a_bad_frame_is_told_and_the_next_one_read(client, picture):
    with client(max_frame_mb=0.01) as c, c.websocket_connect(URL) as socket:
        socket.receive_json()
        for content, code in ((b"<svg", "not_an_image"), (b"", "empty"), (bytes(10_001), "upload_too_large")):
            socket.send_bytes(content)
            found = socket.receive_json()
            assert (found["type"], found["error"]["code"]) == ("error", code)
        socket.send_text("{}")
        assert socket.receive_json()["error"]["code"] == "invalid"
        socket.send_bytes(picture())
        assert (last := socket.receive_json())["type"] == "readings"
        assert last["frame"] == 3


def test_of_frames_that_come_too_fast_only_the_latest_is_read(client, picture, monkeypatch):
    may_go, has_begun = threading.Event(), threading.Event()
    with client() as c:
        detector = c.app.state.service.engine(None).recognizer.detector
        detect = type(detector).detect

        def slow(image):
            has_begun.set()
            assert may_go.wait(10)
            return detect(detector, image)

        monkeypatch.setattr(detector, "detect", slow, raising=False)
        with c.websocket_connect(URL + "?smooth_s=0") as socket:
            socket.receive_json()
            socket.send_bytes(picture("happy"))
            assert has_begun.wait(10)
            for _ in range(20):
                socket.send_bytes(picture("happy"))
            socket.send_bytes(picture("sad"))
            socket.send_text("are they all there?")
            assert socket.receive_json()["error"]["code"] == "invalid"  # answered after the frames have come in
            may_go.set()
            first, last = socket.receive_json(), socket.receive_json()
        assert (first["frame"], first["skipped"]) == (0, 0)
        assert (last["frame"], last["skipped"]) == (21, 20)
        assert last["faces"][0]["expression"]["label"] == "sad"
        assert 'mien_live_frames_total{outcome="skipped"} 20.0' in c.get("/metrics").text


def refused(c, url=URL, **options):
    with pytest.raises(WebSocketDenialResponse) as caught, c.websocket_connect(url, **options):
        pass
    return caught.value.status_code, caught.value.json()["error"]["code"]


def test_so_many_cameras(client):
    with client(max_live=1) as c:
        with c.websocket_connect(URL) as socket:
            socket.receive_json()
            assert refused(c) == (429, "busy")
        with c.websocket_connect(URL) as socket:
            assert socket.receive_json()["type"] == "ready"


def test_a_token_in_a_subprotocol(client):
    with client(token=TOKEN) as c:
        assert refused(c) == (401, "unauthorized")
        assert refused(c, subprotocols=["mien.v1", "bearer.wrong"]) == (401, "unauthorized")
        with c.websocket_connect(URL, subprotocols=["mien.v1", f"bearer.{TOKEN}"]) as socket:
            assert socket.accepted_subprotocol == "mien.v1"  # the token is not sent back
            assert socket.receive_json()["type"] == "ready"
        with c.websocket_connect(URL, headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
            assert socket.receive_json()["type"] == "ready"


def test_pages_from_elsewhere_and_unknown_models(client):
    with client() as c:
        assert refused(c, headers={"Origin": "https://evil.example"}) == (403, "forbidden_origin")
        assert refused(c, URL + "?model=other") == (404, "not_found")
