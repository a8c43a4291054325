"""Where things stand in the pictures that a brand team makes: one function for each kind.

Slots are in shares of the picture; a figure's side is a share of the shorter side.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

Slot = tuple[float, float, float]
"""x and y of the middle, and the side."""


@dataclass(frozen=True)
class Plan:
    """What a kind of picture consists of."""

    figures: list[Slot] = field(default_factory=list)
    text: tuple[float, float, float, float] | None = None
    """left, top, right, bottom"""
    words: str = "head"
    """What is written: `head`, `sale`, `price`, `quote`, `caption` or `none`."""
    order: str | None = None
    """`grid`, `scattered` or `full-bleed` where it is meant; else the mass decides."""
    logo: tuple[float, float] | None = (0.05, 0.93)
    """Left and middle of a small mark."""
    rim: bool = False
    """A sticker's white rim."""
    subject: str = "figures"
    """What the picture is about: `figures`, `words`, `ground` or `mark`."""


Make = Callable[[random.Random, float], Plan]
"""(dice, width / height) → plan"""


def _post(dice: random.Random, _: float) -> Plan:
    side = dice.uniform(0.42, 0.72)
    choice = dice.random()
    if choice < 0.5:
        return Plan(
            [(0.5, dice.uniform(0.4, 0.45), side)], (0.08, 0.78, 0.92, 0.9), logo=(0.06, 0.06)
        )
    x = dice.uniform(0.24, 0.31)
    text = (0.52, 0.25, 0.95, 0.75) if choice < 0.75 else (0.05, 0.25, 0.48, 0.75)
    return Plan([(x if choice < 0.75 else 1 - x, 0.5, min(side, 0.48))], text)


def _banner(dice: random.Random, aspect: float) -> Plan:
    side = dice.uniform(0.55, 0.86)
    x = max(0.55 * side / aspect, dice.uniform(0.12, 0.26))
    on_left = dice.random() < 0.5
    text = (0.45, 0.18, 0.95, 0.72) if on_left else (0.05, 0.18, 0.55, 0.72)
    logo = (0.82, 0.88) if on_left else (0.05, 0.88)
    return Plan([(x if on_left else 1 - x, 0.5, side)], text, logo=logo)


def _icon(dice: random.Random, _: float) -> Plan:
    return Plan([(0.5, 0.5, dice.uniform(0.55, 0.97))], words="none", logo=None)


def _sticker(dice: random.Random, _: float) -> Plan:
    return Plan([(0.5, 0.5, dice.uniform(0.7, 0.88))], words="none", rim=True, logo=None)


def _card(dice: random.Random, _: float) -> Plan:
    side = dice.uniform(0.55, 0.9)
    return Plan([(0.5, dice.uniform(0.36, 0.42), side)], (0.1, 0.8, 0.9, 0.93), "price",
                logo=(0.06, 0.05))  # fmt: skip


def _quote(dice: random.Random, _: float) -> Plan:
    left = dice.choice((0.08, 0.14))
    return Plan([], (left, 0.25, 1 - left, 0.75), "quote", subject="words")


def _sale(dice: random.Random, _: float) -> Plan:
    number = dice.randint(3, 6)
    corners = [(0.14, 0.13), (0.86, 0.2), (0.2, 0.84), (0.8, 0.86), (0.52, 0.1), (0.5, 0.9)]
    places = dice.sample(corners, number)
    spots = [(x + dice.uniform(-0.05, 0.05), y + dice.uniform(-0.03, 0.03),
              dice.uniform(0.14, 0.22)) for x, y in places]  # fmt: skip
    return Plan(spots, (0.12, 0.33, 0.88, 0.67), "sale", "scattered", logo=(0.03, 0.5))


def _grid(dice: random.Random, aspect: float) -> Plan:
    shapes = ((2, 2), (3, 2), (3, 3), (4, 3), (3, 1), (2, 3))
    columns, rows = dice.choice(
        shapes if aspect < 1.5 else ((3, 1), (4, 1), (4, 2), (6, 2), (5, 1))
    )
    with_text = rows < 3 and dice.random() < 0.6
    bottom = 0.78 if with_text else 0.96
    across, down = 0.92 / columns, (bottom - 0.04) / rows
    side = dice.uniform(0.66, 0.88) * min(across * aspect, down) / min(aspect, 1)
    spots = [(0.04 + across * (c + 0.5), 0.04 + down * (r + 0.5), side)
             for r in range(rows) for c in range(columns)]  # fmt: skip
    text = (0.3, 0.82, 0.9, 0.95) if with_text else None
    return Plan(spots, text, "head" if with_text else "none", "grid",
                logo=(0.04, 0.9) if with_text else None)  # fmt: skip


def _scatter(dice: random.Random, aspect: float) -> Plan:
    wanted, spots = dice.randint(3, 12), list[Slot]()
    largest = 0.3 if wanted < 7 else 0.2
    wide, high = max(aspect, 1.0), max(1 / aspect, 1.0)
    for _ in range(400):
        side = dice.uniform(0.7, 1.0) * largest
        x, y = dice.uniform(side / 2, wide - side / 2), dice.uniform(side / 2, high - side / 2)
        apart = all(math.hypot(x - ox * wide, y - oy * high) > 0.62 * (side + other) + 0.04
                    for ox, oy, other in spots)  # fmt: skip
        if apart:
            spots.append((x / wide, y / high, side))
        if len(spots) == wanted:
            break
    return Plan(spots, None, "none", "scattered" if len(spots) > 2 else None, logo=None)


def _cover(dice: random.Random, aspect: float) -> Plan:
    side = dice.uniform(1.75, 2.3) * max(aspect, 1 / aspect)
    return Plan(
        [(0.5 + dice.uniform(-0.03, 0.03), 0.5, side)], None, "none", "full-bleed", logo=None
    )


def _scene(dice: random.Random, _: float) -> Plan:
    if dice.random() < 0.6:
        return Plan([], (0.08, 0.3, 0.92, 0.7), subject="words")
    return Plan([], None, "none", subject="ground")


def _swatch(dice: random.Random, _: float) -> Plan:
    return Plan([], None, "none", logo=None, subject="ground")


def _wordmark(dice: random.Random, _: float) -> Plan:
    return Plan([], None, "none", logo=None, subject="mark")


def _event(dice: random.Random, _: float) -> Plan:
    """Held out: a poster with the figure at the top or at the bottom."""
    side, top = dice.uniform(0.5, 0.75), dice.random() < 0.5
    y = dice.uniform(0.24, 0.3)
    text = (0.08, 0.56, 0.92, 0.9) if top else (0.08, 0.08, 0.92, 0.42)
    return Plan([(0.5, y if top else 1 - y, side)], text, logo=(0.06, 0.95 if top else 0.05))


def _duo(dice: random.Random, _: float) -> Plan:
    """Held out: two or three products side by side."""
    number = dice.choice((2, 2, 3))
    side = dice.uniform(0.24, 0.28) if number == 3 else dice.uniform(0.32, 0.4)
    y = dice.uniform(0.42, 0.5)
    spots = [((i + 0.5) / number, y, side) for i in range(number)]
    return Plan(spots, (0.1, 0.75, 0.9, 0.93), "price", "grid" if number == 3 else None)


def _corner(dice: random.Random, _: float) -> Plan:
    """Held out: a large figure that the picture's corner cuts off."""
    x, y = dice.choice((0.2, 0.8)), dice.choice((0.2, 0.8))
    text = (0.5 if x < 0.5 else 0.06, 0.66 if y < 0.5 else 0.08, 0.94 if x < 0.5 else 0.5,
            0.92 if y < 0.5 else 0.34)  # fmt: skip
    return Plan([(x, y, dice.uniform(0.75, 1.1))], text, logo=(0.06 if x > 0.5 else 0.8, 0.5))


LANDSCAPE, SQUARE, PORTRAIT = (
    ((1080, 360), (960, 480), (728, 300), (1024, 512)),
    ((1080, 1080), (800, 800), (600, 600), (512, 512)),
    ((864, 1080), (600, 800), (540, 960), (420, 594)),
)
SMALL = ((256, 256), (320, 320), (512, 512))
KINDS: dict[str, tuple[Make, tuple[tuple[int, int], ...], int]] = {
    "post": (_post, SQUARE + PORTRAIT, 5),
    "banner": (_banner, LANDSCAPE, 5),
    "icon": (_icon, SMALL, 5),
    "sticker": (_sticker, SMALL, 3),
    "card": (_card, SQUARE + PORTRAIT, 4),
    "quote": (_quote, SQUARE + PORTRAIT, 3),
    "sale": (_sale, SQUARE, 3),
    "grid": (_grid, SQUARE + LANDSCAPE, 4),
    "scatter": (_scatter, SQUARE + LANDSCAPE, 3),
    "cover": (_cover, SQUARE + PORTRAIT, 3),
    "scene": (_scene, SQUARE + LANDSCAPE, 2),
    "swatch": (_swatch, SMALL, 1),
    "wordmark": (_wordmark, SMALL + LANDSCAPE, 2),
    "event": (_event, PORTRAIT, 3),
    "duo": (_duo, SQUARE, 2),
    "corner": (_corner, SQUARE + LANDSCAPE, 2),
}
"""Kind → its plan, its sizes in pixels, and how often brands make it."""
HELD_OUT = ("event", "duo", "corner")
"""Kinds that nothing may be tuned on."""
