"""The numbers behind the measured fields, for those who learn from labels where people draw lines.

A measured value is a number cut at a bound; how far it is from the bound, and what else was seen,
tells whether a person would say the same.
"""

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.measure.background import Background
from lowdiff.labels.measure.colour import (
    BASIC_NAMES,
    GREY_CHROMA,
    Floats,
    chroma,
    name_scores,
)
from lowdiff.labels.measure.figure import Figures

Mask = NDArray[np.bool_]

GROUND = (
    "clear", "rough", "noise", "repeats", "plain", "second", "turns", "evenly", "two", "four",
    "smooth", "quiet",
)  # fmt: skip
STRENGTHS = (0.02, 0.03, 0.045, 0.08, 0.1, 0.12, 0.14, 0.18)
"""Chromas above which pixels of the figure are counted."""
SOFT, LIGHT = 0.1, 0.6
"""OKLab chroma below which a colour is soft, and lightness from which on it is light."""
HUES, LIGHTS = 12, 5
"""Sectors of hue, each soft or strong and dark or light; and greys by lightness."""
LARGEST_AREAS = 3
SAMPLES = 8192
"""Pixels, evenly taken, that shares of colours are counted on: right to half a hundredth."""
NUMBERS = (
    *(f"ground_{name}" for name in GROUND),
    *(f"ground_is_{name}" for name in BASIC_NAMES),
    *(f"ink_is_{name}" for name in BASIC_NAMES),
    *(f"ink_over_{strength}" for strength in STRENGTHS),
    "ink_light", "ink_spread", "ink_between_names",
    *(f"ink_tone_{at}" for at in range(4 * HUES + LIGHTS)),
    "figures", "share", "detail", "middle_x", "middle_y",
    "left", "top", "right", "bottom", "at_left", "at_top", "at_right", "at_bottom",
    *(f"area_{at}" for at in range(LARGEST_AREAS)),
    "words", "words_x", "words_y",
)  # fmt: skip
"""Their names, in the order in which `numbers_of` gives them."""


def numbers_of(
    ground: Background, ground_lab: Floats, inks: Floats, figures: Figures, words: Mask
) -> list[float]:
    """All numbers of one picture, in about 0..1.

    Args:
        ground_lab: OKLab (n, 3) of pixels of the ground; none where there is none.
        inks: OKLab (n, 3) of the figure's pixels.
        words: (h, w), True where text was read.
    """
    inks = inks[:: max(1, len(inks) // SAMPLES)]
    ground_lab = ground_lab[:: max(1, len(ground_lab) // SAMPLES)]
    found = [
        *(ground.evidence.get(name, 0.0) for name in GROUND),
        *_name_shares(ground_lab),
        *_name_shares(inks),
        *_inks(inks),
        *_tones(inks),
        min(1.0, len(figures.boxes) / 8),
        *_mass(figures),
        *_sides(figures.mask),
        *(*figures.areas, *[0.0] * LARGEST_AREAS)[:LARGEST_AREAS],
        float(words.mean()),
        *_middle(words),
    ]
    return [round(float(one), 4) for one in found]


def _name_shares(lab: Floats) -> NDArray[np.float64]:
    if len(lab) == 0:
        return np.zeros(len(BASIC_NAMES))
    best = name_scores(lab)[1].argmax(axis=1)
    return np.bincount(best, minlength=len(BASIC_NAMES)) / len(lab)


def _inks(lab: Floats) -> list[float]:
    """How strong, how light, how spread, and how many lie between two names."""
    if len(lab) == 0:
        return [0.0] * (len(STRENGTHS) + 3)
    strength = chroma(lab)
    two = np.partition(name_scores(lab)[1], -2, axis=1)[:, -2:]
    return [
        *(float((strength > least).mean()) for least in STRENGTHS),
        float(lab[:, 0].mean()),
        float(lab[:, 0].std()),
        float((two[:, 1] - two[:, 0] < 0.25).mean()),
    ]


def _tones(lab: Floats) -> NDArray[np.float64]:
    """Shares of tones, finer than names: where people draw lines between names can be learned."""
    if len(lab) == 0:
        return np.zeros(4 * HUES + LIGHTS)
    strength = chroma(lab)
    hue = ((np.arctan2(lab[:, 2], lab[:, 1]) / (2 * np.pi) % 1) * HUES).astype(int) % HUES
    coloured = 4 * hue + 2 * (strength >= SOFT) + (lab[:, 0] >= LIGHT)
    grey = 4 * HUES + np.clip((lab[:, 0] * LIGHTS).astype(int), 0, LIGHTS - 1)
    tone = np.where(strength < GREY_CHROMA, grey, coloured)
    return np.bincount(tone, minlength=4 * HUES + LIGHTS) / len(lab)


def _mass(figures: Figures) -> list[float]:
    return [figures.share, figures.detail, *_middle(figures.mask)]


def _middle(mask: Mask) -> tuple[float, float]:
    """x and y of the mass, 0 in the middle of the picture, -0.5 at its left and upper side."""
    ys, xs = np.nonzero(mask)
    if not len(xs):
        return 0.0, 0.0
    height, width = mask.shape
    return float((xs.mean() + 0.5) / width - 0.5), float((ys.mean() + 0.5) / height - 0.5)


def _sides(mask: Mask) -> list[float]:
    """Where the mass begins and ends, and how much of each side of the picture it touches."""
    touched = [float(side.mean()) for side in (mask[:, 0], mask[0], mask[:, -1], mask[-1])]
    if not mask.any():
        return [0.5, 0.5, 0.5, 0.5, *touched]
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    height, width = mask.shape
    return [
        columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height,
        *touched,
    ]  # fmt: skip
