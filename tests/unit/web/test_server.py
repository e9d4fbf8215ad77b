"""The process: a real socket, a real end."""

import asyncio
import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from mien.web.server import Server


@pytest.fixture
def served(settings):
    """``with served(**settings) as (address, server)``: a server in a thread."""

    @contextmanager
    def start(**values):
        ready = threading.Event()
        address = []

        def note(found):
            address.append(found)
            ready.set()

        server = Server(settings(port=0, **values), note)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert ready.wait(20)
            yield address[0], server
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

    return start


@contextmanager
def slowly(server, monkeypatch, seconds=None):
    """Faces are looked for when ``may_go`` is set, or after some time; gives it, and how many have begun."""
    may_go, begun = threading.Event(), threading.Semaphore(0)
    detector = server.config.app.state.service.engine(None).recognizer.detector
    detect = detector.detect

    def wait(image):
        begun.release()
        may_go.wait(10 if seconds is None else seconds)
        return detect(image)

    monkeypatch.setattr(detector, "detect", wait, raising=False)
    try:
        yield may_go, begun
    finally:
        may_go.set()


def test_it_says_where_it_listens(served, picture):
    with served() as (address, _):
        done = httpx.post(f"{address}/predict", content=picture("sad"))
        assert done.json()["pictures"][0]["faces"][0]["expression"]["label"] == "sad"
        assert "server" not in done.headers


def test_requests_that_have_begun_are_answered_when_it_stops(served, picture, monkeypatch):
    answers = []
    with served() as (address, server), slowly(server, monkeypatch) as (may_go, begun):
        asking = [
            threading.Thread(target=lambda: answers.append(httpx.post(f"{address}/predict", content=picture())))
            for _ in range(6)
        ]
        for thread in asking:
            thread.start()
        for _ in range(2):  # workers
            assert begun.acquire(timeout=10)
        while server.config.app.state.service.gate.count < 6:
            time.sleep(0.01)
        server.should_exit = True
        time.sleep(0.3)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/health")
        may_go.set()
        for thread in asking:
            thread.join(20)
    assert [answer.status_code for answer in answers] == [200] * 6


def test_none_is_lost_at_the_limit(served, picture, monkeypatch):
    """Of 40 requests at once, each is answered or told when to come again, and is answered then."""

    async def ask(client, content):
        tries = 0
        while True:
            done = await client.post("/predict", content=content)
            tries += 1
            if done.status_code != 429:
                return done.status_code, tries
            assert done.json()["error"]["code"] == "busy"
            await asyncio.sleep(float(done.headers["retry-after"]) / 5)

    async def all_of_them(address):
        async with httpx.AsyncClient(base_url=address, timeout=20, limits=httpx.Limits(max_connections=40)) as client:
            return await asyncio.gather(*(ask(client, picture()) for _ in range(40)))

    with served(max_waiting=4) as (address, server), slowly(server, monkeypatch, seconds=0.02):
        found = asyncio.run(all_of_them(address))
    assert [status for status, _ in found] == [200] * 40
    assert max(tries for _, tries in found) > 1


def test_a_client_that_is_still_sending_sees_the_reason(served):
    """A connection that is closed with bytes on their way is reset, and the answer is lost."""
    with served(max_upload_mb=1) as (address, _):
        there = urlsplit(address)
        for headers in ({"Content-Length": "8000000"}, {"Transfer-Encoding": "chunked"}):
            connection = http.client.HTTPConnection(there.hostname, there.port, timeout=20)
            body = (bytes(100_000) for _ in range(80))
            chunked = "Transfer-Encoding" in headers
            connection.request("POST", "/predict", body, headers, encode_chunked=chunked)
            done = connection.getresponse()
            assert done.status == 413
            assert json.loads(done.read())["error"]["code"] == "upload_too_large"
            connection.close()


def test_a_client_that_is_too_slow_gives_its_place_back(served):
    with served(upload_timeout_s=0.2) as (address, server):
        there = urlsplit(address)
        with socket.create_connection((there.hostname, there.port), timeout=30) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
            gate = server.config.app.state.service.gate
            deadline = time.monotonic() + 10
            while gate.count == 0 and time.monotonic() < deadline:
                time.sleep(0.005)
            while gate.count and time.monotonic() < deadline:
                time.sleep(0.01)
            assert gate.count == 0
            connection.sendall(bytes(97))
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_goes_away_is_no_mistake(served, capfd):
    with served() as (address, server):
        there = urlsplit(address)
        with socket.create_connection((there.hostname, there.port), timeout=10) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
            time.sleep(0.1)
        time.sleep(0.1)
        assert server.config.app.state.service.gate.count == 0
        assert httpx.get(f"{address}/health").status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_camera_over_a_socket_and_the_end_of_the_server(served, picture):
    with served(max_frame_mb=0.05) as (address, server):
        there = address.replace("http:", "ws:") + "/live"
        with connect(there) as camera:
            assert json.loads(camera.recv())["type"] == "ready"
            camera.send(picture("sad", "JPEG"))
            assert json.loads(camera.recv())["faces"][0]["expression"]["label"] == "sad"
            camera.send(bytes(60_000))
            assert json.loads(camera.recv())["error"]["code"] == "upload_too_large"
            server.should_exit = True
            with pytest.raises(ConnectionClosed) as caught:
                camera.recv(timeout=10)
            assert caught.value.rcvd.code == 1012  # the service restarts


def test_a_frame_that_is_far_too_large_ends_the_connection(served):
    with served(max_frame_mb=0.05) as (address, _), connect(address.replace("http:", "ws:") + "/live") as camera:
        camera.recv()
        camera.send(bytes(500_000))
        with pytest.raises(ConnectionClosed) as caught:
            camera.recv(timeout=10)
        assert caught.value.rcvd.code == 1009


def test_only_a_proxy_that_is_named_is_believed(served, picture):
    """Each customer behind a proxy has a rate of his own; anybody else who claims to be a proxy has not."""
    for proxies, statuses in (((), [200, 429]), (("127.0.0.1",), [200, 200])):
        with served(rate=0.5, proxies=proxies) as (address, _):
            found = [
                httpx.post(f"{address}/predict", content=picture(), headers={"X-Forwarded-For": f"192.0.2.{number}"})
                for number in (1, 2)
            ]
        assert [one.status_code for one in found] == statuses
