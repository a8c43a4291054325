"""One brand graphic drawn from its template, and everything that is true of it by construction."""

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.brand_canvas import WHITE, Scene, place
from benchmarks.brand_figures import SOLIDS, Figure, draw, portrait
from benchmarks.brand_grounds import make_ground
from benchmarks.brand_layouts import KINDS, Plan
from benchmarks.brand_logos import put_logo, put_mark
from benchmarks.brand_paints import Paint, contrast, ink_for, nearest_shares, palette_for
from benchmarks.brand_shapes import SHAPES
from benchmarks.brand_words import (
    BRANDS,
    BUTTONS,
    HEADS,
    PRICES,
    QUOTES,
    SALES,
    SUBS,
    Type,
    set_lines,
    type_of,
)

GROUND_ODDS = {"plain": 40, "gradient": 18, "pattern": 15, "photo": 14, "transparent": 13}
STYLE_ODDS = {"flat": 34, "outline": 14, "shaded": 17, "hand-drawn": 12, "collage": 9, "photo": 14}
TONE_ODDS = {"vivid": 55, "muted": 28, "grey": 17}

LARGEST_COVER = 0.9
"""A figure that runs out of the picture leaves a tenth of the border free."""


@dataclass(frozen=True)
class Template:
    """What the pictures of one family share."""

    kind: str
    size: tuple[int, int]
    ground: str
    style: str
    tone: str
    brand: str | None
    word_mark: bool
    type: Type
    panel: bool
    button: bool
    seed: int


def template_of(seed: int) -> Template:
    """The template of a seed."""
    dice = random.Random(f"brand template {seed}")
    kind = dice.choices(list(KINDS), [odds for _, _, odds in KINDS.values()])[0]
    ground = dice.choices(list(GROUND_ODDS), list(GROUND_ODDS.values()))[0]
    if kind == "sticker":
        ground = "transparent"
    if kind == "scene":
        ground = "photo"
    if kind == "swatch":
        ground = dice.choice(("pattern", "gradient", "plain"))
    if kind in ("banner", "post", "sale", "cover", "event", "corner") and ground == "transparent":
        ground = "plain"
    branded = kind == "wordmark" or dice.random() < 0.75
    return Template(
        kind=kind,
        size=dice.choice(KINDS[kind][1]),
        ground=ground,
        style=dice.choices(list(STYLE_ODDS), list(STYLE_ODDS.values()))[0],
        tone=dice.choices(list(TONE_ODDS), list(TONE_ODDS.values()))[0],
        brand=dice.choice(list(BRANDS)) if branded else None,
        word_mark=dice.random() < 0.6,
        type=type_of(dice),
        panel=dice.random() < 0.55,
        button=dice.random() < 0.25,
        seed=seed,
    )


def compose(template: Template, dice: random.Random, *, person: bool = False) -> tuple[Scene, Plan]:
    """Draw one picture of a template; what the dice decide differs from picture to picture."""
    fixed = random.Random(f"brand look {template.seed}")
    width, height = template.size
    plan = KINDS[template.kind][0](fixed, width / height)
    ground = make_ground(fixed, template.ground, template.size, template.tone)
    clear = 0 if template.ground == "transparent" else 255
    pixels = np.dstack([ground.pixels, np.full((height, width), clear)])
    picture = Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
    scene = Scene(picture, ground, np.zeros((height, width), dtype=bool))
    paints = palette_for(fixed, template.tone, tuple(ground.paints))
    if plan.subject == "words" and fixed.random() < 0.35:
        _put_frame(scene, fixed)
    _put_figures(scene, template, plan, paints, fixed, dice, person=person)
    if plan.subject == "mark" and template.brand:
        put_mark(scene, template.brand, fixed, word_mark=template.word_mark)
    _put_words(scene, template, plan, dice, fixed)
    if plan.logo and template.brand:
        put_logo(scene, template.brand, plan.logo, fixed, word_mark=template.word_mark)
    if not scene.figures and plan.subject == "ground":
        scene.paints = dict(ground.paints) or nearest_shares(ground.pixels)
    return scene, plan


def _put_figures(
    scene: Scene,
    template: Template,
    plan: Plan,
    paints: tuple[Paint, ...],
    fixed: random.Random,
    dice: random.Random,
    *,
    person: bool,
) -> None:
    things = sorted(SOLIDS) if template.style == "photo" else sorted(SHAPES)
    own = fixed.choice(things)
    same = fixed.random() < 0.35
    short = min(template.size)
    for x, y, side in plan.figures:
        what = own if same or dice.random() < 0.4 else dice.choice(things)
        centre = round(x * template.size[0]), round(y * template.size[1])
        shadow = _has_shadow(template, fixed)
        maker = random.Random((fixed if same else dice).getrandbits(32))
        while True:
            px = max(24, round(side * short * 1.08))
            figure = (
                portrait(maker, paints, px)
                if person
                else draw(maker, what, template.style, paints, px)
            )
            if plan.order != "full-bleed" or _shows_ground(scene, figure, centre):
                break
            side *= 0.9
        place(scene, figure, centre, rim=plan.rim, shadow=shadow)


def _shows_ground(scene: Scene, figure: Figure, centre: tuple[int, int]) -> bool:
    """Something of the ground is left at the border: else nobody could say what it is."""
    height, width = scene.mask.shape
    px = figure.silhouette.shape[0]
    whole = Image.new("L", (width, height))
    silhouette = Image.fromarray(figure.silhouette.astype(np.uint8) * 255)
    whole.paste(silhouette, (centre[0] - px // 2, centre[1] - px // 2))
    covered = np.array(whole) > 0
    border = np.concatenate([covered[0], covered[-1], covered[:, 0], covered[:, -1]])
    return float(border.mean()) <= LARGEST_COVER


def _has_shadow(template: Template, dice: random.Random) -> bool:
    return template.style in ("shaded", "collage", "photo") and dice.random() < 0.6


def _put_words(
    scene: Scene, template: Template, plan: Plan, dice: random.Random, fixed: random.Random
) -> None:
    if plan.text is None:
        return
    width, height = scene.picture.size
    left, top, right, bottom = plan.text
    slot = (round(left * width), round(top * height), round(right * width), round(bottom * height))
    ground = scene.ground.main
    behind = scene.ground.kind in ("pattern", "photo") and (
        template.panel or scene.ground.kind == "pattern"
    )
    if behind or (plan.words == "sale" and template.panel):
        ground = fixed.choice((WHITE, Paint("black", (24, 24, 28), 0.0), *palette_for(
            fixed, template.tone, tuple(scene.ground.paints), number=1)))  # fmt: skip
        pad = round(0.02 * min(width, height))
        panel = (slot[0] - pad, slot[1] - pad, slot[2] + pad, slot[3] + pad)
        ImageDraw.Draw(scene.picture).rounded_rectangle(panel, pad, fill=(*ground.rgb, 255))
        scene.mask[max(0, panel[1]) : panel[3], max(0, panel[0]) : panel[2]] = False
    elif scene.ground.kind == "transparent":
        ground = WHITE
    ink = ink_for(fixed, ground, least=4.0)
    style = template.type
    if scene.ground.kind == "photo" and not behind and style.effect == "none":
        style = Type(style.face, "shadow", style.align, style.capitals)
    lines = set_lines(scene.picture, _texts(plan.words, dice), slot, style, ink.rgb)
    scene.lines += lines
    if template.button and plan.words == "head" and slot[3] - slot[1] > 0.35 * height:
        _put_button(scene, slot, ground, dice, fixed)
    if not scene.figures and plan.subject == "words" and lines:
        scene.paints = {ink: 1.0}


def _put_frame(scene: Scene, dice: random.Random) -> None:
    """A line around everything; it parts, so it is no figure."""
    width, height = scene.picture.size
    inset, line = round(0.04 * min(width, height)), max(2, round(0.008 * min(width, height)))
    ink = ink_for(dice, scene.ground.main)
    corners = (inset, inset, width - inset, height - inset)
    ImageDraw.Draw(scene.picture).rectangle(corners, outline=(*ink.rgb, 255), width=line)


def _texts(words: str, dice: random.Random) -> list[str]:
    if words == "quote":
        return list(dice.choice(QUOTES))
    if words == "sale":
        return [dice.choice(SALES), *dice.sample(SUBS, dice.randint(0, 1))]
    if words == "price":
        return [dice.choice(HEADS), dice.choice(PRICES)]
    head = dice.choice(HEADS)
    pieces = head.split()
    if len(pieces) > 3 and dice.random() < 0.5:
        return [" ".join(pieces[: len(pieces) // 2]), " ".join(pieces[len(pieces) // 2 :])]
    return [head, *dice.sample(SUBS, dice.randint(0, 1))]


def _put_button(
    scene: Scene,
    slot: tuple[int, int, int, int],
    ground: Paint,
    dice: random.Random,
    fixed: random.Random,
) -> None:
    """A pill with a word, under the lines; it carries words, so it is no figure."""
    high = round(0.07 * scene.picture.height)
    wide = min(slot[2] - slot[0], high * 4)
    bottom = max(line.y_px + line.h_px for line in scene.lines) if scene.lines else slot[1]
    top = bottom + high // 2
    if top + high > scene.picture.height - 4 or high < 22:
        return
    colour = next((p for p in palette_for(fixed, "vivid", (ground,)) if contrast(p, ground) > 1.5),
                  WHITE)  # fmt: skip
    pill = (slot[0], top, slot[0] + wide, top + high)
    ImageDraw.Draw(scene.picture).rounded_rectangle(pill, high // 2, fill=(*colour.rgb, 255))
    inside = (pill[0] + high // 2, pill[1] + high // 6, pill[2] - high // 2, pill[3] - high // 6)
    style = Type("DejaVuSans-Bold", "none", "centre", False)
    ink = ink_for(random.Random(0), colour)
    scene.lines += set_lines(scene.picture, [dice.choice(BUTTONS)], inside, style, ink.rgb)
