"""All measured fields of one picture; pixels in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.measure.background import Background, measure_background
from lowdiff.labels.measure.colour import Floats, name_scores, oklab
from lowdiff.labels.measure.cutout import cut_out
from lowdiff.labels.measure.figure import (
    FigureBox,
    Figures,
    count_of,
    find_figures,
    layout_of,
    size_of,
)
from lowdiff.labels.measure.numbers import numbers_of
from lowdiff.labels.measure.palette import figure_pixels, one_ink, palette_of, saturation_of
from lowdiff.labels.measure.trust import trust

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MEASURED = (
    "background", "background_colour", "layout", "figure_count", "figure_size", "saturation",
    "palette",
)  # fmt: skip
KINDS = ("plain", "gradient", "pattern", "photo", "transparent")
WORD_MARGIN = 0.12
"""Room around a line of words, as a share of its height."""
MARGIN_STEPS = (0.05, 0.15, 0.4)
"""Margins up to these count more: near a bound every bit does."""
HALF = 0.5
"""The ground's colour is a name that takes half of it."""


@dataclass(frozen=True)
class Measures:
    """What was measured of one picture."""

    values: Mapping[str, str | list[str]]
    """Field → value, for every field of MEASURED."""
    confidence: Mapping[str, float]
    evidence: Mapping[str, Mapping[str, float]]
    """Field → the numbers that its confidence was made of."""
    figures: Sequence[FigureBox]
    numbers: Sequence[float]
    """In the order of `numbers.NUMBERS`: what is learned from, beside the values."""


def measure_picture(rgba: Bytes, words: Sequence[FigureBox] = ()) -> Measures:
    """Measure every field of a picture.

    Args:
        rgba: pixels (h, w, 4), best not larger than 256 px.
        words: boxes of the lines that OCR read, in shares of the picture.
    """
    mask = words_mask(rgba.shape[:2], words)
    ground = measure_background(rgba, mask)
    whole, drawn = cut_out(rgba, ground, mask)
    figures = find_figures(whole, has_words=bool(mask.any()))
    values: dict[str, str | list[str]] = {"background": ground.kind}
    margins: dict[str, float] = {}
    if ground.kind == "photo":
        # no figure can be cut out of a scene: without words the scene itself is the figure
        filling = not mask.any()
        values["figure_count"] = "one" if filling else "none"
        values["figure_size"] = "full" if filling else "small"
        values["layout"], margins["layout"] = layout_of(figures, mask)
        everything = (rgba[..., 3] >= 128) & ~mask
        inks = figure_pixels(rgba, everything) if filling else _ink_of(rgba, mask)
    else:
        values["figure_count"] = count_of(len(figures.boxes))
        values["figure_size"], margins["figure_size"] = size_of(figures.share)
        values["layout"], margins["layout"] = layout_of(figures, mask)
        inks = figure_pixels(rgba, figures.mask & drawn)
        if not figures.boxes:
            everything = rgba[..., 3] >= 128
            inks = _ink_of(rgba, mask) if mask.any() else figure_pixels(rgba, everything)
    values["saturation"], margins["saturation"] = saturation_of(inks)
    palette, margins["palette"] = palette_of(inks)
    values["palette"] = list(palette)
    ground_lab = _ground_lab(rgba, ground, whole | mask)
    values["background_colour"], margins["background_colour"] = ground_colour(ground, ground_lab)
    evidence = _evidence(ground, figures, mask, margins)
    confidence = {name: trust(name, str(values[name]), evidence[name]) for name in MEASURED}
    numbers = numbers_of(ground, ground_lab, inks, figures, mask)
    return Measures(values, confidence, evidence, figures.boxes, numbers)


def words_mask(shape: tuple[int, ...], words: Sequence[FigureBox]) -> Mask:
    """(h, w), True inside the boxes of words, with a little room around."""
    height, width = shape[:2]
    mask = np.zeros((height, width), dtype=bool)
    for box in words:
        room = WORD_MARGIN * (box.bottom - box.top) * height + 1
        left, right = box.left * width - room, box.right * width + room
        top, bottom = box.top * height - room, box.bottom * height + room
        mask[max(0, int(top)) : int(np.ceil(bottom)), max(0, int(left)) : int(np.ceil(right))] = (
            True
        )
    return mask


def ground_colour(ground: Background, lab: Floats) -> tuple[str, float]:
    """`background_colour`, and how clear it is (about 0..1).

    Args:
        lab: OKLab (n, 3) of pixels of the ground.
    """
    if ground.kind == "transparent":
        return "none", 1.0
    if len(lab) == 0:
        return "several", 0.0
    names, scores = name_scores(lab)
    shares = np.bincount(scores.argmax(axis=1), minlength=len(names)) / len(lab)
    two = np.partition(scores, -2, axis=1)[:, -2:]
    clear = float(np.clip((two[:, 1] - two[:, 0]).mean() / 1.5, 0, 1))
    first = int(shares.argmax())
    margin = min(1.0, abs(float(shares[first]) - HALF) / 0.3)
    value = names[first] if shares[first] >= HALF else "several"
    return value, margin * (clear if value != "several" else 1.0)


def _ground_lab(rgba: Bytes, ground: Background, covered: Mask) -> Floats:
    """OKLab (n, 3) of pixels of the ground; of a plain one its colour."""
    if ground.kind == "plain":
        return oklab(np.array(ground.colours[:1], dtype=np.uint8))
    if ground.kind == "transparent":
        return oklab(np.zeros((0, 3), dtype=np.uint8))
    seen = (rgba[..., 3] >= 128) & ~covered
    pixels = rgba[..., :3][seen]
    return oklab(pixels[:: max(1, len(pixels) // 8000)])


def _ink_of(rgba: Bytes, words: Mask) -> Floats:
    """OKLab (n, 3) of the letters' ink."""
    return one_ink(figure_pixels(rgba, _letters(rgba, words)))


def _letters(rgba: Bytes, words: Mask) -> Mask:
    """The pixels of the letters: inside the boxes of words, far from what lies between them."""
    if not words.any():
        return words
    there = words & (rgba[..., 3] >= 128)
    if (rgba[..., 3] < 128)[words].mean() > 0.3:
        return there
    pixels = rgba[..., :3][there].astype(np.int16)
    if len(pixels) == 0:
        return there
    ground = np.median(pixels, axis=0)
    apart = np.abs(rgba[..., :3].astype(np.int16) - ground).max(axis=-1)
    letters = there & (apart > 0.75 * float(np.percentile(apart[there], 98)))
    return np.asarray(letters)


def _evidence(
    ground: Background, figures: Figures, words: Mask, margins: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """The numbers that tell right from wrong, for every field."""
    common = {
        **{f"is_{kind}": float(ground.kind == kind) for kind in KINDS},
        **ground.evidence,
        "words": float(words.mean()),
        "has_words": float(words.any()),
        "detail": figures.detail,
        "share": figures.share,
        "number": min(1.0, len(figures.boxes) / 8),
        "none": float(not figures.boxes),
        "even": min(figures.areas, default=0.0) / max(figures.areas, default=1.0),
    }
    found = {}
    for name in MEASURED:
        margin = min(1.0, max(0.0, margins.get(name, 1.0)))
        steps = {f"margin_{step}": min(1.0, margin / step) for step in MARGIN_STEPS}
        found[name] = common | {"margin": margin} | steps
    return found
