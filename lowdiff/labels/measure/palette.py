"""The colours of the figure: how strong they are, and their names."""

import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.measure.colour import (
    GREY_CHROMA,
    Floats,
    chroma,
    name_scores,
    oklab,
)

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

COLOURED, STRONG = GREY_CHROMA, 0.12
"""OKLab chroma above which a pixel has a colour at all, and a strong one."""
LEAST_COLOURED, LEAST_STRONG = 0.03, 0.15
"""Shares of the figure: below the first it is grey, from the second on vivid."""
MAIN_SHARE, MOST_COLOURS = 0.1, 3
"""Least share of a main colour of the figure, and how many may be named."""
MOST_PIXELS = 8_000
RARE = 0.004
"""A colour (four bits a channel) of fewer pixels comes from anti-aliasing."""
SHADED = 0.7
"""Figures of which the six most frequent colours cover less are shaded."""
HUES, SHADE_PERCENT = 12, 45
"""Sectors of hue, and how much of each, the darkest, counts as lying in the shade."""


def figure_pixels(rgba: Bytes, figure: Mask) -> Floats:
    """OKLab (n, 3) of the visible pixels of the figure, without what anti-aliasing mixed.

    Mixed pixels are spread over many colours: colours that hardly occur are left out.
    """
    pixels = rgba[..., :3][figure & (rgba[..., 3] >= 200)]
    pixels = pixels[:: max(1, len(pixels) // MOST_PIXELS)]
    if len(pixels) == 0:
        return oklab(pixels)
    coarse = pixels.astype(np.int32) >> 4
    codes = coarse[:, 0] << 8 | coarse[:, 1] << 4 | coarse[:, 2]
    numbers = np.bincount(codes, minlength=4096)[codes]
    often = numbers >= RARE * len(pixels)
    return oklab(pixels[often] if often.mean() >= 0.5 else pixels)


def one_ink(lab: Floats) -> Floats:
    """The pixels (n, 3) that are like the most frequent colour: letters have one ink."""
    if len(lab) == 0:
        return lab
    codes = np.round(lab * 12).astype(np.int64) @ np.array([10_000, 100, 1])
    values, numbers = np.unique(codes, return_counts=True)
    return np.asarray(lab[codes == values[numbers.argmax()]])


def saturation_of(lab: Floats) -> tuple[str, float]:
    """`saturation` of pixels (n, 3), and how far they are from another value (about 0..1)."""
    if len(lab) == 0:
        return "grey", 0.0
    strength = chroma(lab)
    strong = float((strength > STRONG).mean())
    coloured = float((strength > COLOURED).mean())
    if strong >= LEAST_STRONG:
        surely = float((strength > STRONG * 1.15).mean())
        return "vivid", min(1.0, max(0.0, surely - LEAST_STRONG) / 0.25)
    if coloured < LEAST_COLOURED:
        maybe = float((strength > COLOURED * 0.6).mean())
        return "grey", min(1.0, max(0.0, 2 * LEAST_COLOURED - maybe) / (2 * LEAST_COLOURED))
    maybe = float((strength > STRONG * 0.85).mean())
    surely = float((strength > COLOURED * 1.4).mean())
    return "muted", min(1.0, max(0.0, LEAST_STRONG - maybe) / 0.15, surely / (4 * LEAST_COLOURED))


def palette_of(lab: Floats) -> tuple[tuple[str, ...], float]:
    """Names of the main colours of pixels (n, 3), the greatest first, and how clear it is.

    The clarity (0..1) is small when a share is near the bound, or many pixels lie between names.
    """
    if len(lab) == 0:
        return (), 0.0
    names, scores = name_scores(lab)
    best = scores.argmax(axis=1)
    weights = _light_weights(lab) if _is_shaded(lab) else np.ones(len(lab))
    shares = np.bincount(best, weights=weights, minlength=len(names)) / weights.sum()
    order = np.argsort(-shares, kind="stable")
    main = [int(at) for at in order if shares[at] >= MAIN_SHARE][:MOST_COLOURS]
    gap = min(abs(float(share) - MAIN_SHARE) / MAIN_SHARE for share in shares)
    if len(main) == MOST_COLOURS and len(names) > MOST_COLOURS:
        gap = min(gap, float(shares[main[-1]] - shares[order[MOST_COLOURS]]) * 10)
    two = np.partition(scores, -2, axis=1)[:, -2:]
    clear = float((two[:, 1] - two[:, 0] > 0.25).mean())
    return tuple(names[at] for at in main), min(1.0, gap) * clear


def _is_shaded(lab: Floats) -> bool:
    """Light and shade spread a paint over many colours; flat areas have few."""
    codes = np.round(lab * 40).astype(np.int64) @ np.array([1_000_000, 1_000, 1])
    numbers = np.sort(np.unique(codes, return_counts=True)[1])[::-1]
    return bool(numbers[:6].sum() < SHADED * len(lab))


def _light_weights(lab: Floats) -> NDArray[np.float64]:
    """Weights of pixels (n, 3) of shaded figures: the lit part of a hue speaks for all of it.

    In the shade yellow looks green, and orange brown: a paint has its name in the light.
    """
    hues = np.floor((np.arctan2(lab[:, 2], lab[:, 1]) + np.pi) / (2 * np.pi) * HUES).astype(int)
    hues[chroma(lab) < 0.05] = -1
    weights = np.ones(len(lab))
    for hue in range(HUES):
        of_it = hues == hue
        if of_it.any():
            lit = of_it & (lab[:, 0] >= np.percentile(lab[of_it, 0], SHADE_PERCENT))
            weights[of_it] = 0.0
            weights[lit] = of_it.sum() / lit.sum()
    return weights


def main_colours(lab: Floats) -> tuple[str, ...]:
    """Up to three names of the main colours; the most frequent one where none is main."""
    return palette_of(lab)[0]
