"""One image from a path, bytes or an array: uint8, RGB (h, w, 3) or grey (h, w)."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageOps

from classicvis.exceptions import ImageError
from classicvis.images._jpeg import decode_plain_jpeg, preview_plain_jpeg

Source: TypeAlias = str | os.PathLike[str] | bytes | np.ndarray

_ORIENTATION_TAG = 0x0112
_EXIF_KEYS = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
_WITH_ALPHA = {"PA", "RGBA", "RGBa"}


def read_image(source: Source, name: str = "image") -> np.ndarray:
    """Return one image as uint8 RGB or grey.

    Parameters
    ----------
    source : path, bytes or ndarray
        A file, the bytes of a file, or an array of shape (h, w), (h, w, 1), (h, w, 3) or
        (h, w, 4); arrays go through `as_uint8`.
    name : str, default="image"
        How messages call the image; a path is called by itself.

    Returns
    -------
    ndarray of shape (h, w, 3) or (h, w), uint8
        The EXIF orientation is applied. Palette, CMYK and other colour modes become RGB, 16 bits
        become 8, transparent pixels are laid over white, an animation gives its first frame.

    Raises
    ------
    ImageError
        If the image cannot be read, is damaged, or is too large to be harmless.
    """
    if isinstance(source, np.ndarray):
        return as_uint8(source, name)
    if isinstance(source, bytes | bytearray | memoryview):
        return _decode(bytes(source), name)
    return _decode(file_bytes(Path(source)), str(source))


class Preview(NamedTuple):
    """An image in grey, perhaps reduced, and its whole height and width in pixels."""

    image: np.ndarray
    height: int
    width: int


def read_preview(source: Source, name: str = "image", side: int = 256) -> Preview:
    """Return one image in grey, decoded at a reduced scale where the format can do so.

    Parameters
    ----------
    source : path, bytes or ndarray
        As for `read_image`.
    name : str, default="image"
        How messages call the image; a path is called by itself.
    side : int, default=256
        The shorter side keeps at least so many pixels, or all it has.

    Returns
    -------
    Preview
        The image, uint8 of shape (rows, cols), EXIF orientation applied, and its whole size.

    Raises
    ------
    ImageError
        Where `read_image` does.
    """
    if isinstance(source, np.ndarray):
        image = as_uint8(source, name)
        return Preview(_gray(image), *image.shape[:2])
    if not isinstance(source, bytes | bytearray | memoryview):
        source, name = file_bytes(Path(source)), str(source)
    data = bytes(source)
    plain = preview_plain_jpeg(data, side) if data else None
    if plain is not None:
        return Preview(plain[0], *plain[1])
    image, (height, width) = _decode_carefully(data, name, side)
    return Preview(_gray(image), height, width)


def _gray(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), np.uint8)


def check_header(source: Source, name: str = "image") -> None:
    """Raise ImageError if `source` is no image at all; damage further in is not seen."""
    if isinstance(source, np.ndarray):
        as_uint8(source, name)
    elif isinstance(source, bytes | bytearray | memoryview):
        _open(io.BytesIO(source), name)
    else:
        try:
            with open(source, "rb") as file:
                if not file.read(1):
                    raise ImageError(_empty(str(source)))
                file.seek(0)
                _open(file, str(source))
        except OSError as error:
            raise ImageError(_unopenable(Path(source), error)) from error


def file_bytes(path: Path) -> bytes:
    """Return what is in a file; one that cannot be opened raises ImageError."""
    # Reading first and decoding bytes keeps any Unicode path away from C libraries.
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(_unopenable(path, error)) from error


def _unopenable(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{path}: cannot be opened ({reason}); check the path and its permissions."


def _empty(name: str) -> str:
    return f"{name}: the file is empty (0 bytes), expected an image; copy it again or remove it."


def _open(file: io.IOBase, name: str) -> Image.Image:
    try:
        return Image.open(file)  # type: ignore[arg-type]
    except Image.UnidentifiedImageError as error:
        raise ImageError(
            f"{name}: not an image in a format that can be decoded; expected JPEG, PNG, BMP, GIF, "
            "TIFF, WebP or another format of Pillow; convert or remove it."
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name}: {error} Shrink it, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ImageError(_damaged(name, error)) from error


def _damaged(name: str, error: Exception) -> str:
    return (
        f"{name}: the image is damaged or cut off ({error}); expected a complete file; "
        "copy it again or remove it."
    )


def _decode(data: bytes, name: str) -> np.ndarray:
    plain = decode_plain_jpeg(data) if data else None
    return _decode_carefully(data, name)[0] if plain is None else plain


def _decode_carefully(
    data: bytes, name: str, side: int | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the pixels, reduced to no less than `side` where that is easy, and the full size."""
    if not data:
        raise ImageError(_empty(name))
    image = _open(io.BytesIO(data), name)
    width, height = image.size
    try:
        if side is not None:
            image.draft(None, (side, side))
        image.load()
        orientation = _orientation(image)
        if orientation != 1:
            image = ImageOps.exif_transpose(image)
    # Pillow's decoders raise many kinds of errors on damaged files, struct.error among them.
    except Exception as error:
        raise ImageError(_damaged(name, error)) from error
    shape = (width, height) if orientation >= 5 else (height, width)  # 5 to 8 turn it on its side
    return as_uint8(_pixels(image), name), shape


def _orientation(image: Image.Image) -> int:
    if image.format != "TIFF" and not _EXIF_KEYS & image.info.keys():
        return 1  # getexif costs as much as decoding a small picture
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # one bad tag must not cost the picture
        return 1


def _pixels(image: Image.Image) -> np.ndarray:
    mode = image.mode
    if mode in ("L", "RGB", "F"):
        return np.asarray(image)
    if mode == "1":
        return np.asarray(image.convert("L"))
    if mode in ("LA", "La"):
        return np.asarray(image.convert("LA"))
    if mode in _WITH_ALPHA or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    if mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if mode == "I":  # 16-bit samples in 32-bit storage
        values = np.asarray(image)
        return values.astype(np.uint16) if values.min() >= 0 and values.max() < 65536 else values
    return np.asarray(image.convert("RGB"))


def as_uint8(array: np.ndarray, name: str = "image") -> np.ndarray:
    """Return an array of pixels as uint8 RGB (h, w, 3) or grey (h, w).

    Parameters
    ----------
    array : ndarray of shape (h, w), (h, w, 1), (h, w, 2), (h, w, 3) or (h, w, 4)
        uint8; uint16 (divided by 257); float in [0, 1] (multiplied by 255); bool (0 and 255). The
        results are rounded. The last channel of 2 or 4 is alpha, laid over white.
    name : str, default="image"
        How messages call the image.

    Returns
    -------
    ndarray of shape (h, w, 3) or (h, w), uint8
        The array itself where nothing had to change.

    Raises
    ------
    ImageError
        For any other shape, dtype or range of values.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (2, 3, 4)):
        raise ImageError(
            f"{name}: found an array of shape {array.shape}, expected (height, width) or "
            "(height, width, channels) with 1 to 4 channels last; reshape or transpose it."
        )
    if array.size == 0:
        raise ImageError(f"{name}: found no pixels (shape {array.shape}), expected at least one.")
    array = _scaled(array, name)
    return _over_white(array) if array.ndim == 3 and array.shape[2] in (2, 4) else array


def _scaled(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.itemsize == 2:  # either byte order
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if array.dtype.kind != "f":
        raise ImageError(
            f"{name}: found dtype {array.dtype}, expected uint8, uint16, bool or float in [0, 1]; "
            "if the values lie in 0..255, convert with .astype(numpy.uint8)."
        )
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(
            f"{name}: found NaN or infinite values, expected float in [0, 1]; "
            "replace them, for example with numpy.nan_to_num."
        )
    if low < 0 or high > 1:
        raise ImageError(
            f"{name}: found float values from {low:g} to {high:g}, expected [0, 1]; "
            f"divide by the largest possible value, or use .astype(numpy.uint8) for 0..255."
        )
    return np.rint(array * 255.0).astype(np.uint8)


def _over_white(array: np.ndarray) -> np.ndarray:
    colour, alpha = array[..., :-1].astype(np.uint32), array[..., -1:].astype(np.uint32)
    blended = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    blended = blended.astype(np.uint8)
    return blended[..., 0] if blended.shape[2] == 1 else blended
