"""What lies behind the figure, told from the border.

The border is what a picture shows of its ground: a flat colour, a colour that changes smoothly, a
few colours that take turns, or a scene. Words that were read there are left out. Which of these it
is follows from a dozen numbers by multinomial logistic regression, fitted on generated graphics
(`benchmarks/fit_measures.py`).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lowdiff.labels.measure.trust import likelihoods

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Rgb = tuple[int, int, int]

RING_SHARE = 0.03
"""Width of the border that is looked at, as a share of the shorter side."""
OPAQUE = 128
"""Alpha from which on a pixel is there; a soft shadow is not."""
SAME_TONE = 12
"""Greatest difference of a channel (0..255) between pixels of one flat colour."""
STEP = 4
"""Greatest difference of a channel between neighbours on a smooth ground."""
CORNER = 0.12
"""What a corner of the right colour adds to a colour's share of the border."""
LEAST_TURNS = 8
"""Changes between the colours around the border, from which on they may be a pattern."""
LITTLE = 16
"""Grey levels: more is an edge, none is flat."""


@dataclass(frozen=True)
class Background:
    """The verdict, what it rests on, and what is needed to cut the figure out."""

    kind: str
    """A value of the field `background`."""
    colours: tuple[Rgb, ...]
    """Of a plain ground its colour, of a pattern its two or three; else none."""
    evidence: dict[str, float]
    """Numbers in about 0..1, by name: what confidence is made of."""


def measure_background(rgba: Bytes, words: Mask | None = None) -> Background:
    """Tell the kind of background of an image (h, w, 4).

    Args:
        words: (h, w), True where text was read; none of it is ground.
    """
    there = rgba[..., 3] >= OPAQUE
    ring = _ring(there.shape)
    clear = float((~there)[ring].mean())
    seen = ring & there
    if words is not None and (seen & ~words).sum() >= 0.3 * max(1, seen.sum()):
        seen &= ~words
    evidence = {"clear": clear, "rough": 0.0, "plain": 0.0, "smooth": 0.0, "turns": 0.0}
    if clear >= 0.5 or not seen.any():
        return Background("transparent", (), evidence)
    rgb = np.ascontiguousarray(rgba[..., :3])
    colours, shares = _clusters(rgb, seen)
    evidence["noise"] = min(1.0, _noise(rgb, seen) / 12)
    grey = rgb.mean(axis=-1, dtype=np.float32)
    evidence["rough"] = texture(grey)
    evidence["repeats"] = repetition(grey)
    evidence["plain"] = shares[0]
    evidence["second"] = shares[1] if len(shares) > 1 else 0.0
    turns, evenly = _turns(rgb, colours[:2])
    evidence["turns"] = min(1.0, turns / 40)
    evidence["evenly"] = evenly
    evidence["two"] = float(sum(shares[:2]))
    evidence["four"] = float(sum(shares))
    evidence["smooth"] = _smooth_share(rgb, seen)
    evidence["quiet"] = _quiet_share(rgb, seen)
    evidence["all_plain"] = float(np.clip((evidence["plain"] - 0.85) / 0.12, 0, 1))
    evidence["some_turns"] = min(1.0, turns / LEAST_TURNS)
    evidence["grainy"] = float(np.clip((evidence["rough"] - 0.3) / 0.2, 0, 1))
    odds = likelihoods("background", evidence)
    if turns >= LEAST_TURNS and evidence["two"] >= 0.9 and min(evenly, 10 * shares[-1]) >= 0.8:
        odds["pattern"] = 1.0  # two flat colours take turns, as evenly at the other side
    elif evidence["smooth"] >= 0.97 and evidence["noise"] <= 0.06 and evidence["plain"] < 0.8:
        odds["gradient"] = 1.0  # no grain and no edge anywhere
    kind = max(odds, key=lambda one: odds[one])
    evidence["likely"] = odds[kind]
    chosen = {"plain": colours[:1], "pattern": colours[:3]}.get(kind, [])
    return Background(kind, tuple(chosen), evidence)


def _ring(shape: tuple[int, ...]) -> Mask:
    width = max(1, round(RING_SHARE * min(shape)))
    ring = np.ones(shape, dtype=bool)
    ring[width:-width, width:-width] = False
    return ring


def _noise(rgb: Bytes, where: Mask) -> float:
    """Median difference from the mean of the neighbourhood: 0 for flat colours, JPEG has more."""
    apart = np.abs(rgb.astype(np.int16) - cv2.blur(rgb, (3, 3))).max(axis=-1)
    return float(np.percentile(apart[where], 60))


def _clusters(rgb: Bytes, where: Mask) -> tuple[list[Rgb], list[float]]:
    """Up to four colours of the border, and the share that lies close to each.

    A colour that also fills corners comes first: a figure that runs out of the picture may take
    more of the border than its ground, but leaves it the corners.
    """
    pixels = rgb[where].astype(np.int16)
    total, left = len(pixels), pixels
    corners = _corner_colours(rgb)
    found: list[tuple[float, Rgb, float]] = []
    while len(found) < 4 and len(left) > 0.02 * total:
        codes = (left[:, 0] >> 4).astype(np.int32) << 8 | (left[:, 1] >> 4) << 4 | left[:, 2] >> 4
        most = left[codes == np.bincount(codes).argmax()]
        centre = np.median(most, axis=0)
        near = np.abs(left - centre).max(axis=1) <= SAME_TONE
        if not near.any():
            break
        centre = np.median(left[near], axis=0)
        near = near | (np.abs(left - centre).max(axis=1) <= SAME_TONE)
        share = float(near.sum() / total)
        bonus = CORNER * float((np.abs(corners - centre).max(axis=1) <= SAME_TONE + 4).sum())
        red, green, blue = (int(value) for value in centre)
        found.append((share + bonus, (red, green, blue), share))
        left = left[~near]
    found.sort(key=lambda one: -one[0])
    return [colour for _, colour, _ in found], [share for _, _, share in found]


def _corner_colours(rgb: Bytes) -> NDArray[np.int16]:
    """Median colour of each corner (4, 3)."""
    side = max(1, min(rgb.shape[:2]) // 40)
    cut = (rgb[:side, :side], rgb[:side, -side:], rgb[-side:, :side], rgb[-side:, -side:])
    return np.array([np.median(part.reshape(-1, 3), axis=0) for part in cut]).astype(np.int16)


def _turns(rgb: Bytes, colours: list[Rgb]) -> tuple[int, float]:
    """How often the border changes between the two colours, and how evenly over its sides."""
    if len(colours) < 2:
        return 0, 0.0
    inset = max(1, min(rgb.shape[:2]) // 100)
    sides = (rgb[inset], rgb[-1 - inset], rgb[:, inset], rgb[:, -1 - inset])
    first, second = (np.array(colour, dtype=np.int16) for colour in colours)
    numbers = []
    for side in sides:
        line = side.astype(np.int16)
        nearer = np.abs(line - first).sum(axis=1) > np.abs(line - second).sum(axis=1)
        numbers.append(int((nearer[1:] != nearer[:-1]).sum()))
    pairs = sorted((numbers[0] + numbers[1], numbers[2] + numbers[3]))
    across = (min(numbers[0], numbers[1]), min(numbers[2], numbers[3]))
    total = sum(numbers)
    # stripes change on two opposite sides only, equally often on both
    evenly = 2 * max(across) / max(1, pairs[1])
    return total, float(evenly)


def _smooth_share(rgb: Bytes, where: Mask) -> float:
    """Share of the border whose neighbours along it differ by less than STEP, but for noise."""
    calm = cv2.GaussianBlur(rgb, (0, 0), 1.5).astype(np.int16)
    across = np.zeros(where.shape, dtype=np.int16)
    down = np.zeros(where.shape, dtype=np.int16)
    across[:, 1:] = np.abs(np.diff(calm, axis=1)).max(axis=-1)
    down[1:] = np.abs(np.diff(calm, axis=0)).max(axis=-1)
    return float((np.maximum(across, down)[where] <= STEP).mean())


def _quiet_share(rgb: Bytes, where: Mask) -> float:
    """Share of the border whose neighbours are almost equal: not of a photo, which has grain."""
    across = np.zeros(where.shape, dtype=np.int16)
    down = np.zeros(where.shape, dtype=np.int16)
    across[:, 1:] = np.abs(np.diff(rgb.astype(np.int16), axis=1)).max(axis=-1)
    down[1:] = np.abs(np.diff(rgb.astype(np.int16), axis=0)).max(axis=-1)
    return float((np.maximum(across, down)[where] <= 1).mean())


def texture(grey: Floats) -> float:
    """Share of neighbouring pixels of a picture (h, w) that differ, but only a little."""
    steps = np.concatenate([np.abs(np.diff(grey, axis=at)).ravel() for at in (0, 1)])
    return float(((steps > 0.5) & (steps <= LITTLE)).mean()) if steps.size else 0.0


def repetition(grey: Floats) -> float:
    """How strongly a picture (h, w) repeats itself under some shift: 0 not at all, 1 exactly.

    The highest peak of the circular autocorrelation beyond its first descent, up to half of each
    side (Wiener and Khinchin: the transform of the power spectrum).
    """
    centred = grey - grey.mean()
    power = np.abs(np.fft.rfft2(centred)) ** 2
    correlation = np.fft.irfft2(power, s=grey.shape)
    if correlation[0, 0] <= 1e-6:
        return 0.0
    correlation = correlation / correlation[0, 0]
    peaks = [_second_peak(correlation[0]), _second_peak(correlation[:, 0])]
    return float(np.clip(max(peaks), 0.0, 1.0))


def _second_peak(row: NDArray[np.float64]) -> float:
    half = row[: len(row) // 2]
    valley = int(np.argmax(half < 0.3)) if (half < 0.3).any() else len(half)
    return float(half[valley:].max(initial=0.0))
