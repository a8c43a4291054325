"""Colours as people see and name them: OKLab, and a small table of names."""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# Björn Ottosson, "A perceptual color space for image processing", 2020.
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=np.float32,
)

GREY_CHROMA = 0.03
"""Below this OKLab chroma a colour is a grey, whatever lies near in the table."""

NAMED = (
    ("black", "#000000"), ("black", "#181818"), ("dark grey", "#404040"),
    ("grey", "#606060"), ("grey", "#808080"),
    ("grey", "#a0a0a0"), ("light grey", "#cfcfcf"), ("white", "#ffffff"), ("white", "#f4f4f4"),
    ("red", "#ff0000"), ("red", "#ea5a47"), ("red", "#d22f27"), ("dark red", "#8b1010"),
    ("orange", "#ff8c00"), ("orange", "#f1923a"), ("orange", "#e27022"), ("orange", "#f4aa41"),
    ("yellow", "#ffff00"), ("yellow", "#fcea2b"), ("yellow", "#f1b31c"), ("yellow", "#ffd700"),
    ("brown", "#a57939"), ("brown", "#6a462f"), ("brown", "#8b4513"), ("beige", "#f5deb3"),
    ("beige", "#fadcbc"), ("beige", "#debb90"), ("green", "#00b000"), ("green", "#5c9e31"),
    ("light green", "#b1cc33"), ("light green", "#90ee90"), ("dark green", "#186648"),
    ("dark green", "#0a5010"), ("turquoise", "#20b2aa"), ("turquoise", "#40e0d0"),
    ("light blue", "#92d3f5"), ("light blue", "#61b2e4"), ("light blue", "#add8e6"),
    ("blue", "#1e50a0"), ("blue", "#0000ff"), ("blue", "#2a6fdb"), ("dark blue", "#101060"),
    ("purple", "#8967aa"), ("purple", "#800080"), ("purple", "#b399c8"), ("purple", "#9b30ff"),
    ("light blue", "#d4fafc"), ("light blue", "#30ecfa"), ("blue", "#5a80a8"), ("blue", "#486888"),
    ("blue", "#7f8cf0"), ("orange", "#e85a10"), ("orange", "#c85010"), ("orange", "#ff5a10"),
    ("dark purple", "#2c0540"), ("brown", "#3a1c06"), ("brown", "#c9a468"), ("red", "#a52208"),
    ("purple", "#c078f8"), ("dark green", "#083008"), ("green", "#88b078"),
    ("pink", "#ffd0da"), ("pink", "#d01068"), ("pink", "#cc4870"),
    ("pink", "#ffa7c0"), ("pink", "#e67a94"), ("pink", "#ff69b4"), ("pink", "#ff00ff"),
)  # fmt: skip
"""Names in plain English; a name may have several typical colours."""

BASIC_NAMES = (
    "black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink",
    "brown",
)  # fmt: skip
"""The eleven basic colour terms of English (Berlin and Kay 1969): what a label may say.

Shades ("light blue") belong to captions; people agree on the basic terms only.
"""
_BASIC_OF = {"beige": "brown", "turquoise": "green"}


def basic_name(name: str) -> str:
    """The basic term of a name of `NAMED`: "light blue" is blue."""
    last = name.split()[-1]
    return _BASIC_OF.get(last, last)


def oklab(rgb: Bytes) -> Floats:
    """Lightness 0..1 and two colour axes (..., 3) of sRGB bytes (..., 3)."""
    lms = _LINEAR[rgb] @ _TO_LMS.T
    return np.asarray(np.cbrt(lms) @ _TO_LAB.T, dtype=np.float32)


def chroma(lab: Floats) -> Floats:
    """Distance from grey, about 0 (grey) to 0.32 (the strongest sRGB colours)."""
    return np.hypot(lab[..., 1], lab[..., 2])


def _linear_table() -> Floats:
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


_LINEAR = _linear_table()
_NAMED_RGB = np.array(
    [[int(code[at : at + 2], 16) for at in (1, 3, 5)] for _, code in NAMED], dtype=np.uint8
)
_NAMED_LAB = oklab(_NAMED_RGB)
_NAMED_IS_GREY = chroma(_NAMED_LAB) < GREY_CHROMA
_DISTINCT = sorted({name for name, _ in NAMED})
_NAME_OF_ENTRY = np.array([_DISTINCT.index(name) for name, _ in NAMED])


_BASIC_OF_ENTRY = np.array([BASIC_NAMES.index(basic_name(name)) for name, _ in NAMED])


def name_scores(lab: Floats) -> tuple[tuple[str, ...], Floats]:
    """The basic names, and how well each fits pixels (n, 3): minus the squared distance, (n, 11).

    Distances are measured in units of 0.1; a grey is never given the name of a colour.
    """
    flat = lab.reshape(-1, 3)
    scores = -_distances(flat)
    found = np.full((len(flat), len(BASIC_NAMES)), -np.inf, dtype=np.float32)
    for at in range(len(BASIC_NAMES)):
        found[:, at] = scores[:, at == _BASIC_OF_ENTRY].max(axis=1)
    return BASIC_NAMES, found * 100


def _distances(flat: Floats) -> Floats:
    """Squared distances (n, entries) of pixels (n, 3) to the table's entries."""
    apart = (
        (flat**2).sum(axis=1, keepdims=True)
        - 2 * flat @ _NAMED_LAB.T
        + (_NAMED_LAB**2).sum(axis=1)[None]
    )
    is_grey = chroma(flat) < GREY_CHROMA
    apart[is_grey[:, None] != _NAMED_IS_GREY[None]] += 1.0
    return np.asarray(apart, dtype=np.float32)


def shares_of_names(lab: Floats) -> dict[str, float]:
    """Colour name → share of the pixels (n, 3), the greatest first; empty without pixels."""
    if lab.size == 0:
        return {}
    flat = lab.reshape(-1, 3)
    entries = _distances(flat).argmin(axis=1)
    numbers = np.bincount(_NAME_OF_ENTRY[entries], minlength=len(_DISTINCT))
    ranked = sorted(zip(_DISTINCT, numbers / len(flat), strict=True), key=lambda pair: -pair[1])
    return {name: float(share) for name, share in ranked if share > 0}


def name_of(rgb: tuple[int, int, int]) -> str:
    """The name of one colour."""
    return next(iter(shares_of_names(oklab(np.array([rgb], dtype=np.uint8)))))
