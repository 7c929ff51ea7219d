"""The short way for plain JPEGs gives Pillow's pixels, and leaves alone what is not plain."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from classicvis import ImageError
from classicvis.images import read_image
from classicvis.images._jpeg import decode_plain_jpeg


def jpeg(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photo(flower):
    return Image.fromarray(flower[:131, :203])


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(
    "options",
    [
        {"quality": 90},
        {"quality": 30, "subsampling": 0},
        {"quality": 75, "subsampling": 2, "optimize": True},
        {"quality": 80, "progressive": True},
        {"quality": 75, "restart_marker_blocks": 3},
        {"quality": 75, "comment": b"\xff\xd9 a comment with markers \xff\xda"},
    ],
    ids=str,
)
def test_pixels_are_those_of_pillow(photo, mode, options):
    """Colour and grey, every subsampling, progressive, with restarts and comments."""
    data = jpeg(photo.convert(mode), **options)
    decoded = decode_plain_jpeg(data)
    assert decoded is not None
    np.testing.assert_array_equal(decoded, np.asarray(Image.open(io.BytesIO(data))))


def test_pixels_of_real_files(shared_data, tmp_path):
    """Photos of cameras and of the web decode the same both ways."""
    import zipfile

    n_plain = 0
    with zipfile.ZipFile(shared_data / "caltech101-20.zip") as archive:
        for name in archive.namelist()[::41]:
            data = archive.read(name)
            decoded = decode_plain_jpeg(data)
            if decoded is not None:
                n_plain += 1
                expected = np.asarray(Image.open(io.BytesIO(data)))
                np.testing.assert_array_equal(decoded, expected, err_msg=name)
    assert n_plain > 20


def test_what_is_not_plain(photo):
    """EXIF, CMYK, trailing bytes, cut files and other formats are left to the careful way."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(photo)
    png = io.BytesIO()
    photo.save(png, format="PNG")
    for other in (
        jpeg(photo, exif=exif),
        jpeg(photo.convert("CMYK")),
        data + b"\x00trailing bytes",
        data[:-2],
        data[: len(data) // 2],
        data[:2] + b"\xff\xd9",
        b"\xff\xd8\xff\xd9",
        png.getvalue(),
        b"",
    ):
        assert decode_plain_jpeg(other) is None


def test_a_claim_of_many_pixels_is_left_to_the_limit(photo):
    """A header that claims 30,000 x 30,000 pixels is refused as Pillow refuses it."""
    data = jpeg(photo)
    size = struct.pack(">HH", photo.height, photo.width)
    assert data.count(size) == 1
    bomb = data.replace(size, struct.pack(">HH", 30_000, 30_000))
    assert decode_plain_jpeg(bomb) is None
    with pytest.raises(ImageError, match="900000000 pixels"):
        read_image(bomb)
