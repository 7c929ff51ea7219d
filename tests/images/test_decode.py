"""Decoding: every kind of picture becomes uint8 RGB or grey, every bad one a sentence."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from classicvis import ImageError
from classicvis.images import as_uint8, read_image, read_preview


def encoded(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photo(flower):
    return Image.fromarray(flower[100:200, 100:260])


def test_png_is_exact(photo):
    """A lossless colour file gives back its pixels."""
    decoded = read_image(encoded(photo, format="PNG"))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, np.asarray(photo))


def test_jpeg_equals_opencv(photo):
    """A JPEG has the pixels that OpenCV decodes."""
    import cv2

    data = encoded(photo, format="JPEG", quality=80)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(read_image(data), expected)


def test_grey_stays_grey(camera):
    """A grey file gives two dimensions."""
    decoded = read_image(encoded(Image.fromarray(camera), format="PNG"))
    np.testing.assert_array_equal(decoded, camera)


def test_palette(photo):
    """A palette becomes its colours."""
    palette = photo.quantize(16)
    decoded = read_image(encoded(palette, format="PNG"))
    np.testing.assert_array_equal(decoded, np.asarray(palette.convert("RGB")))


def test_bilevel():
    """A bilevel picture becomes grey, 0 and 255."""
    pixels = np.eye(5, dtype=bool)
    decoded = read_image(encoded(Image.fromarray(pixels), format="PNG"))
    np.testing.assert_array_equal(decoded, pixels * 255)


def test_transparency_is_laid_over_white(photo):
    """Opaque pixels keep their colour, transparent ones become white, half ones mix."""
    rgba = np.dstack([np.asarray(photo), np.full((100, 160), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    rgba[10:20, :, 3] = 128
    decoded = read_image(encoded(Image.fromarray(rgba), format="PNG"))
    np.testing.assert_array_equal(decoded[20:], rgba[20:, :, :3])
    assert (decoded[:10] == 255).all()
    mixed = rgba[10:20, :, :3] * (128 / 255) + 255 * (127 / 255)
    np.testing.assert_allclose(decoded[10:20], mixed, atol=0.51)


def test_transparent_palette(photo):
    """A palette with a transparent entry is laid over white as well."""
    palette = photo.quantize(4)
    data = encoded(palette, format="PNG", transparency=0)
    decoded = read_image(data)
    clear = np.asarray(palette) == 0
    assert clear.any()
    assert (decoded[clear] == 255).all()


def test_grey_and_alpha():
    """Grey with alpha becomes grey."""
    pixels = np.zeros((4, 4, 2), np.uint8)
    pixels[:2, :, 1] = 255
    decoded = read_image(encoded(Image.fromarray(pixels), format="PNG"))
    np.testing.assert_array_equal(decoded, np.repeat([[0], [0], [255], [255]], 4, axis=1))


def test_cmyk(photo):
    """A CMYK JPEG becomes RGB, close to the original."""
    decoded = read_image(encoded(photo.convert("CMYK"), format="JPEG", quality=95))
    assert decoded.shape == (100, 160, 3)
    assert np.abs(decoded.astype(int) - np.asarray(photo)).mean() < 5


def test_sixteen_bits():
    """16-bit grey is divided by 257 and rounded."""
    pixels = np.array([[0, 128, 129, 257, 65535]], np.uint16)
    expected = np.rint(pixels / 257).astype(np.uint8)
    np.testing.assert_array_equal(
        read_image(encoded(Image.fromarray(pixels), format="PNG")), expected
    )
    np.testing.assert_array_equal(as_uint8(pixels), expected)
    swapped = pixels.astype(pixels.dtype.newbyteorder())
    np.testing.assert_array_equal(as_uint8(swapped), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(photo, orientation, format):
    """Each of the eight orientations shows the picture as a viewer would (by the EXIF table)."""
    pixels = np.asarray(photo)
    upright = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, -1),
        7: pixels.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(pixels),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = read_image(encoded(photo, format=format, exif=exif, quality=95))
    assert decoded.shape == upright.shape
    assert np.abs(decoded.astype(int) - upright).mean() < 5


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's own remark
def test_a_bad_exif_block_does_not_cost_the_picture(photo):
    """A damaged EXIF block is passed over."""
    data = encoded(photo, format="JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff\x01")
    assert read_image(data).shape == (100, 160, 3)


def test_animation_gives_its_first_frame():
    """The first frame of an animated GIF."""
    frames = [Image.new("L", (6, 4), value) for value in (10, 200)]
    data = encoded(frames[0], format="GIF", save_all=True, append_images=frames[1:])
    decoded = read_image(data)
    assert decoded.shape[:2] == (4, 6)
    assert (decoded == 10).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1)])
def test_extreme_shapes(shape):
    """One pixel, one row and one column are images."""
    pixels = np.full(shape, 7, np.uint8)
    np.testing.assert_array_equal(
        read_image(encoded(Image.fromarray(pixels), format="PNG")), pixels
    )


def test_unicode_path(tmp_path, photo):
    """Chinese names of folders and files work."""
    path = tmp_path / "照片 文件夹" / "猫.png"
    path.parent.mkdir()
    photo.save(path)
    np.testing.assert_array_equal(read_image(str(path)), np.asarray(photo))


def test_missing_empty_text_and_cut_files(tmp_path, photo):
    """Each bad file gets a sentence that names it and says what to do."""
    cases = {
        "empty.jpg": (b"", "is empty"),
        "text.jpg": (b"just some words", "not an image"),
        "cut.jpg": (encoded(photo, format="JPEG")[:1500], "damaged or cut off"),
        "cut.png": (encoded(photo, format="PNG")[:5000], "damaged or cut off"),
        "head.png": (encoded(photo, format="PNG")[:20], "damaged or cut off|not an image"),
    }
    for name, (data, reason) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=rf"{name}: .*({reason})"):
            read_image(tmp_path / name)
        with pytest.raises(ImageError, match=reason):
            read_image(data)
    with pytest.raises(ImageError, match=r"gone\.jpg: cannot be opened"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(ImageError, match="cannot be opened"):
        read_image(tmp_path)


def test_decompression_bomb():
    """A tiny PNG that claims 30,000 x 30,000 pixels is refused before it is unpacked."""

    def block(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(90_001 * 20))
    bomb = (
        b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", rows) + block(b"IEND", b"")
    )
    with pytest.raises(ImageError, match="900000000 pixels"):
        read_image(bomb)


def test_float_arrays():
    """Float in [0, 1] is scaled to 255 and rounded."""
    pixels = np.array([[0.0, 0.5, 1.0]])
    np.testing.assert_array_equal(as_uint8(pixels), [[0, 128, 255]])
    np.testing.assert_array_equal(as_uint8(pixels.astype(np.float32)), [[0, 128, 255]])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[0.0, 16.0]]), r"from 0 to 16, expected \[0, 1\]"),
        (np.array([[-0.1, 0.5]]), r"from -0.1 to 0.5"),
        (np.array([[np.nan, 0.5]]), "NaN"),
        (np.array([[np.inf, 0.5]]), "infinite"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4), complex), "complex128"),
        (np.zeros(4, np.uint8), r"shape \(4,\)"),
        (np.zeros((3, 8, 8), np.uint8), r"shape \(3, 8, 8\)"),
        (np.zeros((0, 8), np.uint8), "no pixels"),
    ],
)
def test_arrays_that_are_no_images(array, message):
    """Wrong ranges, dtypes and shapes get a sentence with what was found."""
    with pytest.raises(ImageError, match=message):
        read_image(array, name="image 3")
    with pytest.raises(ImageError, match="image 3"):
        read_image(array, name="image 3")


def test_an_image_error_is_a_value_error():
    """Callers who catch ValueError catch it."""
    with pytest.raises(ValueError, match="expected"):
        as_uint8(np.zeros(3, np.uint8))


@pytest.mark.parametrize("orientation", [None, 1, 3, 6])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_previews_are_the_image_in_grey(flower, tmp_path, mode, orientation):
    """Reduced by an eighth where that is enough, upright, of the size that the image has."""
    large = Image.fromarray(flower).resize((2400, 1200)).convert(mode)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    path = tmp_path / "大图.jpg"
    large.save(path, quality=95, **({"exif": exif} if orientation else {}))
    whole = read_image(path)
    preview = read_preview(path, side=150)
    assert (preview.height, preview.width) == whole.shape[:2]
    assert sorted(preview.image.shape) == [150, 300]
    grey = cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY) if whole.ndim == 3 else whole
    small = cv2.resize(grey, preview.image.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - preview.image).mean() < 3


def test_previews_of_small_images_arrays_and_other_formats(flower, tmp_path):
    """Nothing is reduced below the side that is asked for; what has no scales comes whole."""
    Image.fromarray(flower).save(tmp_path / "a.png")
    Image.fromarray(flower).save(tmp_path / "a.jpg")
    for source in (tmp_path / "a.png", tmp_path / "a.jpg", flower, flower[..., 0]):
        preview = read_preview(source, side=300)
        assert preview.image.shape == (427, 640) == (preview.height, preview.width)
        assert preview.image.dtype == np.uint8


def test_previews_of_damaged_files_raise(flower, tmp_path):
    """Empty, cut off, no image, absent: the sentences of `read_image`."""
    Image.fromarray(flower).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    for bad in (b"", data[:9000], b"text"):
        with pytest.raises(ImageError) as reduced:
            read_preview(bad, "b.jpg", side=50)
        with pytest.raises(ImageError) as whole:
            read_image(bad, "b.jpg")
        assert str(reduced.value) == str(whole.value)
    with pytest.raises(ImageError, match="cannot be opened"):
        read_preview(tmp_path / "none.jpg")
