"""Things that brands draw, as outlines: each a list of closed polygons in a box of 100 by 100.

The number of a part says which of the figure's three paints it gets.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Part = tuple[Points, int]


def ellipse(x: float, y: float, rx: float, ry: float | None = None, *, turn: float = 0) -> Points:
    """A closed ellipse around (x, y), turned clockwise by degrees."""
    way = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wide, high = rx * np.cos(way), (ry if ry is not None else rx) * np.sin(way)
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return np.stack([x + wide * cos - high * sin, y + wide * sin + high * cos], axis=1)


def poly(*corners: tuple[float, float]) -> Points:
    """Straight lines between corners."""
    return np.array(corners, dtype=np.float64)


def box(x: float, y: float, w: float, h: float, r: float = 0) -> Points:
    """A rectangle with round corners."""
    if r == 0:
        return poly((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    corners = ((x + w - r, y + r, -90), (x + w - r, y + h - r, 0), (x + r, y + h - r, 90),
               (x + r, y + r, 180))  # fmt: skip
    rows = []
    for cx, cy, start in corners:
        way = np.radians(np.linspace(start, start + 90, 8))
        rows.append(np.stack([cx + r * np.cos(way), cy + r * np.sin(way)], axis=1))
    return np.concatenate(rows)


def smooth(*knots: tuple[float, float]) -> Points:
    """A closed curve through knots (Catmull and Rom 1974)."""
    p = np.array(knots, dtype=np.float64)
    before, after, next_ = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    rows = []
    for t in np.linspace(0, 1, 8, endpoint=False):
        rows.append(
            0.5 * (2 * p + (after - before) * t + (2 * before - 5 * p + 4 * after - next_) * t**2
                   + (3 * p - before - 3 * after + next_) * t**3)
        )  # fmt: skip
    return np.stack(rows, axis=1).reshape(-1, 2)


def star(x: float, y: float, out: float, inside: float, tips: int) -> Points:
    """A star; many tips make a badge."""
    way = np.linspace(0, 2 * np.pi, 2 * tips, endpoint=False) - np.pi / 2
    reach = np.where(np.arange(2 * tips) % 2 == 0, out, inside)
    return np.stack([x + reach * np.cos(way), y + reach * np.sin(way)], axis=1)


def _heart() -> Points:
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    wide = 16 * np.sin(t) ** 3
    high = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([50 + wide * 2.9, 46 - high * 2.9], axis=1)


def _flower() -> list[Part]:
    petals = [
        (ellipse(50 + 24 * np.cos(a), 50 + 24 * np.sin(a), 22, 15, turn=float(np.degrees(a))), 0)
        for a in np.linspace(0, 2 * np.pi, 6, endpoint=False)
    ]
    return [*petals, (ellipse(50, 50, 15), 1)]


def _balloon() -> list[Part]:
    return [
        (smooth((50, 3), (78, 20), (80, 45), (58, 70), (50, 74), (42, 70), (20, 45), (22, 20)), 0),
        (poly((42, 74), (58, 74), (56, 80), (44, 80)), 2),
        (box(40, 82, 20, 15, 3), 1),
        (smooth((50, 4), (58, 30), (54, 72), (46, 72), (42, 30)), 1),
    ]


SHAPES: dict[str, list[Part]] = {
    "coffee cup": [(box(16, 32, 56, 52, 14), 0), (ellipse(74, 55, 17, 16), 0),
                   (ellipse(74, 55, 9, 8), 2), (box(16, 32, 54, 12, 5), 1)],
    "leaf": [(smooth((8, 90), (14, 46), (46, 14), (94, 6), (88, 52), (56, 84)), 0),
             (poly((8, 92), (60, 38), (64, 42), (12, 96)), 1)],
    "star": [(star(50, 52, 48, 21, 5), 0)],
    "heart": [(_heart(), 0), (ellipse(32, 32, 7, 5, turn=-40), 1)],
    "cloud": [(smooth((10, 68), (8, 50), (24, 42), (32, 22), (56, 20), (70, 36), (90, 42),
                      (94, 62), (80, 76), (22, 76)), 0)],
    "sun": [(star(50, 50, 48, 32, 12), 1), (ellipse(50, 50, 27), 0)],
    "house": [(box(18, 44, 64, 50), 0), (poly((8, 48), (50, 8), (92, 48)), 1),
              (box(42, 62, 18, 32), 2), (box(24, 56, 13, 13), 2)],
    "tree": [(box(43, 62, 14, 36), 1), (smooth((50, 2), (80, 16), (92, 44), (72, 68), (28, 68),
                                               (8, 44), (20, 16)), 0)],
    "fish": [(smooth((4, 50), (26, 24), (58, 26), (78, 50), (58, 74), (26, 76)), 0),
             (poly((70, 50), (98, 24), (92, 50), (98, 76)), 1), (ellipse(24, 46, 5), 2)],
    "bird": [(smooth((8, 44), (26, 24), (46, 34), (70, 40), (96, 30), (80, 66), (50, 82),
                     (22, 70)), 0), (poly((8, 44), (0, 38), (14, 34)), 1),
             (smooth((38, 46), (66, 46), (82, 58), (56, 68)), 1), (ellipse(24, 38, 3), 2)],
    "bottle": [(box(30, 34, 40, 64, 9), 0), (poly((42, 14), (58, 14), (62, 38), (38, 38)), 0),
               (box(41, 3, 18, 12, 2), 1), (box(30, 54, 40, 26), 2)],
    "gift box": [(box(12, 38, 76, 58, 3), 0), (box(6, 26, 88, 18, 3), 0), (box(42, 26, 16, 70), 1),
                 (ellipse(36, 16, 16, 9, turn=20), 1), (ellipse(64, 16, 16, 9, turn=-20), 1)],
    "rocket": [(smooth((50, 2), (68, 28), (70, 70), (30, 70), (32, 28)), 0),
               (poly((31, 50), (12, 84), (34, 72)), 1), (poly((69, 50), (88, 84), (66, 72)), 1),
               (ellipse(50, 36, 9), 2), (smooth((40, 72), (60, 72), (50, 98)), 2)],
    "balloon": _balloon(),
    "camera": [(box(6, 28, 88, 58, 8), 0), (box(34, 16, 32, 16, 4), 0), (ellipse(50, 57, 23), 1),
               (ellipse(50, 57, 13), 2), (box(76, 36, 11, 7, 2), 2)],
    "phone": [(box(26, 3, 48, 94, 8), 0), (box(31, 12, 38, 70), 1), (ellipse(50, 90, 4), 2)],
    "flower": _flower(),
    "apple": [(smooth((50, 26), (74, 20), (90, 44), (76, 84), (50, 92), (24, 84), (10, 44),
                      (26, 20)), 0), (poly((48, 26), (52, 4), (57, 5), (53, 27)), 2),
              (ellipse(67, 12, 13, 6, turn=-20), 1)],
    "mountain": [(poly((2, 92), (38, 16), (62, 58), (72, 42), (98, 92)), 0),
                 (poly((38, 16), (27, 39), (36, 44), (42, 37), (50, 37)), 1)],
    "umbrella": [(smooth((4, 54), (20, 20), (50, 6), (80, 20), (96, 54), (50, 50)), 0),
                 (box(47, 46, 6, 44), 2), (ellipse(40, 90, 13, 8), 2),
                 (smooth((38, 50), (50, 8), (62, 50)), 1)],
    "bell": [(smooth((50, 6), (72, 22), (78, 62), (90, 80), (10, 80), (22, 62), (28, 22)), 0),
             (ellipse(50, 87, 11, 9), 1), (box(14, 70, 72, 9, 3), 2)],
    "lightbulb": [(smooth((50, 4), (78, 18), (82, 46), (62, 70), (38, 70), (18, 46), (22, 18)), 0),
                  (box(38, 70, 24, 17, 3), 1), (box(43, 88, 14, 8, 3), 2)],
    "envelope": [(box(4, 20, 92, 62, 4), 0), (poly((4, 24), (50, 58), (96, 24), (92, 20),
                                                    (8, 20)), 1)],
    "book": [(box(14, 8, 72, 86, 4), 0), (box(14, 8, 13, 86, 3), 1), (box(38, 24, 36, 14, 2), 2)],
    "shopping bag": [(poly((14, 32), (86, 32), (94, 96), (6, 96)), 0), (ellipse(50, 32, 22, 26), 1),
                     (ellipse(50, 34, 15, 19), 2), (poly((14, 36), (86, 36), (89, 60), (11, 60)),
                                                    0)],
    "key": [(ellipse(26, 50, 23), 0), (ellipse(21, 50, 8), 2), (box(46, 44, 50, 12, 2), 0),
            (box(76, 54, 8, 14), 1), (box(88, 54, 8, 12), 1)],
    "cat": [(poly((16, 44), (14, 4), (44, 26)), 1), (poly((84, 44), (86, 4), (56, 26)), 1),
            (ellipse(50, 56, 40, 36), 0), (ellipse(35, 52, 5, 7), 2), (ellipse(65, 52, 5, 7), 2),
            (poly((44, 66), (56, 66), (50, 73)), 2)],
    "pineapple": [(ellipse(50, 66, 26, 32), 0), (poly((50, 40), (28, 14), (44, 22), (50, 0),
                                                       (56, 22), (72, 14)), 1),
                  (poly((30, 50), (72, 84), (68, 88), (27, 56)), 2)],
    "rosette": [(star(50, 50, 48, 40, 16), 0), (ellipse(50, 50, 32), 1)],
    "lightning bolt": [(poly((58, 2), (16, 56), (44, 56), (36, 98), (84, 38), (54, 38)), 0)],
}  # fmt: skip

MARKS: dict[str, Callable[[], list[Part]]] = {
    "ring": lambda: [(ellipse(50, 50, 48), 0), (ellipse(50, 50, 26), 2)],
    "peak": lambda: [(poly((4, 92), (50, 6), (96, 92)), 0), (poly((30, 92), (50, 54), (70, 92)),
                                                             2)],
    "bars": lambda: [(box(6, 50, 22, 46, 5), 0), (box(39, 26, 22, 70, 5), 0),
                     (box(72, 4, 22, 92, 5), 1)],
    "drop": lambda: [(smooth((50, 2), (84, 58), (66, 94), (34, 94), (16, 58)), 0),
                     (ellipse(50, 66, 16), 2)],
    "shield": lambda: [(poly((8, 8), (92, 8), (88, 58), (50, 98), (12, 58)), 0),
                       (star(50, 46, 28, 12, 5), 1)],
    "petals": lambda: [(ellipse(30, 30, 28), 0), (ellipse(70, 30, 28), 1),
                       (ellipse(30, 70, 28), 1), (ellipse(70, 70, 28), 0)],
    "bolt": lambda: [(box(4, 4, 92, 92, 20), 0), (poly((56, 14), (26, 56), (48, 56), (40, 88),
                                                       (74, 42), (52, 42)), 2)],
    "wave": lambda: [(ellipse(50, 50, 48), 0), (smooth((4, 56), (28, 44), (50, 58), (74, 46),
                                                       (96, 56), (78, 84), (50, 96), (20, 84)),
                                                1)],
    "slash": lambda: [(poly((4, 96), (40, 4), (62, 4), (26, 96)), 0),
                      (poly((46, 96), (82, 4), (98, 4), (62, 96)), 1)],
    "hex": lambda: [(poly((50, 2), (94, 26), (94, 74), (50, 98), (6, 74), (6, 26)), 0),
                    (poly((50, 26), (72, 38), (72, 62), (50, 74), (28, 62), (28, 38)), 2)],
}  # fmt: skip
"""The marks of brands; part 2 is the ground that shows through."""
