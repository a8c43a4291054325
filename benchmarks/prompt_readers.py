"""Read back what a small brand picture shows: rules on pixels, proven on real renders first.

The readers know the set (its colours, grounds and shapes), never the prompt.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.prompt_pictures import (
    COLOURS,
    GROUNDS,
    SHAPES,
    SIDE_PX,
    STRIPED,
    Design,
)

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
ATTRIBUTES = ("shape", "colour", "count", "place", "ground")
FRAME_PX = 4
LEAST_CHROMA = 28.0
"""In CIELAB: figures have more, grounds and words less."""
LEAST_AREA_PX = 24
SIDE_MARGIN_PX, HEIGHT_MARGIN_PX = 7.5, 12.5
"""Off the middle by more than this is left, right, at the top or at the bottom."""
STRIPED_SPREAD = 9.0
ZOOM = 4
# solidity (area over convex hull), area over the smallest circle around it, area over its box
PROTOTYPES = {
    "circle": (0.99, 0.97, 0.78),
    "square": (0.99, 0.64, 0.98),
    "triangle": (0.99, 0.45, 0.51),
    "star": (0.62, 0.42, 0.46),
    "cross": (0.75, 0.55, 0.58),
}


@dataclass(frozen=True)
class Seen:
    """What the readers say of one picture; `none` where there is no figure."""

    shape: str
    colour: str
    count: int
    place: str
    ground: str

    def get(self, attribute: str) -> str | int:
        """The value of one of `ATTRIBUTES`."""
        value: str | int = getattr(self, attribute)
        return value


def read(pixels: Pixels) -> Seen:
    """Read one RGB picture of `SIDE_PX`."""
    if pixels.shape != (SIDE_PX, SIDE_PX, 3):
        raise ValueError(f"needs ({SIDE_PX}, {SIDE_PX}, 3) pixels, got {pixels.shape}")
    lab = _lab(pixels)
    ground = _ground(lab)
    mask, colour = _figures(lab)
    parts = _components(mask)
    if not parts:
        return Seen("none", "none", 0, "none", ground)
    inside = np.any(parts, axis=0)
    shapes = Counter(_shape(part) for part in parts)
    return Seen(shapes.most_common(1)[0][0], colour, len(parts), _place(inside), ground)


def scores(wanted: Sequence[Design], pictures: Sequence[Pixels]) -> dict[str, tuple[int, int]]:
    """Attribute → (right, all); `all` counts pictures in which every attribute is right."""
    pairs = [(design, read(one)) for design, one in zip(wanted, pictures, strict=True)]
    right = {
        name: [seen.get(name) == getattr(design, name) for design, seen in pairs]
        for name in ATTRIBUTES
    }
    right["all five"] = [all(row) for row in zip(*right.values(), strict=True)]
    return {name: (sum(hits), len(hits)) for name, hits in right.items()}


def by_value(
    wanted: Sequence[Design], pictures: Sequence[Pixels], attribute: str
) -> dict[str, tuple[int, int]]:
    """Value of one attribute → (right, all): which prompts work and which do not."""
    found: dict[str, list[bool]] = {}
    for design, picture in zip(wanted, pictures, strict=True):
        value = getattr(design, attribute)
        found.setdefault(str(value), []).append(read(picture).get(attribute) == value)
    return {value: (sum(hits), len(hits)) for value, hits in sorted(found.items())}


def spelled(
    wanted: Sequence[Design], pictures: Sequence[Pixels], letters: Callable[[Pixels], str]
) -> tuple[int, int, float]:
    """Of the pictures with a word: how many are spelled right, how many there are, and the mean
    error rate."""
    from lowdiff.evaluation.lettering import error_rate

    pairs = [(d, p) for d, p in zip(wanted, pictures, strict=True) if d.word]
    errors = [error_rate(letters(picture), design.word) for design, picture in pairs]
    return sum(error == 0 for error in errors), len(errors), float(np.mean(errors or [0.0]))


def _lab(pixels: Pixels) -> NDArray[np.float32]:
    unit = np.asarray(pixels, dtype=np.float32) / 255
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), dtype=np.float32)


def _ground(lab: NDArray[np.float32]) -> str:
    """By the lightness of the frame: even, or in stripes."""
    frame = np.ones(lab.shape[:2], dtype=bool)
    frame[FRAME_PX:-FRAME_PX, FRAME_PX:-FRAME_PX] = False
    light = lab[..., 0][frame]
    light = light[np.hypot(lab[..., 1], lab[..., 2])[frame] < LEAST_CHROMA]
    if len(light) == 0:
        return "none"
    low, high = np.percentile(light, [20, 80])
    middle = float(np.median(light))
    if high - low > STRIPED_SPREAD and low > 60:
        return STRIPED
    known = {name: float(_lab(_flat(rgb))[0, 0, 0]) for name, rgb in GROUNDS.items()}
    return min(known, key=lambda name: abs(known[name] - middle))


def _figures(lab: NDArray[np.float32]) -> tuple[Mask, str]:
    """Where the figures are, and their colour: that of most pixels with a colour."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    coloured = chroma > LEAST_CHROMA
    if coloured.sum() < LEAST_AREA_PX:
        return coloured, "none"
    tints = {name: _lab(_flat(rgb))[0, 0, 1:] for name, rgb in COLOURS.items()}
    table = np.stack(list(tints.values()))
    table = table / np.linalg.norm(table, axis=1, keepdims=True)
    hue = lab[..., 1:][coloured] / chroma[coloured][:, None]
    votes = np.bincount((hue @ table.T).argmax(1), minlength=len(tints))
    colour = list(tints)[int(votes.argmax())]
    # half way between the ground's lack of colour and the figure's
    full = float(np.linalg.norm(tints[colour]))
    return chroma > max(LEAST_CHROMA, 0.45 * min(full, float(np.percentile(chroma, 99)))), colour


def _components(mask: Mask) -> list[Mask]:
    """Figures that do not touch, without specks."""
    number, names = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    parts = [names == index for index in range(1, number)]
    return [part for part in parts if part.sum() >= LEAST_AREA_PX]


def _shape(part: Mask) -> str:
    """The shape whose proportions are nearest."""
    image = cv2.resize(
        part.astype(np.float32), None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC
    )
    contours, _ = cv2.findContours(
        (image > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    outline = max(contours, key=cv2.contourArea)
    area = max(1.0, float(cv2.contourArea(outline)))
    hull = float(cv2.contourArea(cv2.convexHull(outline)))
    _, radius = cv2.minEnclosingCircle(outline)
    _, _, wide, high = cv2.boundingRect(outline)
    found = np.array([area / max(hull, 1.0), area / (np.pi * radius**2), area / (wide * high)])
    return min(SHAPES, key=lambda name: float(np.abs(found - PROTOTYPES[name]).sum()))


def _place(mask: Mask) -> str:
    rows, columns = np.nonzero(mask)
    across = (columns.min() + columns.max()) / 2 - (SIDE_PX - 1) / 2
    down = (rows.min() + rows.max()) / 2 - (SIDE_PX - 1) / 2
    if abs(across) > SIDE_MARGIN_PX:
        return "left" if across < 0 else "right"
    if abs(down) > HEIGHT_MARGIN_PX:
        return "top" if down < 0 else "bottom"
    return "centre"


def _flat(rgb: tuple[int, int, int]) -> Pixels:
    return np.full((1, 1, 3), rgb, dtype=np.uint8)
