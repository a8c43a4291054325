"""The marks of brands, alone or beside the words, and an agency's mark across a picture."""

import random

from PIL import Image, ImageFilter

from benchmarks.brand_canvas import WHITE, Scene, place
from benchmarks.brand_figures import Figure, areas_of, draw_parts
from benchmarks.brand_grounds import Ground
from benchmarks.brand_paints import Paint, contrast, ink_for, palette_for
from benchmarks.brand_shapes import MARKS
from benchmarks.brand_words import BRANDS, Type, set_lines


def brand_inks(brand: str) -> tuple[Paint, Paint]:
    """The two paints of a brand, the same in every picture."""
    dice = random.Random(f"brand {brand}")
    first, second = palette_for(dice, "vivid", (WHITE,), number=2)
    return first, second


def put_mark(scene: Scene, brand: str, dice: random.Random, *, word_mark: bool) -> None:
    """The mark alone in the middle, with its word mark or without: then it is the figure."""
    width, height = scene.picture.size
    px = round(min(width, height) * dice.uniform(0.42, 0.62))
    first, second = _told_apart(brand, scene.ground)
    through = "none" if not scene.ground.paints else scene.ground.main.hex
    rgba = draw_parts(MARKS[BRANDS[brand]](), (first.hex, second.hex, through), px)
    y = round(height * (0.4 if word_mark else 0.5))
    figure = Figure(
        f"{brand} mark", "flat", rgba, rgba[..., 3] >= 128, _inks_of(brand, (first, second))
    )
    place(scene, figure, (width // 2, y), rim=False, shadow=False)
    left, top, right, bottom = scene.figure_boxes[-1]
    if word_mark:
        slot = (round(width * 0.15), y + px // 2 + 4, round(width * 0.85), round(height * 0.95))
        style = Type("DejaVuSans-Bold", "none", "centre", False)
        lines = set_lines(scene.picture, [brand], slot, style, first.rgb)
        scene.lines += lines
        for line in lines:
            left, right = min(left, line.x_px), max(right, line.x_px + line.w_px)
            bottom = max(bottom, line.y_px + line.h_px)
    scene.logo_box = (left, top, right, bottom)


def put_logo(
    scene: Scene, brand: str, at: tuple[float, float], dice: random.Random, *, word_mark: bool
) -> None:
    """A small mark with the words or in a corner."""
    width, height = scene.picture.size
    px = round(dice.uniform(0.075, 0.11) * min(width, height))
    first, second = _told_apart(brand, scene.ground)
    through = "none" if not scene.ground.paints else scene.ground.main.hex
    rgba = draw_parts(MARKS[BRANDS[brand]](), (first.hex, second.hex, through), px)
    x, y = round(at[0] * width), round(at[1] * height) - px // 2
    y = min(max(2, y), height - px - 2)
    scene.picture.alpha_composite(Image.fromarray(rgba), (x, y))
    right = x + px
    if word_mark:
        slot = (right + px // 5, y, min(width - 2, right + px * 4), y + px)
        style = Type("DejaVuSans-Bold", "none", "left", False)
        lines = set_lines(scene.picture, [brand], slot, style, first.rgb)
        scene.lines += lines
        right = max([right, *(line.x_px + line.w_px for line in lines)])
    scene.logo_box = (x, y, right, y + px)


def _inks_of(brand: str, inks: tuple[Paint, Paint]) -> dict[Paint, float]:
    """Pixels of each ink in the mark."""
    shares: dict[Paint, float] = {}
    for paint, number in zip(inks, areas_of(MARKS[BRANDS[brand]]()), strict=False):
        shares[paint] = shares.get(paint, 0.0) + number
    return shares


def _told_apart(brand: str, ground: Ground) -> tuple[Paint, Paint]:
    """A brand's inks, or its mark in one colour where they would drown."""
    first, second = brand_inks(brand)
    if ground.kind != "transparent" and contrast(first, ground.main) < 1.8:
        ink = ink_for(random.Random(brand), ground.main)
        return ink, ink
    return first, second


def watermark(scene: Scene, text: str) -> None:
    """An agency's name across the picture, half seen through."""
    width, height = scene.picture.size
    layer = Image.new("RGBA", scene.picture.size)
    style = Type("DejaVuSans-Bold", "none", "centre", False)
    slot = (round(width * 0.1), round(height * 0.42), round(width * 0.9), round(height * 0.58))
    lines = set_lines(layer, [text], slot, style, (128, 128, 128))
    layer.putalpha(layer.getchannel("A").point(lambda value: round(value * 0.55)))
    scene.picture.alpha_composite(layer.filter(ImageFilter.GaussianBlur(0.3)))
    scene.lines += lines
