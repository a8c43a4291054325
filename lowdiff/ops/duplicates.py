"""Dedupe with the decoder of ingest, which stands above it."""

from PIL import Image

from lowdiff.ingest.decode import decode


def decode_original(body: bytes, image_format: str, item: str) -> Image.Image:
    """Upright RGBA pixels of an original that ingest has accepted.

    Raises:
        InputError: the bytes are broken.
    """
    return decode(body, image_format, item=item)
