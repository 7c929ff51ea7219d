"""The one door for images: sequences, decoding, folders, preprocessing, the error policy."""

from classicvis.images._decode import as_uint8, read_image
from classicvis.images._files import find_images
from classicvis.images._folder import ImageFolder, load_image_folder
from classicvis.images._geometry import Fill, fill_value
from classicvis.images._preprocess import STEPS, AddBorder, make_step
from classicvis.images._sequence import ImageSequence, OnError, Step, Unreadable, as_images
from classicvis.images._stream import (
    Chunk,
    Images,
    Progress,
    current_progress,
    read_chunk,
    show_progress,
    stream,
)
from classicvis.images._tags import take_images
from classicvis.images._transformer import ImagePreprocessor
from classicvis.images._warp import Deskew, RelativeCrop, Warp

__all__ = [
    "STEPS",
    "AddBorder",
    "Chunk",
    "Deskew",
    "Fill",
    "ImageFolder",
    "ImagePreprocessor",
    "ImageSequence",
    "Images",
    "OnError",
    "Progress",
    "RelativeCrop",
    "Step",
    "Unreadable",
    "Warp",
    "as_images",
    "as_uint8",
    "current_progress",
    "fill_value",
    "find_images",
    "load_image_folder",
    "make_step",
    "read_chunk",
    "read_image",
    "show_progress",
    "stream",
    "take_images",
]
