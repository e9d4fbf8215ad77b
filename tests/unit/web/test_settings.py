import pytest

from mien.errors import InputError
from mien.web.settings import Settings

TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_this_machine_needs_no_token(host):
    assert Settings(host=host).is_local


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "faces.example.org"])
def test_other_addresses_need_a_token_or_a_word(host):
    with pytest.raises(InputError, match="--open-to-everyone"):
        Settings(host=host)
    assert not Settings(host=host, token=TOKEN).is_local
    assert not Settings(host=host, is_open=True).is_local


@pytest.mark.parametrize("token", ["", "short", "with space in the middle", "ümlaute-sind-hier-verboten"])
def test_tokens_that_do_not_go_into_a_header(token):
    with pytest.raises(InputError, match="letters and digits"):
        Settings(token=token)


def test_the_token_is_not_shown():
    assert TOKEN not in repr(Settings(token=TOKEN))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_images": 0}, "max_images is 0: expected 1 or more"),
        ({"rate": -1}, "rate is -1: expected 0 or more"),
        ({"max_upload_mb": float("nan")}, "max_upload_mb is nan"),
        ({"max_upload_mb": 500, "max_held_mb": 100}, "max_held_mb is 100: expected 500 or more"),
        ({"models": ()}, "no model given"),
        ({"origins": ("faces.example.org",)}, "expected such as https://faces.example.org"),
    ],
)
def test_values_out_of_range(values, message):
    with pytest.raises(InputError, match=message):
        Settings(**values)
