"""Dedupe with the decoder of ingest, which stands above it."""

from pathlib import Path

from PIL import Image

from lowdiff.ingest.decode import decode, sniff_format
from lowdiff.ingest.folder import read_path
from lowdiff.ingest.limits import Limits
from lowdiff.settings import load_settings


def decode_original(body: bytes, image_format: str, item: str) -> Image.Image:
    """Upright RGBA pixels of an original that ingest has accepted.

    Raises:
        InputError: the bytes are broken.
    """
    return decode(body, image_format, item=item)


def read_file(path: Path) -> Image.Image:
    """The same for a file of anybody, with the limits that ingest has.

    Raises:
        InputError: it is no image, is broken or beyond the limits.
    """
    limits = Limits.of(load_settings())
    body = read_path(path, limits=limits)
    image_format = sniff_format(body, item=str(path))
    return decode(body, image_format, item=str(path), limits=limits)
