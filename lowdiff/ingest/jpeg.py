"""Plain JPEGs straight into rows of RGB, which saves Pillow's four bytes a pixel and two copies."""

from typing import TYPE_CHECKING

from PIL import Image
from simplejpeg import decode_jpeg

from lowdiff.ingest.pixels import Upright

if TYPE_CHECKING:
    from lowdiff.ingest.pixels import RgbRows


def read_rows(image: Image.Image, upright: Upright, body: bytes) -> "RgbRows | None":
    """The pixels of a JPEG that is sRGB and upright as it is stored.

    They are those that Pillow gives: both decode with libjpeg-turbo, as exactly as it can.

    Args:
        image: the file, opened by Pillow and checked, not loaded.

    Returns:
        None where Pillow must do it: colours or rows have to be changed, or the data are damaged,
        of which it makes the best or says what is wrong.
    """
    if image.format != "JPEG" or image.mode != "RGB" or not upright.is_plain:
        return None
    try:
        pixels: RgbRows = decode_jpeg(body, "RGB")
    except (ValueError, MemoryError):
        return None
    return pixels if pixels.shape == (image.height, image.width, 3) else None
