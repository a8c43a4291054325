"""Stamps whose text is known exactly: writing around a ring, above and below, a word in the middle.

    python -m benchmarks.ocr_stamps FOLDER --count 40 [--seed 7] [--fonts /usr/share/fonts]

Equal seeds, fonts and Pillow give equal pictures. The words are those of the posters.
"""

import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.ocr_data import Row
from benchmarks.ocr_posters import SEED, WORDS, Colour, draw_set, pick_colours, true_type_fonts

SIZES_PX = (256, 400, 512, 640)
UPPER_DEG, LOWER_DEG = 200, 110
"""How far the writing above and below may reach around."""


def make_stamp(dice: random.Random, fonts: list[Path]) -> tuple[Image.Image, str]:
    """One stamp and its text: the upper arc, the middle, the lower arc, each on a line."""
    size = dice.choice(SIZES_PX)
    ground, ink = pick_colours(dice)
    picture = Image.new("RGBA", (size, size), (255, 255, 255, 0))
    pen = ImageDraw.Draw(picture)
    radius = 0.48 * size
    centre = size / 2
    pen.ellipse([centre - radius, centre - radius, centre + radius, centre + radius], fill=ground)
    rim = dice.choice((0, 0.02, 0.04)) * size
    inner = radius * dice.uniform(0.55, 0.66)
    if rim:
        for edge in (radius - 1.5 * rim, inner):
            box = [centre - edge, centre - edge, centre + edge, centre + edge]
            pen.ellipse(box, outline=ink, width=max(2, round(rim / 3)))
    font = dice.choice(fonts)
    lines = []
    band = (radius - 2 * rim - inner) * 0.62
    upper = " ".join(dice.sample(WORDS, dice.choice((2, 3)))).upper()
    lower = dice.choice((None, dice.choice(WORDS).upper(), dice.choice(WORDS).upper()))
    middle = inner + (radius - 1.5 * rim - inner) / 2
    lines.append(write_around(picture, upper, font, band, middle, ink, reach_deg=UPPER_DEG))
    if dice.random() < 0.6:
        word = dice.choice(WORDS).upper()
        face = _fitting(font, word, 1.5 * inner, inner)
        pen.text((centre, centre), word, font=face, fill=ink, anchor="mm")
        lines.append(word)
    if lower:
        lines.append(
            write_around(picture, lower, font, band, middle, ink, reach_deg=LOWER_DEG, below=True)
        )
    if dice.random() < 0.5:  # no transparency
        laid = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        laid.alpha_composite(picture)
        picture = laid
    return picture, "\n".join(lines)


def stamp_rows(count: int, folder: Path, *, fonts: Path, seed: int = SEED) -> list[Row]:
    """Draw `count` stamps into `folder` and tell their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    files = true_type_fonts(fonts)
    dice = random.Random(seed)
    rows = []
    for number in range(count):
        picture, text = make_stamp(dice, files)
        path = folder / f"stamp_{seed}_{number:04}.png"
        picture.save(path)
        rows.append(Row(path.name, path, "stamp", text, strict=True, whole=True))
    return rows


def write_around(
    picture: Image.Image,
    text: str,
    font: Path,
    height_px: float,
    radius_px: float,
    ink: Colour,
    *,
    reach_deg: float,
    below: bool = False,
) -> str:
    """Set the letters one by one along a circle, each standing on it; below they stand inwards."""
    face = ImageFont.truetype(font, max(8, round(height_px)))
    room = math.radians(reach_deg) * radius_px
    if face.getlength(text) > room:
        face = ImageFont.truetype(font, max(8, round(height_px * room / face.getlength(text))))
    spread = 1.06  # letters on an arc stand a little apart
    at = -spread * face.getlength(text) / 2
    for number, letter in enumerate(text):
        width = spread * (face.getlength(text[: number + 1]) - face.getlength(text[:number]))
        angle = (at + width / 2) / radius_px
        at += width
        if letter == " ":
            continue
        x = math.sin(angle) * radius_px
        y = math.cos(angle) * radius_px * (1 if below else -1)
        turn = math.degrees(angle) * (1 if below else -1)
        side = round(3 * height_px) + 8
        stamp = Image.new("RGBA", (side, side), (*ink, 0))
        ImageDraw.Draw(stamp).text((side / 2, side / 2), letter, font=face, fill=ink, anchor="mm")
        stamp = stamp.rotate(turn, resample=Image.Resampling.BICUBIC)
        corner = (round(picture.width / 2 + x - side / 2), round(picture.height / 2 + y - side / 2))
        picture.paste(Image.new("RGBA", stamp.size, (*ink, 255)), corner, stamp.getchannel("A"))
    return text


def _fitting(font: Path, word: str, width_px: float, height_px: float) -> ImageFont.FreeTypeFont:
    size = height_px / 2
    while ImageFont.truetype(font, max(8, round(size))).getlength(word) > width_px and size > 8:
        size *= 0.85
    return ImageFont.truetype(font, max(8, round(size)))


if __name__ == "__main__":
    draw_set(__doc__ or "", stamp_rows, count=40)
