"""Generated brand graphics: templates × texts, their variants, look-alikes and edited copies.

Everything follows from seeds; fonts are the DejaVu files that matplotlib ships. A template is a
layout, a palette, a brand with a mark, and a style of picture. What fills it (text, language,
price, picture, format, accent) makes its variants; what is done to a finished file makes copies.
"""

import colorsys
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.edits import EDITS

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FACES = ("DejaVuSans-Bold", "DejaVuSans", "DejaVuSerif-Bold", "DejaVuSansMono-Bold")
FORMATS = {"16:9": (768, 432), "1:1": (600, 600), "9:16": (432, 768), "4:5": (560, 700)}
LAYOUTS = ("split", "band", "centre", "card", "frame", "diagonal")
STYLES = ("poster", "poster", "poster", "sticker", "icon")
BRANDS = (
    "Norvik",
    "Halden",
    "Solara",
    "Quill & Co",
    "Bergamo",
    "Tindra",
    "Okapi",
    "Lumen",
    "Verdant",
    "Kestrel",
    "Mirador",
    "Pavo",
    "Ostrava",
    "Juniper",
    "Calypso",
    "Fjell",
    "Atlas",
    "Brio",
)
TEXTS = {
    "en": (
        ("Summer starts here", "New colours, now in every store"),
        ("Work less, ship more", "The tool that your team will keep"),
        ("Fresh every morning", "Baked at five, sold at seven"),
        ("Save the whole weekend", "Two days, one ticket, all museums"),
        ("Made to be repaired", "Ten years of spare parts included"),
        ("Quiet like snow", "Our most silent washing machine"),
        ("Learn a song in a week", "Piano lessons for busy people"),
        ("Back to school, not to stress", "Everything on the list, in one box"),
    ),
    "de": (
        ("Der Sommer beginnt hier", "Neue Farben, jetzt in jeder Filiale"),
        ("Weniger Arbeit, mehr Ergebnis", "Das Werkzeug, das Ihr Team behält"),
        ("Jeden Morgen frisch", "Um fünf gebacken, um sieben verkauft"),
        ("Das ganze Wochenende sparen", "Zwei Tage, ein Ticket, alle Museen"),
        ("Gebaut zum Reparieren", "Ersatzteile für zehn Jahre inklusive"),
        ("Leise wie Schnee", "Unsere leiseste Waschmaschine"),
        ("Ein Lied in einer Woche", "Klavierstunden für Beschäftigte"),
        ("Schulanfang ohne Stress", "Alles von der Liste in einem Paket"),
    ),
    "es": (
        ("El verano empieza aquí", "Nuevos colores en todas las tiendas"),
        ("Menos trabajo, más entregas", "La herramienta que su equipo conserva"),
        ("Fresco cada mañana", "Horneado a las cinco, vendido a las siete"),
        ("Ahorre todo el fin de semana", "Dos días, una entrada, todos los museos"),
        ("Hecho para repararse", "Diez años de repuestos incluidos"),
        ("Silencio como la nieve", "Nuestra lavadora más silenciosa"),
        ("Una canción en una semana", "Clases de piano para gente ocupada"),
        ("Vuelta al cole sin estrés", "Toda la lista en una sola caja"),
    ),
}


@dataclass(frozen=True)
class Template:
    """What all graphics of one campaign share."""

    seed: int
    style: str
    layout: str
    brand: str
    hue: float
    face: str
    ground: str
    size: str


@dataclass(frozen=True)
class Fill:
    """What differs from variant to variant."""

    text: int
    language: str = "en"
    price: int = 1999
    picture: int = 0
    accent: float = 0.0
    size: str | None = None


@dataclass(frozen=True)
class Graphic:
    """One generated file: `master` is shared by copies, `template` by variants."""

    name: str
    template: str
    master: str
    edit: str
    """The transform that made this copy; `original`, or `variant:…` and `lookalike:…`."""
    image: Image.Image


def template_of(seed: int) -> Template:
    """The template of a seed."""
    rng = random.Random(f"template {seed}")
    return Template(
        seed,
        STYLES[seed % len(STYLES)],
        rng.choice(LAYOUTS),
        rng.choice(BRANDS),
        rng.random(),
        rng.choice(FACES),
        rng.choice(("plain", "gradient", "pattern", "photo")),
        rng.choice(list(FORMATS)),
    )


def family(seed: int, *, texts: int = 3, copies: int = 4) -> Iterator[Graphic]:
    """All graphics around one template: masters, copies, variants and look-alikes."""
    rng = random.Random(f"family {seed}")
    template = template_of(seed)
    name = f"t{seed:04d}"
    start = rng.randrange(8)
    base = [
        Fill((start + i) % 8, price=rng.randrange(5, 300) * 100 - 1, picture=i if i else 0)
        for i in range(texts)
    ]
    if rng.random() < 0.6:  # most campaigns keep the picture while the text changes
        base = [replace(fill, picture=0) for fill in base]
    edits = rng.sample(list(EDITS), k=min(len(EDITS), texts * copies))
    for i, fill in enumerate(base):
        image = render(template, fill)
        master = f"{name}-{i}"
        yield Graphic(f"{master}-original", name, master, "original", image)
        for edit in edits[i * copies : (i + 1) * copies]:
            copy = EDITS[edit](image, random.Random(f"{master} {edit}"))
            yield Graphic(f"{master}-{edit}", name, master, edit, copy)
    other = [size for size in FORMATS if size != template.size]
    changes = {
        "language": replace(base[0], language=rng.choice(("de", "es"))),
        "price": replace(base[0], price=base[0].price + rng.choice((-300, 500, 1000, 4000))),
        "picture": replace(base[0], picture=7),
        "format": replace(base[0], size=rng.choice(other)),
        "accent": replace(base[0], accent=rng.choice((0.25, 0.4, 0.6))),
    }
    for kind, fill in changes.items():
        if template.style == "icon" and kind in ("language", "price", "format"):
            continue  # an icon has none of these
        if template.style == "sticker" and kind == "format":
            continue
        master = f"{name}-{kind}"
        yield Graphic(master, name, master, f"variant:{kind}", render(template, fill))
    yield from _lookalikes(template, base[0], rng, name)


def _lookalikes(template: Template, fill: Fill, rng: random.Random, name: str) -> Iterator[Graphic]:
    layouts = [layout for layout in LAYOUTS if layout != template.layout]
    far = replace(fill, text=(fill.text + 4) % 8, picture=20, price=fill.price + 7700)
    others = {
        "palette": (
            replace(template, seed=template.seed + 50_000, layout=rng.choice(layouts)),
            replace(far, picture=21),
        ),
        "brand": (
            replace(
                template,
                seed=template.seed + 90_000,
                brand=rng.choice([b for b in BRANDS if b != template.brand]),
                hue=(template.hue + rng.uniform(0.2, 0.8)) % 1,
            ),
            far,
        ),
    }
    for kind, (other, its_fill) in others.items():
        look = f"{name}~{kind}"
        yield Graphic(look, look, look, f"lookalike:{kind}", render(other, its_fill))


# --- drawing -----------------------------------------------------------------------------------


@cache
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"{face}.ttf"), size)


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def render(template: Template, fill: Fill) -> Image.Image:
    """Draw one graphic; RGBA for stickers and icons, RGB for posters."""
    if template.style == "icon":
        return _icon(template, fill)
    if template.style == "sticker":
        return _sticker(template, fill)
    return _poster(template, fill)


def _icon(template: Template, fill: Fill) -> Image.Image:
    """A disc or tile of the brand's colour with a symbol: the text chooses the symbol."""
    rng = random.Random(f"icon {template.seed} {fill.text} {fill.picture}")
    hue = template.hue + fill.accent
    big = Image.new("RGBA", (768, 768), (0, 0, 0, 0))
    draw = ImageDraw.Draw(big)
    disc = template.seed % 2 == 0
    shape = draw.ellipse if disc else draw.rectangle
    shape((40, 40, 728, 728), fill=_colour(hue, 0.75, 0.9), outline=(20, 20, 20), width=24)
    for _ in range(3):
        _symbol(draw, rng, (384 + rng.randint(-110, 110), 384 + rng.randint(-110, 110)), hue)
    return big.resize((384, 384), Image.Resampling.LANCZOS)


def _symbol(draw: ImageDraw.ImageDraw, rng: random.Random, at: tuple[int, int], hue: float) -> None:
    x, y = at
    size = rng.randint(60, 150)
    paint = rng.choice([(255, 255, 255), (20, 20, 20), _colour(hue + 0.5, 0.6, 0.95)])
    kind = rng.randrange(5)
    if kind == 0:
        draw.ellipse((x - size, y - size, x + size, y + size), outline=paint, width=28)
    elif kind == 1:
        draw.rectangle((x - size, y - size // 3, x + size, y + size // 3), fill=paint)
    elif kind == 2:
        corners = rng.choice((3, 4, 5, 6))
        turn = rng.random() * 3
        draw.polygon(
            [
                (
                    x + size * math.cos(turn + k * math.tau / corners),
                    y + size * math.sin(turn + k * math.tau / corners),
                )
                for k in range(corners)
            ],
            fill=paint,
        )
    elif kind == 3:
        draw.arc((x - size, y - size, x + size, y + size), rng.randint(0, 180), 330, paint, 30)
    else:
        draw.line((x - size, y + size, x, y - size, x + size, y + size), fill=paint, width=30)


def _sticker(template: Template, fill: Fill) -> Image.Image:
    """A round or hexagonal badge with a mark and a name on transparent ground."""
    hue = template.hue
    big = Image.new("RGBA", (1024, 1024), (0, 0, 0, 0))
    draw = ImageDraw.Draw(big)
    sides = 6 if template.seed % 2 else 60
    for radius, paint in ((490, (255, 255, 255)), (460, _colour(hue + fill.accent, 0.7, 0.55))):
        points = [
            (
                512 + radius * math.sin(k * math.tau / sides),
                512 - radius * math.cos(k * math.tau / sides),
            )
            for k in range(sides)
        ]
        draw.polygon(points, fill=paint)
    picture = _picture(template, fill, (420, 360))
    big.paste(picture, (302, 200))
    _write(draw, TEXTS[fill.language][fill.text][0], (212, 600, 812, 760), template.face, "white")
    _write(draw, template.brand, (312, 790, 712, 860), "DejaVuSans-Bold", _colour(hue, 0.2, 1))
    _write(draw, f"€{fill.price / 100:.2f}", (402, 870, 622, 930), template.face, "white")
    return big.resize((512, 512), Image.Resampling.LANCZOS)


def _poster(template: Template, fill: Fill) -> Image.Image:
    width, height = FORMATS[fill.size or template.size]
    canvas = _ground(template, width, height)
    draw = ImageDraw.Draw(canvas)
    accent = _colour(template.hue + 0.45 + fill.accent, 0.85, 0.9)
    boxes = _boxes(template.layout, width, height)
    picture = _picture(
        template,
        fill,
        (boxes["picture"][2] - boxes["picture"][0], boxes["picture"][3] - boxes["picture"][1]),
    )
    canvas.paste(picture, boxes["picture"][:2])
    if "panel" in boxes:
        draw.rectangle(boxes["panel"], fill=_colour(template.hue, 0.25, 0.97))
    if template.layout == "diagonal":
        draw.polygon(
            [(0, height), (0, int(height * 0.62)), (width, int(height * 0.9)), (width, height)],
            fill=accent,
        )
    ink = _colour(template.hue, 0.8, 0.25)
    head, sub = TEXTS[fill.language][fill.text]
    _write(draw, head, boxes["head"], template.face, ink)
    _write(draw, sub, boxes["sub"], "DejaVuSans", ink)
    left, top, right, bottom = boxes["price"]
    draw.rounded_rectangle(boxes["price"], radius=(bottom - top) // 4, fill=accent)
    _write(
        draw,
        f"€{fill.price / 100:.2f}",
        (left + 8, top + 6, right - 8, bottom - 6),
        "DejaVuSans-Bold",
        "white",
    )
    _mark(draw, template, boxes["mark"])
    return canvas


def _boxes(layout: str, w: int, h: int) -> dict[str, tuple[int, int, int, int]]:
    shares = {
        "split": {
            "picture": (0, 0, 0.5, 1),
            "head": (0.54, 0.2, 0.97, 0.48),
            "sub": (0.54, 0.52, 0.97, 0.62),
            "price": (0.54, 0.68, 0.76, 0.8),
            "mark": (0.54, 0.05, 0.9, 0.14),
            "panel": (0.5, 0, 1, 1),
        },
        "band": {
            "picture": (0, 0, 1, 0.62),
            "head": (0.05, 0.65, 0.7, 0.82),
            "sub": (0.05, 0.85, 0.7, 0.93),
            "price": (0.74, 0.68, 0.96, 0.8),
            "mark": (0.74, 0.86, 0.97, 0.94),
            "panel": (0, 0.62, 1, 1),
        },
        "centre": {
            "picture": (0.25, 0.3, 0.75, 0.74),
            "head": (0.08, 0.06, 0.92, 0.2),
            "sub": (0.1, 0.21, 0.9, 0.28),
            "price": (0.38, 0.78, 0.62, 0.87),
            "mark": (0.3, 0.9, 0.7, 0.97),
        },
        "card": {
            "picture": (0.1, 0.08, 0.9, 0.5),
            "head": (0.14, 0.54, 0.86, 0.68),
            "sub": (0.14, 0.7, 0.86, 0.77),
            "price": (0.14, 0.81, 0.4, 0.9),
            "mark": (0.5, 0.81, 0.86, 0.9),
            "panel": (0.1, 0.5, 0.9, 0.93),
        },
        "frame": {
            "picture": (0.06, 0.3, 0.94, 0.94),
            "head": (0.06, 0.05, 0.66, 0.18),
            "sub": (0.06, 0.2, 0.66, 0.27),
            "price": (0.7, 0.8, 0.92, 0.91),
            "mark": (0.7, 0.06, 0.94, 0.15),
        },
        "diagonal": {
            "picture": (0.4, 0.05, 0.97, 0.6),
            "head": (0.03, 0.12, 0.38, 0.45),
            "sub": (0.03, 0.48, 0.38, 0.56),
            "price": (0.74, 0.68, 0.95, 0.78),
            "mark": (0.03, 0.03, 0.3, 0.1),
        },
    }[layout]
    boxes = {
        name: (int(box[0] * w), int(box[1] * h), int(box[2] * w), int(box[3] * h))
        for name, box in shares.items()
    }
    # a price that nobody can read would be no variant: at least a third of the width
    left, top, right, bottom = boxes["price"]
    wide = max(right - left, w // 3)
    left = min(left, int(0.97 * w) - wide)
    boxes["price"] = (left, top, left + wide, min(bottom, top + wide // 3))
    return boxes


def _ground(template: Template, width: int, height: int) -> Image.Image:
    light = _colour(template.hue, 0.15, 0.98)
    deep = _colour(template.hue + 0.05, 0.4, 0.85)
    if template.ground == "plain":
        return Image.new("RGB", (width, height), light)
    if template.ground == "gradient":
        ramp = np.linspace(0, 1, height)[:, None, None]
        rows = np.array(light) * (1 - ramp) + np.array(deep) * ramp
        return Image.fromarray(np.broadcast_to(rows, (height, width, 3)).astype(np.uint8))
    if template.ground == "photo":
        return _landscape(
            random.Random(f"ground {template.seed}"), template.hue, (width, height), pale=True
        )
    canvas = Image.new("RGB", (width, height), light)
    draw = ImageDraw.Draw(canvas)
    step = random.Random(template.seed).randint(24, 60)
    for x in range(0, width + height, step):
        draw.line((x, 0, x - height, height), fill=deep, width=max(2, step // 6))
    return canvas


def _picture(template: Template, fill: Fill, size: tuple[int, int]) -> Image.Image:
    """The product: a landscape or a still life of shapes."""
    rng = random.Random(f"picture {template.seed} {fill.picture}")
    hue = template.hue + rng.uniform(-0.1, 0.1)
    if template.seed % 3 == 0:
        return _landscape(rng, hue, size)
    width, height = size
    canvas = Image.new("RGB", size, _colour(hue + 0.08, 0.3, 0.9))
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.randint(4, 9)):
        x, y = rng.randint(0, width), rng.randint(0, height)
        w, h = rng.randint(width // 10, width // 2), rng.randint(height // 10, height // 2)
        paint = _colour(hue + rng.uniform(-0.3, 0.3), rng.uniform(0.3, 0.9), rng.uniform(0.3, 1))
        shape = rng.choice((draw.ellipse, draw.rectangle))
        shape((x - w // 2, y - h // 2, x + w // 2, y + h // 2), fill=paint)
    return canvas


def _landscape(
    rng: random.Random, hue: float, size: tuple[int, int], *, pale: bool = False
) -> Image.Image:
    """Clouds and hills of smooth noise at several scales: as rich in detail as a photo."""
    width, height = size
    noise = np.random.default_rng(rng.randrange(2**31))
    total = np.zeros((height, width), np.float32)
    for cells, weight in ((3, 1.0), (7, 0.6), (17, 0.35), (41, 0.2), (97, 0.12)):
        grid = Image.fromarray(noise.random((cells, cells), np.float32))
        total += weight * np.asarray(grid.resize(size, Image.Resampling.BICUBIC))
    total = (total - total.min()) / (np.ptp(total) + 1e-6)
    low = np.array(_colour(hue, 0.6, 0.75 if pale else 0.15), np.float32)
    high = np.array(_colour(hue + 0.12, 0.25, 1.0), np.float32)
    mixed = low + (high - low) * total[..., None]
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def _mark(draw: ImageDraw.ImageDraw, template: Template, box: tuple[int, int, int, int]) -> None:
    """The brand's mark and its name."""
    left, top, right, bottom = box
    side = bottom - top
    rng = random.Random(f"mark {template.brand}")
    paint = _colour(template.hue + 0.45, 0.9, 0.6)
    corners = rng.choice((3, 4, 5, 6, 8))
    points = [
        (
            left + side / 2 + side / 2 * math.cos(k * math.tau / corners),
            top + side / 2 + side / 2 * math.sin(k * math.tau / corners),
        )
        for k in range(corners)
    ]
    draw.polygon(points, fill=paint)
    hole = side // rng.choice((3, 4, 5))
    draw.ellipse(
        (
            left + side // 2 - hole,
            top + side // 2 - hole,
            left + side // 2 + hole,
            top + side // 2 + hole,
        ),
        fill="white",
    )
    _write(draw, template.brand, (left + side + 6, top, right, bottom), "DejaVuSans-Bold", paint)


def _write(
    draw: ImageDraw.ImageDraw,
    text: str,
    box: tuple[int, int, int, int],
    face: str,
    paint: str | tuple[int, int, int],
) -> None:
    """The largest size at which the wrapped text fits into its box."""
    left, top, right, bottom = box
    for size in range(max(10, bottom - top), 7, -2):
        font = _font(face, size)
        lines = _wrap(draw, text, font, right - left)
        step = int(size * 1.15)
        widest = max(draw.textlength(line, font=font) for line in lines)
        if step * len(lines) <= bottom - top + 4 and widest <= right - left:
            break
    for i, line in enumerate(lines):
        draw.text((left, top + i * step), line, font=font, fill=paint)


def _wrap(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: int
) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font=font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
