"""The one door for images: sequences, decoding, folders, preprocessing, the error policy."""

from classicvis.images._decode import Preview, as_uint8, file_bytes, read_image, read_preview
from classicvis.images._files import find_images, is_hidden
from classicvis.images._folder import ImageFolder, find_image_folder, load_image_folder
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
    "Preview",
    "Progress",
    "RelativeCrop",
    "Step",
    "Unreadable",
    "Warp",
    "as_images",
    "as_uint8",
    "current_progress",
    "file_bytes",
    "fill_value",
    "find_image_folder",
    "find_images",
    "is_hidden",
    "load_image_folder",
    "make_step",
    "read_chunk",
    "read_image",
    "read_preview",
    "show_progress",
    "stream",
    "take_images",
]
