"""What every engine is: pixels in, words out, each with its box, confidence, and who read it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from PIL import Image

Box = tuple[float, float, float, float]
"""x, y, width, height; upright, in pixels, the origin at the top left."""


@dataclass(frozen=True)
class RawWord:
    """A word as an engine reports it; the box is in pixels of the image it was given."""

    text: str
    confidence: float
    """In [0, 1]; the engine's own opinion, not calibrated."""
    box: Box
    line: tuple[int, int, int]
    """Block, paragraph and line numbers of the engine; sorts in reading order."""
    engine: str = "tesseract"
    rotation: float = 0.0
    """Degrees by which the line of writing is turned clockwise, in (-180, 180]."""


class Engine(Protocol):
    """A reader of prepared images; it lives in one thread at a time."""

    @property
    def name(self) -> str:
        """As in `ocr_engines`."""

    @property
    def version(self) -> str:
        """Of the engine and its models: another version may read another text."""

    def read(self, image: Image.Image, *, mode: int, item: str) -> list[RawWord]:
        """Read one image.

        Args:
            image: L or RGB.
            mode: what the engine's own module says of it.
            item: id or path for messages.

        Raises:
            InputError: the engine hung or crashed on this image.
        """


def moved(
    words: Sequence[RawWord], *, x: float = 0.0, y: float = 0.0, scale: float = 1.0
) -> list[RawWord]:
    """The words with their boxes shifted by (-x, -y) and then divided by `scale`."""
    return [
        replace(
            word,
            box=(
                (word.box[0] - x) / scale,
                (word.box[1] - y) / scale,
                word.box[2] / scale,
                word.box[3] / scale,
            ),
        )
        for word in words
    ]
