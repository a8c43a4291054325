"""Images that stand on their head or on their side, and the way back for their words."""

from dataclasses import replace

from PIL import Image

from lowdiff.ocr.engine import RawWord

TURNS = (180, 90, 270)
"""Degrees by which a page that reads badly is turned, the most frequent accident first."""
_TURN = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns the other way round
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


def turned(image: Image.Image, degrees: int) -> Image.Image:
    """The image turned clockwise by 90, 180 or 270 degrees."""
    return image.transpose(_TURN[degrees])


def turn_back(word: RawWord, degrees: int, size_px: tuple[int, int]) -> RawWord:
    """A word of the image turned by `degrees`, in pixels of the straight image.

    Args:
        size_px: width and height of the straight image.
    """
    x, y, width, height = word.box
    if degrees == 180:
        box = (size_px[0] - x - width, size_px[1] - y - height, width, height)
    elif degrees == 90:  # its x runs up the straight image
        box = (y, size_px[1] - x - width, height, width)
    else:
        box = (size_px[0] - y - height, x, height, width)
    angle = (word.rotation - degrees) % 360
    return replace(word, box=box, rotation=angle - 360 if angle > 180 else angle)
