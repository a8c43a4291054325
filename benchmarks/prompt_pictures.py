"""Small brand pictures of which everything is known: shape, colour, number, place, ground, word.

64 pixels a side, drawn four times larger and averaged. Figures have one of five colours, the ground
is black, grey, white or striped, so that colour alone tells figures from the ground and from words.
"""

import io
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

from benchmarks.brand_words import font

SIDE_PX, TIMES = 64, 4
COLOURS = {
    "red": (214, 40, 48),
    "blue": (36, 84, 200),
    "green": (40, 150, 72),
    "yellow": (245, 200, 30),
    "purple": (140, 60, 170),
}
GROUNDS = {"white": (255, 255, 255), "black": (16, 16, 16), "grey": (150, 150, 150)}
STRIPED, STRIPE_PX = "striped", 8
STRIPES = ((255, 255, 255), (196, 196, 196))
SHAPES = ("circle", "square", "triangle", "star", "cross")
PLACES = {
    "centre": ("in the middle", 32, 32),
    "left": ("on the left", 17, 32),
    "right": ("on the right", 47, 32),
    "top": ("at the top", 32, 16),
    "bottom": ("at the bottom", 32, 48),
}
IN_ROWS = ("centre", "top", "bottom")
NUMBERS = {1: "A", 2: "Two", 3: "Three"}
RADIUS = {1: (11.0, 13.0), 2: (9.5, 10.5), 3: (8.0, 9.0)}
WORDS = ("SALE", "NEW", "OPEN", "YES", "TOP", "FREE")
WORD_TOP_PX, WORD_HIGH_PX = 45, 18
FACE = "DejaVuSans-Bold"
WORD_PLACES = ("left", "centre", "right")
WORD_CENTRE_PX = 23
"""Where figures stand above a word."""


@dataclass(frozen=True)
class Design:
    """What one picture shows."""

    shape: str
    colour: str
    count: int
    place: str
    ground: str
    word: str = ""

    @property
    def caption(self) -> str:
        """What a person would say of it."""
        figures = f"{NUMBERS[self.count]} {self.colour} {self.shape}" + plural(self)
        ground = f"a {self.ground} background"
        words = f', with the word "{self.word}"' if self.word else ""
        return f"{figures} {PLACES[self.place][0]} on {ground}{words}."


def plural(design: Design) -> str:
    """The ending of several."""
    if design.count == 1:
        return ""
    return "es" if design.shape == "cross" else "s"


def designs(*, words: bool = True) -> list[Design]:
    """Every design there is, in a fixed order."""
    return list(_designs(words))


def _designs(words: bool) -> Iterator[Design]:
    grounds = (*GROUNDS, STRIPED)
    for shape in SHAPES:
        for colour in COLOURS:
            for ground in grounds:
                for count in NUMBERS:
                    for place in PLACES if count == 1 else IN_ROWS:
                        yield Design(shape, colour, count, place, ground)
                if words and ground != STRIPED:
                    for place in WORD_PLACES:
                        for word in WORDS:
                            yield Design(shape, colour, 1, place, ground, word)


def is_held_out(design: Design) -> bool:
    """One combination of shape, colour and ground in seven is never trained on; every value of each
    is in the others."""
    at = SHAPES.index(design.shape) * 3 + list(COLOURS).index(design.colour) * 5
    at += (*GROUNDS, STRIPED).index(design.ground) * 2
    return at % 7 == 0


def render(design: Design, dice: random.Random) -> Image.Image:
    """Draw it, with a little of its own in size and place."""
    big = SIDE_PX * TIMES
    image = Image.new("RGB", (big, big), GROUNDS.get(design.ground, STRIPES[0]))
    pen = ImageDraw.Draw(image)
    if design.ground == STRIPED:
        for start in range(0, big, 2 * STRIPE_PX * TIMES):
            pen.rectangle((start, 0, start + STRIPE_PX * TIMES - 1, big), fill=STRIPES[1])
    _, x, y = PLACES[design.place]
    y = WORD_CENTRE_PX if design.word else y
    radius = dice.uniform(*RADIUS[design.count])
    x, y = x + dice.uniform(-1.5, 1.5), y + dice.uniform(-1.5, 1.5)
    step = 2 * radius + 2.5
    for index in range(design.count):
        centre = x + (index - (design.count - 1) / 2) * step
        _figure(pen, design.shape, centre, y, radius, COLOURS[design.colour])
    if design.word:
        _word(pen, design, dice)
    return image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)


def png_of(image: Image.Image) -> bytes:
    """The file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _figure(
    pen: ImageDraw.ImageDraw, shape: str, x: float, y: float, radius: float, colour: tuple[int, ...]
) -> None:
    def at(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(TIMES * (x + radius * a), TIMES * (y + radius * b)) for a, b in points]

    if shape == "circle":
        pen.ellipse([*at([(-1, -1)])[0], *at([(1, 1)])[0]], fill=colour)
    elif shape == "square":
        pen.rectangle([*at([(-0.88, -0.88)])[0], *at([(0.88, 0.88)])[0]], fill=colour)
    elif shape == "triangle":
        pen.polygon(at([(0, -1), (1, 0.85), (-1, 0.85)]), fill=colour)
    elif shape == "cross":
        arm = 0.34
        for wide, high in ((1.0, arm), (arm, 1.0)):
            pen.rectangle([*at([(-wide, -high)])[0], *at([(wide, high)])[0]], fill=colour)
    else:
        corners = [
            (math.sin(k * math.pi / 5) * r, -math.cos(k * math.pi / 5) * r)
            for k in range(10)
            for r in [1.08 if k % 2 == 0 else 0.45]
        ]
        pen.polygon(at(corners), fill=colour)


def _word(pen: ImageDraw.ImageDraw, design: Design, dice: random.Random) -> None:
    letters = font(FACE, WORD_HIGH_PX * TIMES)
    ink = (255, 255, 255) if design.ground == "black" else (16, 16, 16)
    middle = (SIDE_PX / 2 + dice.uniform(-1, 1), WORD_TOP_PX + WORD_HIGH_PX / 2 - 1)
    pen.text(
        (middle[0] * TIMES, middle[1] * TIMES), design.word, fill=ink, font=letters, anchor="mm"
    )
