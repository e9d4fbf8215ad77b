"""Lists of links: names, licences, what is wrong with them."""

import pytest

from mien.collect.listing import is_open, read_links, youtube_id
from mien.errors import InputError


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://www.youtube.com/watch?v=abcdefghi-_&t=10s", "abcdefghi-_"),
        ("https://m.youtube.com/watch?list=PL1&v=abcdefghi-_", "abcdefghi-_"),
        ("https://youtu.be/abcdefghi-_", "abcdefghi-_"),
        ("https://www.youtube.com/shorts/abcdefghi-_", "abcdefghi-_"),
        ("https://www.youtube-nocookie.com/embed/abcdefghi-_?start=1", "abcdefghi-_"),
        ("https://www.youtube.com/@somebody", None),
        ("https://www.youtube.com/playlist?list=PLabcdefghi", None),
        ("https://example.org/watch?v=abcdefghi-_", None),
    ],
)
def test_ids_of_youtube(url, found):
    assert youtube_id(url) == found


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("creativeCommon", True),
        ("Creative Commons Attribution license (reuse allowed)", True),
        ("CC0", True),
        ("cc by-sa 3.0", True),
        ("Public Domain", True),
        ("youtube", False),
        ("", False),
        ("success", False),
        ("all rights reserved", False),
    ],
)
def test_open_licences(licence, expected):
    assert is_open(licence) is expected


def test_names(tmp_path):
    path = tmp_path / "links.csv"
    urls = [
        "https://youtu.be/abcdefghijk",
        "https://example.org/a/my%20clip.mp4?x=1",
        "https://example.org/a/my%20clip.mp4?x=1",
        "https://example.org/b/My clip.mp4",
        "https://example.org/",
        "https://example.org/.hidden/.mp4",
    ]
    path.write_text("url\n" + "\n".join(urls) + "\n", encoding="utf-8")
    links = read_links(path)
    assert [link.url for link in links] == list(dict.fromkeys(urls))
    found = [link.name for link in links]
    assert found[0] == "abcdefghijk"
    assert found[1].startswith("my-clip-")  # two that some file systems take for one
    assert found[2].startswith("My-clip-")
    assert found[3:] == ["video", "mp4"]
    assert [link.name for link in read_links(path)] == found


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("link\nhttps://example.org/a\n", "has no column url, only link"),
        ("url\n", "has no rows"),
        ("url\nfile:///etc/passwd\n", "line 2: 'file:///etc/passwd' is no address"),
        ("url\nhttps://example.org/a\nwatch?v=1\n", "line 3: 'watch"),
    ],
)
def test_lists_that_are_none(tmp_path, content, why):
    path = tmp_path / "links.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=why):
        read_links(path)


def test_a_list_that_is_no_text(tmp_path):
    path = tmp_path / "links.csv"
    path.write_bytes(b"url\n\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as a CSV"):
        read_links(path)
