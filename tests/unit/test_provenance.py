"""What a file says of a picture, in mien's words and in those of others."""

import io
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mien import images
from mien.provenance import DRAWN_BY_A_MODEL, encode_synthetic, is_synthetic, read_facts

FACE = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
FACTS = {"generator": "faces & <more>", "digest": "ab12", "class": "überrascht", "seed": 1, "number": 7}


def chunks(content: bytes) -> list[tuple[str, bytes]]:
    """Kind and content of every chunk of a PNG, read by its specification."""
    found, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        found.append((content[at + 4 : at + 8].decode(), content[at + 8 : at + 8 + length]))
        assert zlib.crc32(content[at + 4 : at + 8 + length]) == struct.unpack(">I", content[at + 8 + length :][:4])[0]
        at += 12 + length
    return found


def test_the_file_says_it_in_plain_text_and_in_xmp():
    parts = chunks(encode_synthetic(FACE, FACTS))
    text = {}
    for kind, content in parts:
        if kind == "iTXt":
            key, _, rest = content.partition(b"\0")
            assert rest[:2] == b"\0\0"  # not compressed
            text[key.decode()] = rest.split(b"\0", 4)[4].decode()
    assert text["mien.synthetic"] == "true"
    assert text["mien.generator"] == "faces & <more>"
    assert text["mien.class"] == "überrascht"
    assert (text["mien.seed"], text["mien.number"]) == ("1", "7")
    root = ElementTree.fromstring(text["XML:com.adobe.xmp"])
    name = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    assert [found.text for found in root.iter(name)] == [DRAWN_BY_A_MODEL]
    assert [kind for kind, _ in parts].index("iTXt") < [kind for kind, _ in parts].index("IDAT")  # the head is enough


@pytest.mark.parametrize("picture", [FACE, FACE[..., 0]], ids=["colour", "grey"])
def test_the_picture_is_as_it_was(picture, tmp_path):
    (tmp_path / "face.png").write_bytes(encode_synthetic(picture, FACTS))
    wide = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    assert np.array_equal(images.read(tmp_path / "face.png"), wide)
    assert np.array_equal(cv2.imread(str(tmp_path / "face.png"))[..., ::-1], wide)


def test_facts_come_back(tmp_path):
    (tmp_path / "face.png").write_bytes(encode_synthetic(FACE, FACTS))
    assert read_facts(tmp_path / "face.png") == {
        "synthetic": "true", **{name: str(value) for name, value in FACTS.items()}
    }  # fmt: skip
    assert is_synthetic(tmp_path / "face.png")


def test_the_same_picture_gives_the_same_file():
    assert encode_synthetic(FACE, FACTS) == encode_synthetic(FACE.copy(), dict(FACTS))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize(
    ("term", "expected"),
    [("trainedAlgorithmicMedia", True), ("compositeWithTrainedAlgorithmicMedia", True), ("digitalCapture", False)],
)
def test_what_other_programs_write_is_understood(tmp_path, suffix, term, expected):
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'e:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{term}"/></rdf:RDF></x:xmpmeta>'
    )
    picture, path = Image.fromarray(FACE), tmp_path / f"other{suffix}"
    if suffix == ".png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp, zip=True)
        picture.save(path, pnginfo=info)
    else:
        picture.save(path, xmp=xmp.encode())
    assert is_synthetic(path) is expected
    assert read_facts(path) == {}


def test_files_that_say_nothing(tmp_path):
    images.write(tmp_path / "plain.png", FACE)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    cut = encode_synthetic(FACE, FACTS)[:40]
    (tmp_path / "cut.png").write_bytes(cut)
    for name in ("plain.png", "broken.png", "cut.png", "missing.png"):
        assert not is_synthetic(tmp_path / name), name
        assert read_facts(tmp_path / name) == {}


def test_a_huge_text_is_no_reason_to_fail(tmp_path):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("bomb", "a" * 5_000_000, zip=True)
    file = io.BytesIO()
    Image.fromarray(FACE).save(file, "PNG", pnginfo=info)
    (tmp_path / "bomb.png").write_bytes(file.getvalue())
    assert len(file.getvalue()) < 20_000
    assert not is_synthetic(tmp_path / "bomb.png")
