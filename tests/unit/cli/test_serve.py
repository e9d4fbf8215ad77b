"""``mien serve``: options become settings; what would be careless is refused before anything is loaded."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

pytest.importorskip("fastapi")

TOKEN = "a-token-of-some-length"


@pytest.fixture
def ran(monkeypatch):
    """The settings with which the server was started."""
    found = []
    monkeypatch.setattr("mien.web.server.serve", lambda settings, ready: found.append(settings))
    monkeypatch.delenv("MIEN_TOKEN", raising=False)
    return found


def test_by_default_only_this_machine(mien, ran):
    assert mien("serve").code == 0
    (settings,) = ran
    assert (settings.host, settings.port, settings.models, settings.token) == ("127.0.0.1", 8000, ("default",), None)


def test_options(mien, ran):
    options = (
        "--port 0 --origin https://a.example --origin https://b.example --max-images 3 --batch-wait-ms 0 --device cpu"
    )
    assert mien("serve", "one.onnx", "two", *options.split()).code == 0
    (settings,) = ran
    assert (settings.models, settings.port, settings.max_images) == (("one.onnx", "two"), 0, 3)
    assert settings.origins == ("https://a.example", "https://b.example")
    assert (settings.batch_wait_ms, settings.device) == (0, "cpu")


def test_for_others_it_wants_a_token(mien, ran, tmp_path, monkeypatch):
    done = mien("serve", "--host", "0.0.0.0")
    assert (done.code, ran) == (2, [])
    assert "MIEN_TOKEN" in done.err
    assert "--open-to-everyone" in done.err
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    mien("serve", "--host", "0.0.0.0", "--token-file", str(file))
    monkeypatch.setenv("MIEN_TOKEN", TOKEN)
    mien("serve", "--host", "0.0.0.0")
    monkeypatch.delenv("MIEN_TOKEN")
    mien("serve", "--host", "0.0.0.0", "--open-to-everyone")
    assert [settings.token for settings in ran] == [TOKEN, TOKEN, None]


def test_a_device_that_is_not_there(mien):
    done = mien("serve", "--port", "0", "--device", "gpu")
    assert (done.code, done.out) == (2, "")
    assert "device 'gpu': expected auto, cuda, openvino or cpu" in done.err


def test_a_token_file_that_is_not_there(mien, ran, tmp_path):
    done = mien("serve", "--token-file", str(tmp_path / "nothing"))
    assert done.code == 2
    assert "nothing: No such file" in done.err


def test_an_unknown_model_is_one_line(mien):
    done = mien("serve", "defualt", "--port", "0")
    assert done.code == 2
    assert "unknown model 'defualt'" in done.err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_it_says_where_and_what_for_and_stops_in_order(number, code):
    command = [sys.executable, "-m", "mien", "serve", "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MIEN_TOKEN": ""}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.split()[0]
        with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "decisions about people" in err
    assert "Traceback" not in err
