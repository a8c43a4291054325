"""Words of brand graphics, and lines of type whose boxes are known to the pixel."""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.brand_paints import Rgb

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FACES = (
    "DejaVuSans-Bold", "DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif-Bold", "DejaVuSerif",
    "DejaVuSansMono-Bold", "STIXGeneralBol", "STIXGeneralItalic",
)  # fmt: skip
BRANDS = {
    "Norvik": "peak", "Halden": "bars", "Solara": "ring", "Bergamo": "petals", "Tindra": "drop",
    "Okapi": "hex", "Lumen": "bolt", "Verdant": "wave", "Kestrel": "slash", "Pavo": "shield",
    "Fjell": "peak", "Brio": "petals",
}  # fmt: skip
"""Brands of nobody, and the kind of mark that each has."""

HEADS = (
    "Summer starts here", "Work less, ship more", "Fresh every morning", "Made to be repaired",
    "Quiet like snow", "Back to school", "Now in every store", "A better Monday", "Open all night",
    "Small steps, big days", "Your garden, indoors", "Learn a song in a week", "Meet the new one",
    "Two for one", "Grand opening", "Winter is coming home", "Say hello to colour",
    "Hand made in Lisbon", "Book early, pay less", "The weekend market",
)  # fmt: skip
SUBS = (
    "Only this week", "Free delivery from 30", "Ten years of spare parts", "Baked at five",
    "Tickets at the door", "From 8 am to 6 pm", "In all sizes", "Members save more",
    "Ask us anything", "Since 1987", "Limited edition", "Sign up today",
)  # fmt: skip
SALES = ("SALE", "50% OFF", "-30%", "LAST DAYS", "MEGA DEAL", "BUY 2 GET 1", "ONLY 9.99", "NEW IN")
PRICES = ("9.99", "19.90", "$ 24", "149.-", "$3.50", "12.00", "from 39")
QUOTES = (
    ("Good design is", "as little design", "as possible"),
    ("Start where", "you are"),
    ("Less noise,", "more music"),
    ("Make it simple", "but significant"),
    ("Every day is", "a fresh start"),
    ("Done is better", "than perfect"),
    ("Ideas need", "long walks"),
    ("Stay curious", "and be kind"),
    ("Nothing is wasted", "in a good garden"),
)
BUTTONS = ("Shop now", "Learn more", "Sign up", "Book now", "Join us")


@dataclass(frozen=True)
class Line:
    """One written line and where it stands, in pixels."""

    text: str
    x_px: int
    y_px: int
    w_px: int
    h_px: int


@dataclass(frozen=True)
class Type:
    """How a campaign sets its words."""

    face: str
    effect: str
    """`none`, `shadow` or `outline`."""
    align: str
    capitals: bool


def type_of(dice: random.Random) -> Type:
    """A way of setting type."""
    return Type(
        dice.choice(FACES), dice.choice(("none", "none", "none", "shadow", "outline")),
        dice.choice(("left", "centre")), dice.random() < 0.25,
    )  # fmt: skip


@cache
def font(face: str, size: int) -> ImageFont.FreeTypeFont:
    """A face that matplotlib ships, so that every machine draws the same."""
    return ImageFont.truetype(FONTS / f"{face}.ttf", size)


def set_lines(
    picture: Image.Image, texts: list[str], slot: tuple[int, int, int, int], style: Type, ink: Rgb
) -> list[Line]:
    """Write lines as large as the slot (left, top, right, bottom) allows; the last is smaller."""
    left, top, right, bottom = slot
    texts = [text.upper() if style.capitals else text for text in texts]
    size = _fitting(texts, style.face, right - left, bottom - top)
    if size < 9:
        return []
    spacing = round(size * 1.28)
    y = top + max(0, (bottom - top - spacing * len(texts)) // 2)
    lines = []
    for text in texts:
        used = font(style.face, size)
        x = left
        if style.align == "centre":
            x = left + round((right - left - used.getlength(text)) / 2)
        box = _write(picture, (x, y), text, used, style, ink)
        lines.append(Line(text, box[0], box[1], box[2] - box[0], box[3] - box[1]))
        y += spacing
    return lines


def _fitting(texts: list[str], face: str, width: int, height: int) -> int:
    size = max(1, int(height / (1.28 * len(texts))))
    widest = max(font(face, 100).getlength(text) for text in texts) / 100
    return int(min(size, width / widest, 150))


def _write(
    picture: Image.Image,
    at: tuple[int, int],
    text: str,
    used: ImageFont.FreeTypeFont,
    style: Type,
    ink: Rgb,
) -> tuple[int, int, int, int]:
    draw = ImageDraw.Draw(picture)
    dark = sum(ink) > 380
    rim = (0, 0, 0) if dark else (255, 255, 255)
    if style.effect == "shadow":
        layer = Image.new("RGBA", picture.size)
        off = max(1, round(used.size * 0.05))
        ImageDraw.Draw(layer).text((at[0] + off, at[1] + off), text, (0, 0, 0, 120), used)
        picture.alpha_composite(layer.filter(ImageFilter.GaussianBlur(off)))
    stroke = max(1, round(used.size * 0.05)) if style.effect == "outline" else 0
    draw.text(at, text, (*ink, 255), used, stroke_width=stroke, stroke_fill=(*rim, 255))
    box = draw.textbbox(at, text, used, stroke_width=stroke)
    wide, high = picture.size
    return (
        max(0, int(box[0])),
        max(0, int(box[1])),
        min(wide, int(box[2])),
        min(high, int(box[3])),
    )
