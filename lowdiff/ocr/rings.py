"""Writing around a circle, as on stamps, seals and badges: the ring is unrolled and read as lines.

The ring is unrolled twice, one strip above the other: with its outer edge up and clockwise, for
letters above the middle that stand on their circle, and with its inner edge up and the other way
round, for letters below the middle whose feet point outwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lowdiff.ocr import choose
from lowdiff.ocr.engine import Engine, RawWord
from lowdiff.ocr.layout import in_reading_order
from lowdiff.ocr.merge import group_words, overlaps
from lowdiff.ocr.prepare import prepare_colours
from lowdiff.ocr.strays import without_edge_signs

ROUND = 1.2
"""The content's longer side is at most so many times the shorter one: a circle fills its box."""
CORNER_SHARE = 0.02
"""A circle leaves the corners of its box empty, but for so much of them …"""
RIM, RIM_SHARE = 0.93, 0.8
"""… and is drawn beyond so many radii in so much of all directions; hexagons are not."""
MIN_RADIUS_PX = 60
INNER, OUTER = 0.42, 1.04
"""What is unrolled, in radii."""
AT = 0.78
"""Where writing mostly stands: there the strip is as wide as the ring is long."""
STRIP_RADIUS_PX = (150, 300)
"""Smaller and larger rings are scaled to these, so that their letters have a readable height."""
REACH_DEG = 135
"""How far to both sides of its middle a ring is unrolled."""
STANDING_DEG, HANGING_DEG = 115, 95
"""How far from the highest and from the lowest point the middle of a word may lie: beyond, it is
upside down, which the engine reads as well, but with its letters' boxes in the wrong order."""
SEARCH_PX = 1280
CONFIDENCE = 0.8
"""Of a word of the ring: round drawings unroll to something like letters too."""
FEWEST = 3
"""Letters of a word."""
SAME_PLACE = 0.35
"""Words are at one place when they share so much of the smaller one's box."""
BAND = 0.5
"""Words whose middle is further out than so many radii may be the ring's."""
SCRAP = 0.5
"""Of them, those that the straight looks are less sure of go when the ring's words are better."""
CONTRAST = 24
"""Levels by which content differs from the ground at the border."""


@dataclass(frozen=True)
class Ring:
    """A circle in pixels of some image."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class RingReading:
    """What PP-OCR read around a ring, in pixels of the decoded image."""

    ring: Ring
    words: tuple[RawWord, ...]

    def instead_of(
        self, seen: Sequence[RawWord], lines: Sequence[RawWord]
    ) -> tuple[list[RawWord], list[RawWord]]:
        """PP-OCR's and Tesseract's straight readings, with the ring's own words where better."""
        outer = [word for word in seen if self._is_outside(word)]
        better: list[RawWord] = []
        worse: list[RawWord] = []
        for group in group_words(self.words, outer):
            if _letters_sure(group.lead) > _letters_sure(group.other):
                better += group.lead
                worse += group.other
        if not better:
            return list(seen), list(lines)
        # a straight look at the ring tears pieces out of its words
        scraps = [word for word in outer if word.confidence < SCRAP]
        kept = [word for word in seen if word not in worse and word not in scraps]
        others = [word for word in lines if not self._is_outside(word) or not _is_at(word, better)]
        return [*kept, *better], others

    def in_order(self, words: Sequence[RawWord]) -> list[RawWord]:
        """First the upper arc, then what stands in the middle, then the lower arc."""
        around = [word for word in words if self._is_outside(word) and _is_at(word, self.words)]
        middle = in_reading_order([word for word in words if word not in around])
        upper = sorted((word for word in around if abs(self._angle(word)) <= 90), key=self._angle)
        lower = [word for word in around if word not in upper]
        lower.sort(key=lambda word: -(self._angle(word) % 360))
        last = max((word.line[0] for word in middle), default=0)
        return [
            *(replace(word, line=(0, 0, 0)) for word in upper),
            *(replace(word, line=(word.line[0] + 1, 0, word.line[2] + 1)) for word in middle),
            *(replace(word, line=(last + 2, 0, len(middle) + 1)) for word in lower),
        ]

    def _is_outside(self, word: RawWord) -> bool:
        return math.hypot(*self._from_middle(word)) > BAND * self.ring.radius

    def _angle(self, word: RawWord) -> float:
        """Of a word's middle, in degrees clockwise from the top, in (-180, 180]."""
        x, y = self._from_middle(word)
        return math.degrees(math.atan2(x, -y))

    def _from_middle(self, word: RawWord) -> tuple[float, float]:
        x, y, width, height = word.box
        return x + width / 2 - self.ring.x, y + height / 2 - self.ring.y


def read_ring(rgba: Image.Image, engine: Engine, *, item: str) -> RingReading | None:
    """What is written around the circle that the content of an image makes, if it makes one.

    Args:
        rgba: decoded pixels, mode RGBA.
        engine: PP-OCR; Tesseract sees next to nothing in unrolled rings.

    Raises:
        InputError: the engine hung or crashed on it.
    """
    prepared = prepare_colours(rgba)
    pixels = np.asarray(prepared.image)
    ring = find_ring(pixels)
    if ring is None:
        return None
    strip = _Strip(ring)
    said = engine.read(Image.fromarray(strip.unrolled(pixels)), mode=SEARCH_PX, item=item)
    found = [
        strip.on_the_ring(word)
        for word in without_edge_signs(said)
        if word.confidence >= CONFIDENCE and choose.letters(word.text) >= FEWEST
    ]
    kept = _once([word for word in found if word is not None])
    if not kept:
        return None
    x, y, radius, _ = prepared.box_in_decoded((ring.x, ring.y, ring.radius, 0))
    words = (replace(word, box=prepared.box_in_decoded(word.box)) for word in kept)
    return RingReading(Ring(x, y, radius), tuple(words))


def find_ring(rgb: NDArray[np.uint8]) -> Ring | None:
    """The circle that the content of a picture fills, if it does.

    Args:
        rgb: (height, width, 3), with some plain ground around the content.
    """
    edge = rgb[0, 0].astype(np.int16)
    drawn = (np.abs(rgb.astype(np.int16) - edge) > CONTRAST).any(axis=2)
    columns, rows = np.flatnonzero(drawn.any(axis=0)), np.flatnonzero(drawn.any(axis=1))
    if not columns.size:
        return None
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    width, height = int(right - left), int(bottom - top)
    radius = max(width, height) / 2
    if max(width, height) > ROUND * min(width, height) or radius < MIN_RADIUS_PX:
        return None
    ring = Ring((left + right) / 2, (top + bottom) / 2, radius)
    y, x = np.mgrid[top:bottom, left:right]
    beyond = np.hypot(x + 0.5 - ring.x, y + 0.5 - ring.y) > OUTER * radius
    if drawn[top:bottom, left:right][beyond].mean() > CORNER_SHARE:
        return None
    return ring if _rim_share(drawn[top:bottom, left:right], radius) >= RIM_SHARE else None


def _rim_share(drawn: NDArray[np.bool_], radius: float) -> float:
    """In how many of all directions something is drawn near the circle."""
    rows, columns = np.nonzero(drawn)
    x, y = columns + 0.5 - drawn.shape[1] / 2, rows + 0.5 - drawn.shape[0] / 2
    at_rim = np.hypot(x, y) >= RIM * radius
    directions = np.floor(np.degrees(np.arctan2(y[at_rim], x[at_rim])) / 5)
    return len(np.unique(directions)) / 72


@dataclass(frozen=True)
class _Strip:
    """Two unrolled rings, one above the other."""

    ring: Ring

    @property
    def scale(self) -> float:
        """Pixels of the strip for one of the picture, along the radius."""
        low, high = STRIP_RADIUS_PX
        return min(max(self.ring.radius, low), high) / self.ring.radius

    @property
    def height(self) -> int:
        """Of one of the two, in pixels."""
        return math.ceil((OUTER - INNER) * self.ring.radius * self.scale)

    @property
    def turn_px(self) -> float:
        """Length of a whole turn, in pixels."""
        return 2 * math.pi * AT * self.ring.radius * self.scale

    def unrolled(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The ring as standing letters see it, above the ring as hanging letters see it."""
        width = round(self.turn_px * 2 * REACH_DEG / 360)
        across, down = np.meshgrid(np.arange(width) + 0.5, np.arange(2 * self.height) + 0.5)
        x, y = self._at(across, down)
        return np.asarray(
            cv2.remap(
                rgb,
                x.astype(np.float32) - 0.5,
                y.astype(np.float32) - 0.5,
                cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )

    def on_the_ring(self, word: RawWord) -> RawWord | None:
        """A word of the strip with its box and turn in the picture; None when it is upside down."""
        x, y, width, height = word.box
        hangs = y + height / 2 >= self.height
        turn = self._degrees(x + width / 2)
        if abs(turn) > (HANGING_DEG if hangs else STANDING_DEG):
            return None
        across = np.linspace(x, x + width, 9)
        xs, ys = self._at(np.concatenate([across, across]), np.repeat([y, y + height], 9))
        box = (float(xs.min()), float(ys.min()), float(np.ptp(xs)), float(np.ptp(ys)))
        return replace(word, box=box, rotation=round(-turn if hangs else turn, 1))

    def _degrees(self, across: float) -> float:
        """Of a place in the strip: from the middle of its writing, rightwards."""
        return across / self.turn_px * 360 - REACH_DEG

    def _at(
        self, across: NDArray[np.float64], down: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where points of the strip lie in the picture."""
        turned = np.radians(across / self.turn_px * 360 - REACH_DEG)
        share = down / self.height
        hangs = share >= 1
        # the outer edge is up for standing letters, down for hanging ones, who go against the clock
        inwards = np.where(hangs, 2 - share, share)
        radius = (OUTER - inwards * (OUTER - INNER)) * self.ring.radius
        angle = np.where(hangs, math.pi - turned, turned)  # clockwise from the top
        return self.ring.x + radius * np.sin(angle), self.ring.y - radius * np.cos(angle)


def _letters_sure(words: Sequence[RawWord]) -> float:
    """Letters, each counted as much as it is sure."""
    return sum(choose.letters(word.text) * word.confidence for word in words)


def _is_at(word: RawWord, places: Sequence[RawWord]) -> bool:
    shares = overlaps([word.box], [place.box for place in places])
    return bool((shares >= SAME_PLACE).any())


def _once(words: Sequence[RawWord]) -> list[RawWord]:
    """Both strips see the sides of the ring: of two words at one place the more upright one."""
    kept: list[RawWord] = []
    for word in sorted(words, key=lambda one: abs(one.rotation)):
        if not _is_at(word, kept):
            kept.append(word)
    return [word for word in words if word in kept]
