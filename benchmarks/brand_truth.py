"""The values of the label schema's fields for a drawn scene, by the schema's own definitions."""

import random
from typing import Any

import numpy as np

from benchmarks.brand_canvas import Scene
from benchmarks.brand_layouts import Plan
from benchmarks.brand_scenes import Template

SIZES = ((0.1, "small"), (1 / 3, "medium"), (0.95, "large"), (2.0, "full"))
OFF_CENTRE = 0.1
"""Shares of a side: further from the middle the mass is left, right, at the top or the bottom."""
MAIN_SHARE, MOST_COLOURS = 0.1, 3
"""A colour that takes less of the figures is none of their main colours."""
VIVID_SHARE, COLOURED_SHARE = 0.15, 0.03
PLURALS = {"leaf": "leaves", "fish": "fish", "shopping bag": "shopping bags"}
NUMBER_WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six")


def fields_of(
    scene: Scene, plan: Plan, template: Template, *, quality: str, flags: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """All fields, and what a caption is made of."""
    # a photograph that fills the frame is itself the figure
    filling = plan.subject == "ground" and scene.ground.kind == "photo"
    count = 1 if filling else len(scene.figures)
    shares = _name_shares(scene)
    palette = [name for name, share in shares.items() if share >= MAIN_SHARE][:MOST_COLOURS]
    subject = _subject(scene, plan, template)
    layout = _layout(scene, plan)
    shown = scene.logo_box is not None
    ground = scene.ground.kind
    fields: dict[str, Any] = {
        "caption": _caption(subject, layout, scene),
        "background": ground,
        "background_colour": scene.ground.colour,
        "layout": layout,
        "figure_count": _count(count),
        "figure_size": "full" if filling else _size(float(scene.mask.mean())),
        "saturation": _saturation(scene),
        "palette": palette,
        "style": _style(scene),
        "logo": "present" if shown else "none",
        "brand": template.brand if shown else "",
        "transcription": "\n".join(line.text for line in _reading_order(scene)),
        "quality": quality,
        "flags": flags,
    }
    parts = {"subject": subject, "figures": count, "colours": palette}
    return fields, parts


def boxes_of(scene: Scene) -> list[dict[str, Any]]:
    """Figures, lines of text and the logo, in pixels."""
    found = [_box("Figure", corners, "") for corners in scene.figure_boxes]
    for line in _reading_order(scene):
        corners = (line.x_px, line.y_px, line.x_px + line.w_px, line.y_px + line.h_px)
        found.append(_box("Text", corners, line.text))
    if scene.logo_box:
        found.append(_box("Logo", scene.logo_box, ""))
    return found


def source_words(
    dice: random.Random, fields: dict[str, Any], parts: dict[str, Any]
) -> dict[str, Any]:
    """An alt text, a title, a file's name, tags, or nothing: as web pages and folders have them."""
    subject = parts["subject"]
    kind = dice.random()
    tags = [*parts["colours"], fields["style"]] if dice.random() < 0.4 else []
    if fields["logo"] == "present" and dice.random() < 0.4:
        tags.append("logo")
    if kind < 0.4:
        return {"title": None, "alt_text": subject[:1].lower() + subject[1:], "tags": tags}
    if kind < 0.55:
        return {"title": subject, "alt_text": None, "tags": tags}
    if kind < 0.7:
        return {"title": f"IMG_{dice.randint(1000, 9999)}.jpg", "alt_text": None, "tags": tags}
    return {"title": None, "alt_text": None, "tags": tags}


def _box(label: str, corners: tuple[int, int, int, int], text: str) -> dict[str, Any]:
    left, top, right, bottom = corners
    return {"label": label, "x_px": left, "y_px": top, "w_px": right - left,
            "h_px": bottom - top, "text": text}  # fmt: skip


def _reading_order(scene: Scene) -> list[Any]:
    return sorted(scene.lines, key=lambda line: (line.y_px, line.x_px))


def _name_shares(scene: Scene) -> dict[str, float]:
    total = sum(scene.paints.values()) or 1.0
    found: dict[str, float] = {}
    for paint, number in scene.paints.items():
        found[paint.name] = found.get(paint.name, 0.0) + number / total
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _saturation(scene: Scene) -> str:
    total = sum(scene.paints.values()) or 1.0
    tones = {"grey": 0.0, "muted": 0.0, "vivid": 0.0}
    for paint, number in scene.paints.items():
        tones[paint.tone] += number / total
    if tones["vivid"] >= VIVID_SHARE:
        return "vivid"
    return "muted" if tones["vivid"] + tones["muted"] >= COLOURED_SHARE else "grey"


def _count(number: int) -> str:
    return ("none", "one", "two", "three", "few", "few", "few")[number] if number < 7 else "many"


def _size(share: float) -> str:
    return next(name for bound, name in SIZES if share < bound)


def _layout(scene: Scene, plan: Plan) -> str:
    """The plan's order, else where the mass of the figures lies; without any, that of the words."""
    if plan.order:
        return plan.order
    height, width = scene.mask.shape
    if scene.mask.any():
        ys, xs = np.nonzero(scene.mask)
        x, y = (xs.mean() + 0.5) / width - 0.5, (ys.mean() + 0.5) / height - 0.5
    elif scene.lines:
        areas = np.array([line.w_px * line.h_px for line in scene.lines], dtype=float)
        middles = [(line.x_px + line.w_px / 2, line.y_px + line.h_px / 2) for line in scene.lines]
        x, y = (np.array(middles) * areas[:, None]).sum(axis=0) / areas.sum() / (
            width,
            height,
        ) - 0.5
    else:
        return "full-bleed"
    if max(abs(x), abs(y)) <= OFF_CENTRE:
        return "centred"
    if abs(x) >= abs(y):
        return "left" if x < 0 else "right"
    return "top" if y < 0 else "bottom"


def _style(scene: Scene) -> str:
    if scene.figures:
        return scene.figures[0].style
    if scene.ground.kind == "photo":
        return "photo"
    return "lettering" if scene.lines else "flat"


def _subject(scene: Scene, plan: Plan, template: Template) -> str:
    if plan.subject == "mark":
        return f"The {template.brand} logo"
    if not scene.figures:
        if scene.lines:
            return "A quote" if plan.words == "quote" else "A line of text"
        return {"photo": "A photo", "pattern": "A pattern"}.get(scene.ground.kind, "A background")
    things = list(dict.fromkeys(figure.what for figure in scene.figures))
    number = len(scene.figures)
    if len(things) == 1:
        thing = things[0]
        if number == 1:
            return ("An " if thing[0] in "aeiou" else "A ") + thing
        counted = NUMBER_WORDS[number] if number < 7 else "Many"
        return f"{counted} {PLURALS.get(thing, thing + 's')}"
    if len(things) == 2 and number == 2:
        return f"A {things[0]} and a {things[1]}"
    return "A set of icons"


def _caption(subject: str, layout: str, scene: Scene) -> str:
    where = {"centred": "in the middle", "grid": "in a grid", "scattered": "scattered",
             "full-bleed": "filling the picture", "left": "on the left", "right": "on the right",
             "top": "at the top", "bottom": "at the bottom"}[layout]  # fmt: skip
    colour = scene.ground.colour
    ground = scene.ground.kind if colour in ("several", "none") else f"{colour} {scene.ground.kind}"
    words = " ".join(line.text for line in _reading_order(scene))
    tail = f', with the words "{words}"' if words else ""
    return f"{subject} {where} on a {ground} background{tail}."
