"""Every way a picture comes in, and out."""

import io

import numpy as np
import pytest
from PIL import Image, features

from mien import images
from mien.errors import ImageError

FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", *(["AVIF"] if features.check("avif") else [])]


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def corners():
    """Red, green / blue, white quarters."""
    picture = np.zeros((16, 32, 3), np.uint8)
    picture[:8, :16], picture[:8, 16:] = (255, 0, 0), (0, 255, 0)
    picture[8:, :16], picture[8:, 16:] = (0, 0, 255), (255, 255, 255)
    return picture


def at_corners(picture):
    height, width = picture.shape[:2]
    return [picture[y, x].tolist() for y in (height // 4, -height // 4) for x in (width // 4, -width // 4)]


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_in_rgb_order(corners, kind, tmp_path):
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    content = encoded(Image.fromarray(corners), kind, **options)
    (tmp_path / "picture").write_bytes(content)  # the content decides, not the name
    for source in (content, tmp_path / "picture", str(tmp_path / "picture")):
        found = images.read(source)
        assert (found.shape, found.dtype) == ((16, 32, 3), np.uint8)
        assert np.abs(np.array(at_corners(found), int) - at_corners(corners)).max() <= 12


def test_exif_orientation_is_applied(corners):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    found = images.read(encoded(Image.fromarray(corners), "PNG", exif=exif))
    assert found.shape == (32, 16, 3)
    assert np.array_equal(found, np.rot90(corners, -1))


def test_transparency_is_laid_over_white():
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[:, 2:, 3] = 255
    rgba[0, 0] = (0, 0, 0, 51)  # a fifth of black over white: 204
    for found in (images.read(encoded(Image.fromarray(rgba))), images.read(rgba)):
        assert found[3, 0].tolist() == [255, 255, 255]
        assert found[3, 3].tolist() == [200, 0, 0]
        assert found[0, 0].tolist() == [204, 204, 204]


def test_a_palette_with_a_transparent_colour():
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((0, 0), 0)
    found = images.read(encoded(picture, transparency=0))
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[1, 1].tolist() == [200, 100, 50]


def test_grey_16_bit_and_bilevel():
    grey = np.array([[0, 255], [7, 128]], np.uint8)
    assert images.read(encoded(Image.fromarray(grey)))[..., 1].tolist() == grey.tolist()
    deep = np.array([[0, 65535], [0x0712, 0x80FF]], np.uint16)
    for kind in ("PNG", "TIFF"):
        assert images.read(encoded(Image.fromarray(deep), kind))[..., 0].tolist() == grey.tolist()
    assert images.read(encoded(Image.new("1", (2, 2), 1))).tolist() == [[[255] * 3] * 2] * 2


def test_cmyk():
    found = images.read(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF"))
    assert found[4, 4].tolist() == [255, 0, 0]


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    found = images.read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert found[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [[[0] * 3, [255] * 3]]),
        (np.array([[[0], [9]]], np.uint8), [[[0] * 3, [9] * 3]]),
        (np.array([[0.0, 0.5, 1.0]]), [[[0] * 3, [128] * 3, [255] * 3]]),
        (np.array([[0x01FF, 0xFF00]], np.uint16), [[[1] * 3, [255] * 3]]),
        (np.array([[[1, 2, 3]]], np.uint8), [[[1, 2, 3]]]),
    ],
    ids=["grey", "one channel", "float", "16 bit", "rgb"],
)
def test_arrays(array, expected):
    assert images.read(array).tolist() == expected


def test_a_view_becomes_contiguous():
    assert images.read(np.zeros((4, 6, 3), np.uint8)[:, ::-1]).flags.c_contiguous


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5, np.uint8), r"\(5,\)"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"\(2, 4, 4, 3\)"),
        (np.zeros((4, 4, 2), np.uint8), r"\(4, 4, 2\)"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.full((4, 4), 2.0), "0 to 1"),
        (np.full((4, 4), np.nan), "0 to 1"),
    ],
)
def test_arrays_that_are_no_pictures(array, message):
    with pytest.raises(ImageError, match=message):
        images.read(array)


def test_files_that_cannot_be_read(tmp_path, portrait):
    whole = portrait.read_bytes()
    cases = {
        "empty.jpg": (b"", "empty"),
        "text.jpg": (b"hello there", "not a picture"),
        "cut.jpg": (whole[: len(whole) // 2], "damaged"),
        "cut.png": (encoded(Image.effect_noise((90, 90), 50))[:400], "damaged"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=message) as caught:
            images.read(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(ImageError, match="no such file"):
        images.read(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="folder"):
        images.read(tmp_path)
    with pytest.raises(ImageError, match="int"):
        images.read(7)


@pytest.mark.parametrize("step", [97])
def test_no_truncation_gets_through(portrait, step):
    whole = portrait.read_bytes()
    for end in range(step, len(whole) - 2, len(whole) // step):
        with pytest.raises(ImageError):
            images.read(whole[:end])


def test_the_pixel_limit():
    content = encoded(Image.new("L", (300, 200)))
    assert images.read(content, max_pixels=60_000).shape == (200, 300, 3)
    with pytest.raises(ImageError, match="300 x 200 is 60,000 pixels, the limit is 59,999"):
        images.read(content, max_pixels=59_999)
    with pytest.raises(ImageError, match="limit"):
        images.read(encoded(Image.new("1", (20_000, 20_000))))


def test_rows_of_array_files(tmp_path):
    faces = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4)
    path = tmp_path / "faces.npy"
    np.save(path, faces)
    assert images.read(f"{path}#2")[..., 0].tolist() == faces[2].tolist()
    for row in ("3", "-1", "x", ""):
        with pytest.raises(ImageError, match="0 to 2"):
            images.read(f"{path}#{row}")
    with pytest.raises(ImageError, match="no such file"):
        images.read(f"{tmp_path}/none.npy#0")
    (tmp_path / "bad.npy").write_bytes(b"x")
    with pytest.raises(ImageError, match="not an array"):
        images.read(f"{tmp_path}/bad.npy#0")
    np.save(tmp_path / "floats.npy", np.zeros((2, 4, 4)))
    with pytest.raises(ImageError, match="float64"):
        images.read(f"{tmp_path}/floats.npy#0")


def test_resizing_averages_areas_when_shrinking(corners):
    assert images.resize(corners, 1, 1).tolist() == [[[128, 128, 128]]]  # (255 + 0 + 0 + 255) / 4 = 127.5
    assert images.resize(corners, 2, 4)[0, 0].tolist() == [255, 0, 0]
    assert images.resize(corners, 16, 32) is corners
    for enlarge in ("linear", "cubic", "lanczos"):
        assert images.resize(corners, 64, 128, enlarge).shape == (64, 128, 3)


def test_luminance():
    # ITU-R BT.601: 0.299, 0.587, 0.114
    assert images.grey(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)).tolist() == [[76, 150, 29]]


def test_written_pictures_come_back(tmp_path, corners):
    for picture in (corners, corners[..., 0].copy()):
        images.write(tmp_path / "new" / "picture.PNG", picture)
        found = images.read(tmp_path / "new" / "picture.PNG")
        assert np.array_equal(found, images.read(picture))
    with pytest.raises(ImageError, match=r"\.txt"):
        images.write(tmp_path / "picture.txt", corners)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["picture.PNG"]


def test_find(tmp_path):
    for name in ("b.JPG", "a/2.png", "a/1.webp", "a/notes.txt", ".hidden.png", ".cache/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in images.find(tmp_path)] == ["b.JPG", "a/1.webp", "a/2.png"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "1"])
def test_strips_of_a_large_picture_fit_together(mode, monkeypatch):
    values = np.random.default_rng(0).integers(0, 256, (37, 20, 4), np.uint8)
    picture = Image.fromarray(values).convert("RGB" if mode in ("P", "CMYK") else mode).convert(mode)
    whole = images.read(picture)
    monkeypatch.setattr("mien.images._STRIP_PIXELS", 100)  # strips of five rows, and one of two
    assert np.array_equal(images.read(picture), whole)
