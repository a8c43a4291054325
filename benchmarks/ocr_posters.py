"""Posters whose text is known exactly: type, colour, ground, turn, shadow and outline by chance.

    python -m benchmarks.ocr_posters FOLDER --count 60 [--seed 7] [--fonts /usr/share/fonts]

Equal seeds, fonts and Pillow give equal pictures. The words are ours; text stands in lines from
top to bottom, none over another.
"""

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.ocr_data import Row

SEED = 7
SIZES_PX = ((600, 800), (800, 800), (900, 600), (720, 1080))
WORDS = [
    "summer",
    "sale",
    "open",
    "day",
    "harbour",
    "festival",
    "raccoon",
    "design",
    "team",
    "market",
    "street",
    "music",
    "night",
    "coffee",
    "fresh",
    "garden",
    "winter",
    "lights",
    "workshop",
    "colour",
    "studio",
    "free",
    "entry",
    "doors",
    "tickets",
    "special",
    "offer",
    "until",
    "friday",
    "poster",
    "exhibition",
    "library",
    "weekend",
    "river",
    "bridge",
    "bicycle",
]
NUMBERS = ("50%", "20:30", "2026", "No. 7", "$9.99", "1st")
Colour = tuple[int, int, int]
Floats = NDArray[np.float64]


def make_poster(dice: random.Random, fonts: list[Path], kind: str) -> tuple[Image.Image, str]:
    """One poster and its text, lines joined by line feeds."""
    size = dice.choice(SIZES_PX)
    noise = np.random.default_rng(dice.getrandbits(32))
    ground, ink = pick_colours(dice)
    picture = Image.fromarray(GROUNDS[kind](size, ground, ink, noise)).convert("RGB")
    lines: list[str] = []
    top = dice.randint(20, 60)
    while len(lines) < dice.randint(3, 6) and top < size[1] - 90:
        line = _line(dice)
        font = _fitting(dice, fonts, line, size[0] - 80)
        layer = _drawn(dice, line, font, ink, ground)
        if layer.width > size[0] - 10 or top + layer.height > size[1] - 5:
            break
        left = dice.randint(5, max(5, size[0] - layer.width - 5))
        picture.paste(layer, (left, top), layer)
        top += layer.height + dice.randint(4, 30)
        lines.append(line)
    return picture, "\n".join(lines)


def poster_rows(count: int, folder: Path, *, fonts: Path, seed: int = SEED) -> list[Row]:
    """Draw `count` posters into `folder`, every ground equally often, and tell their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    files = true_type_fonts(fonts)
    dice = random.Random(seed)
    rows = []
    for number in range(count):
        kind = list(GROUNDS)[number % len(GROUNDS)]
        picture, text = make_poster(dice, files, kind)
        path = folder / f"poster_{seed}_{number:04}.png"
        picture.save(path)
        name = f"poster on {kind}"
        rows.append(Row(path.name, path, name, text, strict=True, whole=True))
    return rows


def true_type_fonts(folder: Path) -> list[Path]:
    """All that draw letters, in a stable order."""
    files = sorted(path for path in folder.rglob("*.ttf") if "Math" not in path.name)
    if not files:
        raise SystemExit(f"{folder}: no TrueType fonts; install fonts-dejavu and fonts-liberation")
    return files


def _line(dice: random.Random) -> str:
    words = dice.sample(WORDS, dice.randint(1, 3))
    if dice.random() < 0.25:
        words.append(dice.choice(NUMBERS))
    line = " ".join(words)
    return dice.choice((line, line.upper(), line.title()))


def _fitting(
    dice: random.Random, fonts: list[Path], line: str, width_px: int
) -> ImageFont.FreeTypeFont:
    path, size = dice.choice(fonts), dice.randint(18, 110)
    font = ImageFont.truetype(path, size)
    while font.getlength(line) > width_px and size > 12:
        size = int(size * 0.85)
        font = ImageFont.truetype(path, size)
    return font


def _drawn(
    dice: random.Random, line: str, font: ImageFont.FreeTypeFont, ink: Colour, ground: Colour
) -> Image.Image:
    """The line on nothing: sometimes with a shadow or an outline, sometimes turned."""
    stroke = dice.choice((0, 0, 0, 2))
    left, top, right, bottom = font.getbbox(line, stroke_width=stroke)
    size = (int(right - left) + 16, int(bottom - top) + 16)
    layer = Image.new("RGBA", size, (*ink, 0))
    pen = ImageDraw.Draw(layer)
    if dice.random() < 0.25:
        pen.text((8 - left + 3, 8 - top + 3), line, font=font, fill=(60, 60, 60, 150))
        layer = layer.filter(ImageFilter.GaussianBlur(1))
        pen = ImageDraw.Draw(layer)
    pen.text(
        (8 - left, 8 - top), line, font=font, fill=ink, stroke_width=stroke, stroke_fill=ground
    )
    angle = dice.choice((0, 0, 0, dice.uniform(-12, 12)))
    return layer.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)


def pick_colours(dice: random.Random) -> tuple[Colour, Colour]:
    """A ground and an ink that people can tell apart (120 grey levels or more)."""
    while True:
        ground, ink = (
            (dice.randrange(256), dice.randrange(256), dice.randrange(256)) for _ in "ab"
        )
        if abs(_grey(ground) - _grey(ink)) >= 120:
            return ground, ink


def _grey(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _flat(
    size: tuple[int, int], ground: Colour, ink: Colour, noise: np.random.Generator
) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 3), ground, dtype=np.uint8)


def _gradient(
    size: tuple[int, int], ground: Colour, ink: Colour, noise: np.random.Generator
) -> NDArray[np.uint8]:
    """From the ground half of the way to the ink."""
    share = np.linspace(0, 0.5, size[1])[:, None, None]
    return _bytes(_mixed(ground, ink, np.broadcast_to(share, (size[1], size[0], 1))))


def _photo(
    size: tuple[int, int], ground: Colour, ink: Colour, noise: np.random.Generator
) -> NDArray[np.uint8]:
    """Soft blobs and grain around the ground, as behind text on a blurred photo."""
    small = noise.uniform(0, 255, (9, 9, 3)).astype(np.uint8)
    blobs = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC), dtype=float)
    return _bytes(0.65 * np.array(ground) + 0.35 * blobs + noise.normal(0, 10, blobs.shape))


def _pattern(
    size: tuple[int, int], ground: Colour, ink: Colour, noise: np.random.Generator
) -> NDArray[np.uint8]:
    """Stripes that lean towards the ink."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    period = noise.integers(16, 60)
    striped = ((rows + columns * noise.integers(0, 3)) // period % 2)[..., None] * 0.3
    return _bytes(_mixed(ground, ink, striped))


def _mixed(ground: Colour, ink: Colour, share: Floats) -> Floats:
    mixed: Floats = np.array(ground) * (1 - share) + np.array(ink) * share
    return mixed


def _bytes(values: Floats) -> NDArray[np.uint8]:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


Ground = Callable[[tuple[int, int], Colour, Colour, np.random.Generator], NDArray[np.uint8]]
GROUNDS: dict[str, Ground] = {
    "flat": _flat,
    "gradient": _gradient,
    "photo": _photo,
    "pattern": _pattern,
}


def draw_set(description: str, draw: Callable[..., list[Row]], *, count: int) -> None:
    """A command that draws a set and its manifest.

    Args:
        draw: makes `count` pictures in a folder, see `poster_rows`.
        count: how many where the command does not say.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    options = parser.parse_args()
    rows = draw(options.count, options.folder, fonts=options.fonts, seed=options.seed)
    lines = [
        json.dumps({"file": row.file, "kind": row.kind, "transcription": row.truth}) for row in rows
    ]
    (options.folder / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    draw_set(__doc__ or "", poster_rows, count=60)
