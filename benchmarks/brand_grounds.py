"""What lies behind: flat colours, gradients, patterns, and scenes that look like photographs.

The scenes are made of fractal noise (octaves of smooth noise; Perlin 1985) and simple optics: haze,
lights out of focus, a vignette, film grain. None is a picture of anything that exists.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.brand_paints import Paint, nearest_shares, pick

Floats = NDArray[np.float64]
Size = tuple[int, int]
KINDS = ("plain", "gradient", "pattern", "photo", "transparent")
ONE_COLOUR = 0.5
"""From this share of the ground on, one name is its colour; below there are several."""


@dataclass(frozen=True)
class Ground:
    """Pixels (h, w, 3) in 0..255 and what is known of them."""

    kind: str
    pixels: Floats
    paints: dict[Paint, float]
    """Share of each paint; empty where scenes have no paints of their own, or nothing is there."""
    colour: str

    @property
    def main(self) -> Paint:
        """The paint that text must be told from."""
        if not self.paints:
            mean = self.pixels.mean(axis=(0, 1))
            red, green, blue = (int(value) for value in mean)
            return Paint("grey", (red, green, blue), 0.0)
        return max(self.paints, key=lambda paint: self.paints[paint])


def make_ground(dice: random.Random, kind: str, size: Size, tone: str) -> Ground:
    """A ground of a kind; `size` is (width, height)."""
    width, height = size
    if kind == "transparent":
        return Ground(kind, np.zeros((height, width, 3)), {}, "none")
    if kind == "photo":
        rng = np.random.default_rng(dice.getrandbits(32))
        pixels = SCENES[dice.choice(list(SCENES))](rng, width, height)
        pixels = _film(rng, pixels)
        return Ground(kind, pixels, {}, _named(nearest_shares(pixels)))
    first = pick(dice, tone=_ground_tone(dice, tone))
    if kind == "plain":
        if dice.random() < 0.4:
            first = dice.choice((Paint("white", (255, 255, 255), 0.0), Paint("black", (18,) * 3, 0),
                                 Paint("white", (251, 251, 249), 0.0)))  # fmt: skip
        return Ground(
            kind, np.full((height, width, 3), first.rgb, dtype=float), {first: 1}, first.name
        )
    if kind == "gradient":
        return _gradient(dice, first, width, height)
    return _pattern(dice, first, width, height, tone)


def _ground_tone(dice: random.Random, tone: str) -> str:
    return dice.choice((tone, "muted", "vivid", "grey"))


def _named(paints: dict[Paint, float]) -> str:
    shares: dict[str, float] = {}
    for paint, share in paints.items():
        shares[paint.name] = shares.get(paint.name, 0) + share
    name = max(shares, key=lambda one: shares[one])
    return name if shares[name] >= ONE_COLOUR * sum(shares.values()) else "several"


def _gradient(dice: random.Random, first: Paint, width: int, height: int) -> Ground:
    """Linear or radial; two thirds of them stay within one name."""
    fitting = []
    for _ in range(60):
        other = pick(dice, tone=dice.choice(("muted", "vivid", "grey")))
        far = np.linalg.norm(np.subtract(first.rgb, other.rgb))
        if 70 < far < 260:
            fitting.append(other)
    same = [other for other in fitting if other.name == first.name]
    second = dice.choice(same) if same and dice.random() < 0.66 else dice.choice(fitting)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    if dice.random() < 0.3:
        cx, cy = dice.uniform(0.2, 0.8), dice.uniform(0.2, 0.8)
        way = np.hypot(x - cx, y - cy)
    else:
        angle = dice.choice((0.0, 90.0, 45.0, 135.0, dice.uniform(0, 360)))
        way = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    way = ((way - way.min()) / (way.max() - way.min()))[..., None]
    pixels = np.array(first.rgb) * (1 - way) + np.array(second.rgb) * way
    # between two names the survey decides where one ends and the other begins
    same_name = first.name == second.name
    colour = first.name if same_name else _named(nearest_shares(pixels))
    return Ground("gradient", pixels, {first: 0.5, second: 0.5}, colour)


def _pattern(dice: random.Random, first: Paint, width: int, height: int, tone: str) -> Ground:
    for _ in range(80):
        second = pick(dice, tone=_ground_tone(dice, tone))
        if np.linalg.norm(np.subtract(first.rgb, second.rgb)) > 45:
            break
    period = dice.uniform(0.05, 0.16) * min(width, height)
    kind = dice.choice(list(MOTIFS))
    turned = np.radians(dice.choice((0, 0, 45, 30)))
    scale = 3 if width * height < 500_000 else 2
    y, x = np.mgrid[0 : height * scale, 0 : width * scale] / scale
    u = (x * np.cos(turned) + y * np.sin(turned)) / period
    v = (y * np.cos(turned) - x * np.sin(turned)) / period
    mask = MOTIFS[kind](u, v).astype(np.float64)
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)[..., None]
    pixels = np.array(first.rgb) * (1 - mask) + np.array(second.rgb) * mask
    shares = {first: float(1 - mask.mean()), second: float(mask.mean())}
    return Ground("pattern", pixels, shares, _named(shares))


MOTIFS: dict[str, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
    "stripes": lambda u, v: (u % 1) < 0.5,
    "thin stripes": lambda u, v: (u % 1) < 0.16,
    "checks": lambda u, v: (np.floor(u) + np.floor(v)) % 2 < 1,
    "dots": lambda u, v: np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.26,
    "staggered dots": lambda u, v: np.hypot(
        (u + 0.5 * (np.floor(v) % 2)) % 1 - 0.5, v % 1 - 0.5
    ) < 0.2,
    "lattice": lambda u, v: ((u % 1) < 0.12) | ((v % 1) < 0.12),
    "zigzag": lambda u, v: ((v + np.abs(u % 1 - 0.5)) % 0.7) < 0.3,
    "waves": lambda u, v: ((v + 0.25 * np.sin(2 * np.pi * u)) % 0.9) < 0.4,
    "triangles": lambda u, v: (v % 1) < np.abs(2 * (u % 1) - 1),
    "plus signs": lambda u, v: (
        (np.abs(u % 1 - 0.5) < 0.1) & (np.abs(v % 1 - 0.5) < 0.3)
    ) | ((np.abs(v % 1 - 0.5) < 0.1) & (np.abs(u % 1 - 0.5) < 0.3)),
}  # fmt: skip


def fractal(rng: np.random.Generator, width: int, height: int, *, cells: int = 4) -> Floats:
    """Noise in 0..1 whose finer octaves are weaker."""
    total = np.zeros((height, width))
    weight = 1.0
    side = max(width, height)
    while cells < side / 2:
        shape = (max(2, cells * height // side) + 1, max(2, cells * width // side) + 1)
        layer = rng.random(shape)
        total += weight * cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC)
        weight *= 0.52
        cells *= 2
    return np.asarray((total - total.min()) / (np.ptp(total) + 1e-9))


def _ramp(stops: list[tuple[int, int, int]], at: Floats) -> Floats:
    places = np.linspace(0, 1, len(stops))
    rows = [np.interp(at, places, [stop[c] for stop in stops]) for c in range(3)]
    return np.stack(rows, axis=-1)


def _hills(rng: np.random.Generator, width: int, height: int) -> Floats:
    y = np.linspace(0, 1, height)[:, None] * np.ones((1, width))
    blue = int(rng.integers(190, 245))
    scene = _ramp([(60, 120, blue), (150, 195, 235), (235, 235, 225)], np.clip(y * 1.6, 0, 1))
    clouds = np.clip((fractal(rng, width, height, cells=3) - 0.5) * 3.2, 0, 0.9)[..., None]
    scene = scene * (1 - clouds) + np.array([250, 250, 252]) * clouds
    texture = fractal(rng, width, height, cells=24)
    for depth in range(3):
        line = fractal(rng, width, 64, cells=2 + depth)[20] * 0.28 + 0.34 + depth * 0.17
        inside = np.clip((y - line[None]) * height, 0, 1)[..., None]
        near = (depth + 1) / 3
        green = np.array([70 + 60 * (1 - near), 105 + 40 * (1 - near), 50 + 90 * (1 - near)])
        land = green * (0.55 + 0.75 * texture[..., None]) * (1 - 0.25 * (1 - near))
        scene = scene * (1 - inside) + land * inside
    return scene


def _sunset(rng: np.random.Generator, width: int, height: int) -> Floats:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    sky = _ramp([(45, 40, 90), (190, 80, 110), (250, 170, 90)], np.clip(y / 0.6, 0, 1))
    cx = rng.uniform(0.25, 0.75)
    sun = np.exp(-(((x - cx) * width / height) ** 2 + (y - 0.5) ** 2) / 0.006)
    sky += sun[..., None] * np.array([160, 130, 80])
    sky *= 0.85 + 0.3 * fractal(rng, width, height, cells=3)[..., None]
    ripples = cv2.resize(fractal(rng, width, height, cells=40), (width, height))
    ripples = cv2.GaussianBlur(ripples, (0, 0), sigmaX=width / 50, sigmaY=0.8)
    ripples = (ripples - ripples.mean()) / (ripples.std() + 1e-9)
    glow = np.exp(-((x - cx) ** 2) / 0.02)[..., None]
    sea = np.array([60, 55, 95]) + 34 * ripples[..., None] * (1 + glow)
    sea = sea + glow * np.array([140, 90, 50]) * (0.6 + 0.35 * ripples[..., None])
    return np.asarray(np.where((y > 0.58)[..., None], sea, sky))


def _bokeh(rng: np.random.Generator, width: int, height: int) -> Floats:
    base = rng.uniform(10, 60, 3)
    scene = np.ones((height, width, 3)) * base
    scene *= 0.6 + 0.9 * fractal(rng, width, height, cells=2)[..., None]
    side = min(width, height)
    for _ in range(int(rng.integers(30, 70))):
        radius = int(side * rng.uniform(0.02, 0.09))
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        soft = max(0.8, radius * 0.08)
        reach = radius + int(4 * soft) + 4  # further away nothing is lit
        left, top = max(0, x - reach), max(0, y - reach)
        part = scene[top : y + reach + 1, left : x + reach + 1]
        layer = np.zeros(part.shape[:2], np.uint8)
        cv2.circle(layer, (x - left, y - top), radius, 255, -1, cv2.LINE_AA)
        light = cv2.GaussianBlur(layer, (0, 0), soft).astype(float) / 255
        hue = rng.choice([[255, 190, 90], [255, 120, 70], [120, 180, 255], [255, 235, 200]])
        part += light[..., None] * hue * rng.uniform(0.15, 0.55)
    return scene


def _table(rng: np.random.Generator, width: int, height: int) -> Floats:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    wall = np.array(rng.uniform(150, 225, 3)) * (0.75 + 0.35 * (x + y) / 2)[..., None]
    wall *= 0.9 + 0.15 * fractal(rng, width, height, cells=2)[..., None]
    slits = np.clip(np.sin((x * 1.4 + y) * 14) * 2, 0, 1)
    wall += 26 * cv2.GaussianBlur(slits, (0, 0), width / 60)[..., None]
    grain = cv2.GaussianBlur(fractal(rng, width, height, cells=60), (0, 0), sigmaX=width / 25,
                             sigmaY=0.7)  # fmt: skip
    grain = (grain - grain.mean()) / (grain.std() + 1e-9)
    wood = np.array([128, 86, 52]) * (1 + 0.14 * grain[..., None]) * (0.75 + 0.4 * y)[..., None]
    edge = np.clip((y - 0.68) * 40, 0, 1)[..., None]
    return np.asarray(wall * (1 - edge) + wood * edge)


def _foliage(rng: np.random.Generator, width: int, height: int) -> Floats:
    scene = np.ones((height, width, 3)) * np.array([25, 45, 25])
    side = min(width, height)
    for depth in range(3):
        for _ in range(110):
            green = np.array([rng.uniform(30, 110), rng.uniform(80, 170), rng.uniform(25, 70)])
            light = 0.45 + 0.3 * depth * rng.uniform(0.6, 1.2)
            centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
            axes = (int(side * rng.uniform(0.04, 0.1)), int(side * rng.uniform(0.012, 0.035)))
            cv2.ellipse(scene, centre, axes, float(rng.uniform(0, 180)), 0, 360,
                        (green * light).tolist(), -1, cv2.LINE_AA)  # fmt: skip
        scene = cv2.GaussianBlur(scene, (0, 0), max(0.7, side * 0.012 * (2 - depth) / 2))
    return np.asarray(scene * (0.75 + 0.5 * fractal(rng, width, height, cells=3)[..., None]))


def _city(rng: np.random.Generator, width: int, height: int) -> Floats:
    y = np.linspace(0, 1, height)[:, None] * np.ones((1, width))
    scene = _ramp([(20, 24, 60), (70, 60, 110), (210, 130, 100)], y)
    for depth in range(3):
        left = 0
        while left < width:
            wide = int(width * rng.uniform(0.06, 0.14))
            top = int(height * rng.uniform(0.25 + 0.12 * depth, 0.6 + 0.1 * depth))
            shade = np.array([34, 34, 58]) * (1.5 - 0.4 * depth)
            scene[top:, left : left + wide] = shade * rng.uniform(0.8, 1.2)
            step = max(5, wide // 6)
            for row in range(top + step, height - step, step * 2):
                for column in range(left + step, min(width, left + wide) - step, step * 2):
                    if rng.random() < 0.45:
                        scene[row : row + step, column : column + step] = rng.uniform(0.6, 1) * (
                            np.array([255, 214, 140])
                        )
            left += wide + int(rng.integers(0, 4))
        scene = cv2.GaussianBlur(scene, (0, 0), max(0.7, width * 0.004 * (2 - depth)))
    return np.asarray(scene)


SCENES: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "hills": _hills, "sunset": _sunset, "bokeh": _bokeh, "table": _table, "foliage": _foliage,
    "city": _city,
}  # fmt: skip


def _film(rng: np.random.Generator, scene: Floats) -> Floats:
    height, width = scene.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = 1 - 0.22 * (x**2 + y**2)[..., None] / 2
    noise = cv2.GaussianBlur(rng.normal(0, 7, (height, width)), (0, 0), 0.8)
    return np.asarray(np.clip(scene * vignette + noise[..., None], 0, 255))
