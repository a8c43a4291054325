"""One figure drawn in a style: its pixels, its silhouette, and how much each paint takes of it.

Vector styles go through resvg (gradients, strokes, anti-aliasing); photo-like things are solids of
revolution, lit from one side (Lambert's law with a highlight after Phong 1975).
"""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from benchmarks.brand_paints import PAINTS, Paint
from benchmarks.brand_shapes import SHAPES, Part, Points, box, ellipse

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
STYLES = ("flat", "outline", "shaded", "hand-drawn", "collage", "photo")
MARGIN = 6.0
"""Room around the box of 100 by 100 for strokes."""
INK = 3
"""The number of the dark line in a map of paints; 0 to 2 are the figure's own."""


@dataclass(frozen=True)
class Figure:
    """One drawn thing."""

    what: str
    style: str
    rgba: Bytes
    silhouette: NDArray[np.bool_]
    """Its extent, holes filled."""
    paints: dict[Paint, float]
    """Pixels of each paint, before shading."""


def draw(dice: random.Random, what: str, style: str, paints: tuple[Paint, ...], px: int) -> Figure:
    """A figure of `px` by `px`."""
    if style == "photo":
        return _solid(dice, what, paints, px)
    parts = SHAPES[what]
    if style == "hand-drawn":
        parts = [(_jitter(dice, points), role) for points, role in parts]
    inks = (*paints[:3], Paint("black", (28, 26, 30), 0.0))
    width = dice.uniform(2.5, 5.0)
    rgba = _rendered(_svg(dice, parts, style, inks, width), px)
    ids = _map(parts, style, width, px)
    silhouette = ids >= 0
    if style == "outline":
        silhouette = _filled(rgba[..., 3] >= 100)
    if style == "collage":
        rgba = _cut_out(dice, rgba, inks[INK])
        silhouette = _filled(rgba[..., 3] >= 128)
    counts = np.bincount(ids[ids >= 0], minlength=4)
    shares: dict[Paint, float] = {}
    for paint, number in zip(inks, counts, strict=True):
        if number:
            shares[paint] = shares.get(paint, 0.0) + float(number)
    return Figure(what, style, rgba, silhouette, shares)


def draw_parts(parts: list[Part], inks: tuple[str, str, str], px: int) -> Bytes:
    """Flat parts in colours `#rrggbb` (or `none`): a brand's mark."""
    body = "".join(f'<path d="{_d(points)}" fill="{inks[role]}"/>' for points, role in parts)
    return _rendered(_page(body), px)


def areas_of(parts: list[Part]) -> tuple[float, float, float]:
    """What is seen of each of the three paints, in pixels of a drawing of 400 by 400."""
    ids = _map(parts, "flat", 0.0, 400)
    first, second, third = np.bincount(ids[ids >= 0], minlength=3)[:3]
    return float(first), float(second), float(third)


def _page(body: str, defs: str = "") -> str:
    side = 100 + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-MARGIN} {-MARGIN} {side} {side}">'
        f"<defs>{defs}</defs>{body}</svg>"
    )


def _rendered(svg: str, px: int) -> Bytes:
    png = resvg_py.svg_to_bytes(svg_string=svg, width=px, height=px, skip_system_fonts=True)
    with Image.open(io.BytesIO(bytes(png))) as opened:
        return np.array(opened.convert("RGBA"))


def _svg(
    dice: random.Random, parts: list[Part], style: str, inks: tuple[Paint, ...], width: float
) -> str:
    body, defs = "", ""
    for number, (points, role) in enumerate(parts):
        colour, d = inks[role].hex, _d(points)
        if style == "outline":
            body += (
                f'<path d="{d}" fill="none" stroke="{inks[0].hex}" stroke-width="{width:.1f}"'
                ' stroke-linejoin="round"/>'
            )
        elif style == "shaded":
            light, dark = _mixed(inks[role].rgb, 255, 0.28), _mixed(inks[role].rgb, 0, 0.28)
            defs += (
                f'<linearGradient id="g{number}" x1="0.2" y1="0" x2="0.7" y2="1">'
                f'<stop offset="0" stop-color="{light}"/>'
                f'<stop offset="0.45" stop-color="{colour}"/>'
                f'<stop offset="1" stop-color="{dark}"/></linearGradient>'
            )
            body += f'<path d="{d}" fill="url(#g{number})"/>'
        elif style == "hand-drawn":
            off = dice.uniform(-2.2, 2.2)
            body += f'<path d="{d}" fill="{colour}" transform="translate({off:.1f} {off:.1f})"/>'
            body += (
                f'<path d="{_d(_jitter(dice, points, 0.8))}" fill="none" stroke="{inks[INK].hex}"'
                f' stroke-width="{width * 0.6:.1f}" stroke-linecap="round"/>'
            )
        else:
            body += f'<path d="{d}" fill="{colour}"/>'
    return _page(body, defs)


def _d(points: Points) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + "Z"


def _mixed(rgb: tuple[int, int, int], towards: int, share: float) -> str:
    return "#" + "".join(f"{round(c + (towards - c) * share):02x}" for c in rgb)


def _jitter(dice: random.Random, points: Points, strength: float = 1.0) -> Points:
    """A line as a hand draws it: smooth noise along a densely sampled outline."""
    closed = np.vstack([points, points[:1]])
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0, length[-1], max(24, int(length[-1] / 3)), endpoint=False)
    dense = np.stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)], axis=1)
    noise = np.random.default_rng(dice.getrandbits(32)).normal(size=dense.shape)
    kernel = np.hanning(7) / np.hanning(7).sum()
    for axis in (0, 1):
        wrapped = np.concatenate([noise[-3:, axis], noise[:, axis], noise[:3, axis]])
        dense[:, axis] += 2 * strength * np.convolve(wrapped, kernel, mode="valid")
    return np.asarray(dense)


def _map(parts: list[Part], style: str, width: float, px: int) -> NDArray[np.int32]:
    """Which paint lies on top at each pixel; -1 for none. Without anti-aliasing, so exact."""
    ids = np.full((px, px), -1, dtype=np.int32)
    scale = px / (100 + 2 * MARGIN)
    for points, role in parts:
        corners = np.round((points + MARGIN) * scale).astype(np.int32)
        if style == "outline":
            cv2.polylines(ids, [corners], True, 0, max(1, round(width * scale)))
            continue
        cv2.fillPoly(ids, [corners], role)
        if style == "hand-drawn":
            cv2.polylines(ids, [corners], True, INK, max(1, round(0.6 * width * scale)))
    return ids


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1).astype(np.uint8)
    cv2.floodFill(padded, None, (0, 0), 2)
    return np.asarray(padded[1:-1, 1:-1] != 2)


def _cut_out(dice: random.Random, rgba: Bytes, ink: Paint) -> Bytes:
    """Printed paper, cut out with a white rim, and a ring drawn over it by hand."""
    px = rgba.shape[0]
    rng = np.random.default_rng(dice.getrandbits(32))
    rim = max(3, round(px * 0.022))
    wide = cv2.dilate(rgba[..., 3], cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim)))
    grain = cv2.GaussianBlur(rng.normal(0, 34, (px, px)), (0, 0), 1.1)
    alpha = rgba[..., 3:].astype(np.float64) / 255
    paper = 250 * (1 - alpha) + rgba[..., :3] * alpha + (grain[..., None] * 0.6) * alpha
    cut = np.dstack([np.clip(paper, 0, 255), wide]).astype(np.uint8)
    ring = _jitter(dice, ellipse(50, 52, dice.uniform(34, 46), dice.uniform(28, 40)), 1.6)
    stroke = f'<path d="{_d(ring)}" fill="none" stroke="{ink.hex}" stroke-width="2.4"/>'
    over = Image.fromarray(cut)
    over.alpha_composite(Image.fromarray(_rendered(_page(stroke), px)))
    return np.array(over)


SOLIDS: dict[str, Callable[[Floats], Floats]] = {
    "ball": lambda v: 0.48 * np.sqrt(np.clip(1 - (2 * v - 1) ** 2, 0, 1)),
    "egg": lambda v: 0.40 * np.sqrt(np.clip(1 - (2 * v - 1) ** 2, 0, 1)) * (0.82 + 0.25 * v),
    "vase": lambda v: 0.2 + 0.16 * np.sin(np.pi * (0.15 + v * 1.2)) ** 2 - 0.06 * (v < 0.08),
    "candle": lambda v: 0.22 + 0 * v,
    "bottle": lambda v: np.where(
        v < 0.28, 0.09 + 0.02 * (v < 0.08), np.where(v < 0.42, 0.1 + (v - 0.28) * 1.1, 0.25)
    ),
    "bowl": lambda v: np.where(v < 0.45, 0, 0.48 * np.cos(np.clip(v - 0.45, 0, 1) * 2.6)),
    "jar": lambda v: np.where(v < 0.16, 0.26, np.where(v < 0.22, 0.24, 0.34)),
    "lamp shade": lambda v: 0.16 + 0.3 * v,
}
"""Name → half width at a height (0 top to 1 bottom) of a solid of revolution."""


def _solid(dice: random.Random, what: str, paints: tuple[Paint, ...], px: int) -> Figure:
    """A turned thing under a lamp, with grain; its band is a second paint."""
    y, x = (np.mgrid[0:px, 0:px] + 0.5) / px
    v = (y - 0.03) / 0.94
    half = np.maximum(np.where((v >= 0) & (v <= 1), SOLIDS[what](np.clip(v, 0, 1)), 0), 0)
    u = np.clip((x - 0.5) / np.maximum(half, 1e-6), -1.5, 1.5)
    inside = (np.abs(u) < 1) & (half > 0.004)
    nx, nz = u, np.sqrt(np.clip(1 - u**2, 0, 1))
    ny = np.clip(np.gradient(half, axis=0) * px * -1, -1.2, 1.2)
    length = np.sqrt(nx**2 + ny**2 + nz**2) + 1e-9
    side = dice.choice((-1, 1))
    lamp = np.array([0.5 * side, -0.45, 0.74])
    facing = np.clip((nx * lamp[0] - ny * -lamp[1] + nz * lamp[2]) / length, 0, 1)
    shine = np.clip(facing, 0, 1) ** 28 * dice.uniform(0.15, 0.5)
    band = (v > dice.uniform(0.45, 0.55)) & (v < dice.uniform(0.68, 0.8))
    ids = np.where(band, 1, 0)
    colour = np.array([paints[0].rgb, paints[1].rgb])[ids]
    rng = np.random.default_rng(dice.getrandbits(32))
    grain = cv2.GaussianBlur(rng.normal(0, 1, (px, px)), (0, 0), 1.2)[..., None]
    rgb = colour * (0.5 + 0.62 * facing[..., None]) * (1 + 0.05 * grain)
    rgb = rgb + 255 * shine[..., None] + 3 * rng.normal(size=(px, px, 1))
    alpha = cv2.GaussianBlur(inside.astype(np.float64) * 255, (0, 0), max(0.6, px / 400))
    counts = np.bincount(ids[inside], minlength=2)
    shares: dict[Paint, float] = {}
    for paint, number in zip(paints, counts, strict=False):
        if number:
            shares[paint] = shares.get(paint, 0.0) + float(number)
    rgba = np.dstack([np.clip(rgb, 0, 255), alpha]).astype(np.uint8)
    return Figure(what, "photo", rgba, alpha >= 128, shares)


def portrait(dice: random.Random, paints: tuple[Paint, ...], px: int) -> Figure:
    """Somebody from the front, as a camera blurs and shades: of nobody who lives."""
    skin = dice.choice([paint for paint in PAINTS if paint.name == "brown" and paint.light > 0.1])
    hair = Paint("black", (30, 24, 22), 0.0)
    parts = [
        (ellipse(50, 112, 46, 44), paints[0]), (box(42, 58, 16, 20, 6), skin),
        (ellipse(50, 33, 27, 29), hair), (ellipse(50, 42, 21, 26), skin),
        (ellipse(41.5, 39, 3.2, 1.8), hair), (ellipse(58.5, 39, 3.2, 1.8), hair),
        (ellipse(50, 56, 7, 1.6), Paint("red", (140, 60, 60), 0.1)),
    ]  # fmt: skip
    ids = np.full((px, px), -1, dtype=np.int32)
    for number, (points, _) in enumerate(parts):
        cv2.fillPoly(ids, [np.round(points * px / 104).astype(np.int32)], number)
    inside = ids >= 0
    y, x = (np.mgrid[0:px, 0:px] + 0.5) / px
    colour = np.array([paint.rgb for _, paint in parts])[ids].astype(np.float64)
    light = 1.12 - 0.75 * np.hypot(x - 0.4, y - 0.38)
    rng = np.random.default_rng(dice.getrandbits(32))
    rgb = cv2.GaussianBlur(colour * light[..., None], (0, 0), max(0.8, px / 130))
    rgb += 4 * rng.normal(size=(px, px, 1))
    alpha = cv2.GaussianBlur(inside.astype(np.float64) * 255, (0, 0), max(0.6, px / 300))
    shares: dict[Paint, float] = {}
    for number, (_, paint) in enumerate(parts):
        shares[paint] = shares.get(paint, 0.0) + float((ids == number).sum())
    rgba = np.dstack([np.clip(rgb, 0, 255), alpha]).astype(np.uint8)
    return Figure("portrait", "photo", rgba, alpha >= 128, shares)
