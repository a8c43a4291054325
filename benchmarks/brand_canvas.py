"""A picture in the making: figures are put on it, and what they take is remembered."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.brand_figures import Figure
from benchmarks.brand_grounds import Ground
from benchmarks.brand_paints import Paint
from benchmarks.brand_words import Line

Mask = NDArray[np.bool_]
WHITE = Paint("white", (255, 255, 255), 0.0)


@dataclass
class Scene:
    """A picture in the making; `mask` is what its figures take."""

    picture: Image.Image
    ground: Ground
    mask: Mask
    figures: list[Figure] = field(default_factory=list)
    figure_boxes: list[tuple[int, int, int, int]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    logo_box: tuple[int, int, int, int] | None = None
    paints: dict[Paint, float] = field(default_factory=dict)
    """Pixels of each paint in the figures; in the words where there is no figure."""


def place(
    scene: Scene, figure: Figure, centre: tuple[int, int], *, rim: bool, shadow: bool
) -> None:
    """Paste a figure around a point: shadow first, then a sticker's rim, then the figure."""
    height, width = scene.mask.shape
    px = figure.rgba.shape[0]
    corner = centre[0] - px // 2, centre[1] - px // 2
    layer = Image.new("RGBA", (width, height))
    layer.paste(Image.fromarray(figure.rgba), corner)
    whole = Image.new("L", (width, height))
    whole.paste(Image.fromarray(figure.silhouette.astype(np.uint8) * 255), corner)
    mask = np.array(whole) > 0
    if rim:
        reach = 2 * max(3, round(px * 0.03)) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        wide = cv2.dilate(np.where(mask, 255, 0).astype(np.uint8), kernel)
        wide = cv2.GaussianBlur(wide, (0, 0), 0.8)
        scene.paints[WHITE] = scene.paints.get(WHITE, 0.0) + float(((wide > 127) & ~mask).sum())
        mask = wide > 127
        shadow_of(scene, wide, max(2, px // 60))
        paper = Image.new("RGBA", (width, height), (255, 255, 255, 255))
        paper.putalpha(Image.fromarray(wide))
        scene.picture.alpha_composite(paper)
    elif shadow:
        shadow_of(scene, np.where(mask, 255, 0).astype(np.uint8), max(2, px // 40))
    scene.picture.alpha_composite(layer)
    scene.mask |= mask
    for paint, number in figure.paints.items():
        scene.paints[paint] = scene.paints.get(paint, 0.0) + number
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows):
        scene.figures.append(figure)
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        scene.figure_boxes.append(box)


def shadow_of(scene: Scene, mask: NDArray[np.uint8], reach: int) -> None:
    """A soft shadow of a mask, below and to the right of it."""
    moved = np.roll(mask, (reach, reach // 2), axis=(0, 1))
    moved[:reach] = 0
    soft = cv2.GaussianBlur(moved, (0, 0), reach)
    dark = Image.new("RGBA", scene.picture.size, (0, 0, 0, 255))
    dark.putalpha(Image.fromarray((soft * 0.35).astype(np.uint8)))
    scene.picture.alpha_composite(dark)
