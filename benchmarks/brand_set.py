"""A brand team's pictures, drawn so that every field of the label schema is known exactly.

    python -m benchmarks.brand_set FOLDER [--count 300] [--seed 1] [--sheet sheet.png]

Pictures lie in FOLDER, their truth in FOLDER/truth.jsonl, one object a line. Pictures of one
`family` share a template and differ in words, things, quality or file format. Equal seeds, fonts
(those of matplotlib) and libraries give equal files. Seeds below 100 are for choosing parameters,
those from 100 on for reporting; nothing is tuned on the kinds in `HELD_OUT` with any seed.
"""

import argparse
import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.brand_canvas import Scene
from benchmarks.brand_grounds import Ground
from benchmarks.brand_layouts import HELD_OUT, KINDS, Plan
from benchmarks.brand_logos import watermark
from benchmarks.brand_paints import Paint
from benchmarks.brand_scenes import Template, compose, template_of
from benchmarks.brand_truth import boxes_of, fields_of, source_words

__all__ = ["HELD_OUT", "KINDS", "Truth", "make_brand_set", "read_truth"]

TRUTH_FILE = "truth.jsonl"
QUALITY_ODDS = {"good": 68, "fair": 19, "poor": 13}
FLAG_ODDS = {"": 85, "person-visible": 4, "licence-doubt": 4, "unusable": 4}
AGENCIES = ("Stockfolio preview", "Imagebank sample", "PicTrade")
LARGEST_FAMILY = 6


@dataclass(frozen=True)
class Truth:
    """What is true of one picture."""

    file: str
    """Relative to the folder of the set."""
    width_px: int
    height_px: int
    family: str
    kind: str
    """The kind of template, such as `banner`."""
    seed: int
    fields: dict[str, Any]
    """Every field of the label schema."""
    boxes: list[dict[str, Any]]
    """`{label, x_px, y_px, w_px, h_px, text}`; labels are Text, Figure and Logo."""
    caption_parts: dict[str, Any]
    """`subject`, the number of figures, and the colours by name."""
    source: dict[str, Any]
    """What a source would say: `title`, `alt_text`, `tags`; often nothing."""

    @property
    def held_out(self) -> bool:
        """True for kinds that nothing was tuned on."""
        return self.kind in HELD_OUT


def make_brand_set(folder: Path, count: int, seed: int) -> list[Truth]:
    """Draw `count` pictures into `folder` and write their truth beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, kind, family, scene, plan, file_kind, flags, quality, words in _pictures(count, seed):
        body, suffix, quality = _saved(scene.picture, file_kind, quality, random.Random(name))
        file = f"{name}.{suffix}"
        (folder / file).write_bytes(body)
        fields, parts = fields_of(scene, plan, words, quality=quality, flags=flags)
        source = source_words(random.Random(f"source {name}"), fields, parts)
        rows.append(
            Truth(
                file, scene.picture.width, scene.picture.height, family, kind, seed, fields,
                boxes_of(scene), parts, source,
            )
        )  # fmt: skip
    lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
    (folder / TRUTH_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return rows


def read_truth(folder: Path) -> list[Truth]:
    """The truth of a set that was drawn before."""
    text = (folder / TRUTH_FILE).read_text(encoding="utf-8")
    return [Truth(**json.loads(line)) for line in text.splitlines()]


_Picture = tuple[str, str, str, Scene, Plan, str, list[str], str, Template]


def _pictures(count: int, seed: int) -> Iterator[_Picture]:
    dice = random.Random(f"brand set {seed}")
    made, number = 0, 0
    while made < count:
        template = template_of(seed * 100_000 + number)
        family = f"s{seed}f{number:04}"
        number += 1
        for member in range(min(dice.randint(1, LARGEST_FAMILY), count - made)):
            own = random.Random(f"{family} {member}")
            flag = own.choices(list(FLAG_ODDS), list(FLAG_ODDS.values()))[0]
            if flag == "person-visible" and template.kind not in (
                "post",
                "card",
                "banner",
                "event",
            ):
                flag = ""
            scene, plan = compose(template, own, person=flag == "person-visible")
            if flag == "licence-doubt":
                watermark(scene, own.choice(AGENCIES))
            if flag == "unusable":
                scene, plan = _useless(template, own), Plan(subject="ground")
            quality = own.choices(list(QUALITY_ODDS), list(QUALITY_ODDS.values()))[0]
            file_kind = "png" if template.ground == "transparent" or own.random() < 0.4 else "jpeg"
            yield (
                f"{family}m{member}", template.kind, family, scene, plan, file_kind,
                [flag] if flag else [], quality, template,
            )  # fmt: skip
            made += 1


def _useless(template: Template, dice: random.Random) -> Scene:
    """What a broken export leaves: bars of colour, or nothing at all."""
    width, height = template.size
    bars = [dice.choice((Paint("white", (255, 255, 255), 0), Paint("black", (0, 0, 0), 0)))]
    if dice.random() < 0.5:
        bars = _bars()
    at = np.minimum(np.arange(width) * len(bars) // width, len(bars) - 1)
    row = np.array([bar.rgb for bar in bars], dtype=float)[at]
    pixels = np.repeat(row[None], height, axis=0)
    shares = {bar: 1 / len(bars) for bar in bars}
    one = len(bars) == 1
    ground = Ground(
        "plain" if one else "pattern", pixels, shares, bars[0].name if one else "several"
    )
    alpha = np.full((height, width, 1), 255.0)
    picture = Image.fromarray(np.dstack([pixels, alpha]).astype(np.uint8))
    scene = Scene(picture, ground, np.zeros((height, width), dtype=bool))
    scene.paints = dict(ground.paints)
    return scene


def _bars() -> list[Paint]:
    return [
        Paint("white", (255, 255, 255), 0), Paint("yellow", (255, 255, 0), 0.2),
        Paint("blue", (0, 200, 255), 0.15), Paint("green", (0, 220, 0), 0.25),
        Paint("purple", (190, 0, 220), 0.27), Paint("red", (230, 0, 0), 0.25),
        Paint("blue", (0, 0, 230), 0.3), Paint("black", (0, 0, 0), 0),
    ]  # fmt: skip


def _saved(
    picture: Image.Image, kind: str, quality: str, dice: random.Random
) -> tuple[bytes, str, str]:
    """The file, its suffix, and its quality.

    A poor one was blurred, enlarged from a thumbnail or squeezed too hard, a fair one a little so.
    What was to be squeezed but is no JPEG in the end is as good as ever.
    """
    harmed = False
    if quality == "poor":
        picture, kind, harmed = _spoilt(picture, kind, dice, 1.0)
    elif quality == "fair" and dice.random() < 0.5:
        picture, kind, harmed = _spoilt(picture, kind, dice, 0.4)
    clear = np.array(picture)[..., 3].min() < 255
    buffer = io.BytesIO()
    if kind == "png" or clear:
        used = picture if clear else picture.convert("RGB")
        used.save(buffer, "PNG", compress_level=4)
        return buffer.getvalue(), "png", quality if harmed else "good"
    level = {"good": (86, 96), "fair": (26, 42), "poor": (5, 11)}[quality]
    picture.convert("RGB").save(buffer, "JPEG", quality=dice.randint(*level))
    return buffer.getvalue(), "jpg", quality


def _spoilt(
    picture: Image.Image, kind: str, dice: random.Random, strength: float
) -> tuple[Image.Image, str, bool]:
    """The picture, the kind of file that it shall be, and whether its pixels are harmed already."""
    way = dice.choice(("blur", "small", "jpeg"))
    short = min(picture.size)
    pixels = np.array(picture).astype(np.float32)
    pixels[..., :3] *= pixels[..., 3:] / 255
    if way == "blur":
        pixels = cv2.GaussianBlur(pixels, (0, 0), strength * short * 0.016)
    elif way == "small":
        share = 110 * (2 - strength) / short
        small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(small, picture.size, interpolation=cv2.INTER_LINEAR)
    else:
        return picture, "jpeg", False
    alpha = pixels[..., 3:]
    pixels[..., :3] = np.where(alpha > 0, pixels[..., :3] / np.maximum(alpha, 1) * 255, 0)
    spoilt = Image.fromarray(np.clip(pixels, 0, 255).round().astype(np.uint8))
    return spoilt, "png", True


def contact_sheet(
    folder: Path, rows: list[Truth], *, across: int = 10, side: int = 180
) -> Image.Image:
    """Small copies side by side, transparency as a checkerboard."""
    down = -(-len(rows) // across)
    sheet = Image.new("RGB", (across * side, down * side), (205, 205, 205))
    for number, row in enumerate(rows):
        with Image.open(folder / row.file) as opened:
            picture = opened.convert("RGBA")
        picture.thumbnail((side - 8, side - 8))
        y, x = np.mgrid[0 : picture.height, 0 : picture.width] // 8
        board = np.where(((x + y) % 2)[..., None], 250, 228).repeat(3, axis=2).astype(np.uint8)
        under = Image.fromarray(board).convert("RGBA")
        under.alpha_composite(picture)
        place = ((number % across) * side + 4, (number // across) * side + 4)
        sheet.paste(under.convert("RGB"), place)
    return sheet


def main() -> None:
    """Draw a set and tell how its fields are spread."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of the first 60")
    asked = parser.parse_args()
    rows = make_brand_set(asked.folder, asked.count, asked.seed)
    for name in rows[0].fields:
        if name not in ("caption", "transcription"):
            spread = Counter(str(row.fields[name]) for row in rows).most_common(12)
            print(f"{name}: " + ", ".join(f"{v} {100 * n / len(rows):.0f} %" for v, n in spread))
    if asked.sheet:
        contact_sheet(asked.folder, rows[:60]).save(asked.sheet)


if __name__ == "__main__":
    main()
