"""Paints whose names people gave them: the colours of the xkcd survey, as matplotlib ships them.

The survey (Randall Munroe 2010, 222,500 people, CC0) is independent of any table of colours in
lowdiff. Only names that end in a basic colour and name no second one are used: "brick red" is red,
"greenish blue" is left out, because people do not agree on it.
"""

import random
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import XKCD_COLORS

BASIC = (
    "black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink",
    "brown",
)  # fmt: skip
HUES = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
OTHER = (
    "teal", "turquoise", "aqua", "cyan", "olive", "mauve", "lavender", "lilac", "violet",
    "magenta", "tan", "beige", "gold", "peach", "salmon", "rose", "mustard", "lime", "indigo",
    "cream", "navy", "plum", "puke", "poo", "poop", "shit", "vomit", "snot", "barf", "diarrhea",
    "baby", "puce", "mint", "sea", "seafoam", "puky", "cocoa", "ruddy", "ugly",
)  # fmt: skip
"""Words that speak of a second colour, and words that no brand would."""
VIVID_CHROMA, MUTED_CHROMA = 0.12, 0.03
"""OKLab chroma: from the first on a paint is strong, below the second it is a grey."""
BORDER = (0.11, 0.13)
"""Between these people do not agree whether a colour is strong; such paints are left out."""

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Paint:
    """One colour with the name of a basic colour."""

    name: str
    rgb: Rgb
    chroma: float

    @property
    def hex(self) -> str:
        """`#rrggbb`."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)

    @property
    def tone(self) -> str:
        """`grey`, `muted` or `vivid`."""
        if self.name in ("black", "white", "grey") or self.chroma < MUTED_CHROMA:
            return "grey"
        return "vivid" if self.chroma >= VIVID_CHROMA else "muted"

    @property
    def light(self) -> float:
        """Relative luminance, 0..1."""
        return float(np.dot(_linear(self.rgb), (0.2126, 0.7152, 0.0722)))


def _linear(rgb: Rgb) -> np.ndarray:
    value = np.array(rgb) / 255
    return np.asarray(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4))


def _chroma(rgb: Rgb) -> float:
    """OKLab chroma (Björn Ottosson 2020), written out here so that nothing is shared."""
    red, green, blue = _linear(rgb)
    long = np.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = np.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = np.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return float(np.hypot(a, b))


def _all_paints() -> tuple[Paint, ...]:
    found = [Paint("black", (0, 0, 0), 0.0), Paint("black", (22, 22, 24), 0.0)]
    found += [Paint("white", (255, 255, 255), 0.0), Paint("white", (250, 250, 248), 0.0)]
    found += [Paint("grey", (level,) * 3, 0.0) for level in (110, 128, 150, 170, 190)]
    for key, code in XKCD_COLORS.items():
        words = key.removeprefix("xkcd:").replace("/", " ").split()
        hues = {hue for word in words for hue in BASIC if hue in word}
        second = any(word in OTHER or word.endswith(("ish", "y")) for word in words)
        if words[-1] not in HUES or len(hues) != 1 or second:
            continue
        red, green, blue = (int(code[at : at + 2], 16) for at in (1, 3, 5))
        paint = Paint(words[-1], (red, green, blue), _chroma((red, green, blue)))
        if not BORDER[0] < paint.chroma < BORDER[1]:
            found.append(paint)
    return tuple(found)


PAINTS = _all_paints()


def pick(dice: random.Random, *, tone: str, names: tuple[str, ...] = BASIC) -> Paint:
    """A paint of a tone; every name is as likely as any other."""
    fitting = [paint for paint in PAINTS if paint.tone == tone and paint.name in names]
    name = dice.choice(sorted({paint.name for paint in fitting}))
    return dice.choice([paint for paint in fitting if paint.name == name])


def contrast(one: Paint, other: Paint) -> float:
    """WCAG contrast ratio, 1..21."""
    low, high = sorted((one.light, other.light))
    return (high + 0.05) / (low + 0.05)


def ink_for(dice: random.Random, ground: Paint, *, least: float = 3.5) -> Paint:
    """A colour that can be read on the ground: mostly black or white."""
    candidates = [Paint("black", (20, 20, 24), 0.0), Paint("white", (255, 255, 255), 0.0)]
    if dice.random() < 0.35:
        strong = [paint for paint in PAINTS if contrast(paint, ground) >= least + 1]
        if strong:
            return dice.choice(strong)
    return max(candidates, key=lambda paint: contrast(paint, ground))


def palette_for(
    dice: random.Random, tone: str, grounds: tuple[Paint, ...], *, number: int = 3
) -> tuple[Paint, ...]:
    """Paints of a figure, told apart from each other and the first two from the ground."""
    found: list[Paint] = []
    for _ in range(400):
        fit = tone if not found or dice.random() < 0.7 else dice.choice(("grey", tone))
        paint = pick(dice, tone=fit)
        apart = [_distance(paint, other) for other in (*grounds, *found)]
        if min(apart, default=999) >= 70 and paint not in found:
            found.append(paint)
        if len(found) == number:
            break
    while len(found) < number:
        found.append(found[-1] if found else pick(dice, tone=tone))
    return tuple(found)


def _distance(one: Paint, other: Paint) -> float:
    return float(np.linalg.norm(np.subtract(one.rgb, other.rgb)))


def nearest_shares(pixels: np.ndarray) -> dict[Paint, float]:
    """Every pixel (h, w, 3) named as the nearest paint of the survey: shares that add up to 1."""
    flat = pixels.reshape(-1, 3)[:: max(1, pixels.size // 60_000)].astype(np.float32)
    table = np.array([paint.rgb for paint in PAINTS], dtype=np.float32)
    parts = [flat[at : at + 256] for at in range(0, len(flat), 256)]  # what a cache holds
    weights = (0.55, 0.77, 0.33)
    nearest = np.concatenate(
        [(((part[:, None] - table) * weights) ** 2).sum(axis=2).argmin(axis=1) for part in parts]
    )
    numbers = np.bincount(nearest, minlength=len(PAINTS)) / len(flat)
    return {PAINTS[at]: float(numbers[at]) for at in np.flatnonzero(numbers)}
