"""What every engine is: pixels in, words out, each with its box, confidence, and who read it."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from PIL import Image

from lowdiff.errors import InputError

Box = tuple[float, float, float, float]
"""x, y, width, height; upright, in pixels, the origin at the top left."""
TIMEOUT, CRASHED = "ocr_timeout", "ocr_crashed"
"""Reasons of refusals that may not come again: by another engine, or with more time."""


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
        """`tesseract` or `rapidocr`: the plan and the calibration know these."""

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


class StoppableEngine(Protocol):
    """An engine that can be stopped, because it works in another process."""

    @property
    def name(self) -> str:
        """As for `Engine`."""

    @property
    def version(self) -> str:
        """As for `Engine`."""

    def read(
        self, image: Image.Image, *, mode: int, item: str, timeout_s: float = math.inf
    ) -> list[RawWord]:
        """As for `Engine`; stopped after `timeout_s`, or earlier by its own limit."""


@dataclass(frozen=True)
class ForOneImage:
    """An engine whose readings of one image must end before the image's deadline."""

    engine: StoppableEngine
    deadline: float
    """As `time.monotonic` counts."""

    @property
    def name(self) -> str:
        """Of the engine."""
        return self.engine.name

    @property
    def version(self) -> str:
        """Of the engine."""
        return self.engine.version

    def read(self, image: Image.Image, *, mode: int, item: str) -> list[RawWord]:
        """As the engine does, as long as there is time.

        Raises:
            InputError: the time is up, or the engine hung or crashed on this image.
        """
        try:
            left_s = self.deadline - time.monotonic()
            if left_s > 0:
                return self.engine.read(image, mode=mode, item=item, timeout_s=left_s)
        except InputError as refusal:
            if refusal.reason != TIMEOUT or time.monotonic() < self.deadline:
                raise
        raise InputError(
            item,
            "all readings of it together took too long",
            reason=TIMEOUT,
            do="Raise ocr_image_timeout_s and run `lowdiff ocr --retry`.",
        )


def hung(item: str, engine: str, after_s: float) -> InputError:
    """The refusal of an image on which an engine was stopped."""
    return InputError(
        item,
        f"{engine} took longer than {after_s:.3g} s and was stopped",
        reason=TIMEOUT,
        do="Raise ocr_timeout_s and run `lowdiff ocr --retry`.",
    )


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
