"""Pairs whose truth is known, to learn the verdict from: even seeds, half of OpenMoji and of reals.

OpenMoji's drawings are edited like the templates; a drawing in another skin tone is a variant, and
a mirrored arrow is another sign, where a mirrored template is a copy.
"""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import ImageOps

from benchmarks.brand_templates import Fill, family, render, template_of
from benchmarks.edits import EDITS
from benchmarks.real_pairs import NEAR, RealPair, read_image, real_pairs
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.fingerprint import Fingerprint, fingerprint

KEEP = {"near": 0.8, "variant": 0.3, "lookalike": 0.35, "distinct": 0.3}
"""Share of the pairs of each kind that are compared: there are many more of the latter."""
WEIGHTS = {
    "near": 1.0,
    "variant": 1.5,
    "lookalike": 2.0,
    "distinct": 2.5,
    "drawing": 2.5,
    "hard_negative": 3.0,
}
"""To lose a picture costs more than to keep it twice."""
REAL_WEIGHT = 2.0
KEEP_DRAWINGS = {"near": 0.8, "variant": 0.7, "distinct": 0.7, "drawing": 0.7}
FOUND_FROM, FOUND_MOST = 0.78, 40
"""Candidates of `found_pairs`: a little more than a search has, so that its cuts can be chosen."""
DRAWINGS = 700
"""OpenMoji drawings that are taken, before they are halved."""
SKIN_TONE = re.compile("1F3F[B-F]")
SIGNS = re.compile("21[9A]|23[EF]|25[BC]|27A|293|2B0|261D|270[A-D]|1F44[6-F]|1F53|1F91[8-F]|1FAF")
"""Arrows and hands, all of which are taken: many are others turned or mirrored."""


class Labelled(NamedTuple):
    """A pair to learn from."""

    family: str
    a: Fingerprint
    b: Fingerprint
    label: str
    weight: float
    about: tuple[Any, ...]


class Known(NamedTuple):
    """A graphic whose relations are known."""

    family: str
    template: str
    master: str
    edit: str
    print_: Fingerprint


def generated(seed: int) -> list[Known]:
    """The graphics of one family of the generator, and prices of which one digit differs."""
    graphics = list(family(seed))
    known = [
        Known(g.name[:5], g.template, g.master, g.edit, fingerprint(g.image)) for g in graphics
    ]
    if seed % 4 == 0:
        mirrored = fingerprint(ImageOps.mirror(graphics[0].image))
        known.append(known[0]._replace(edit="mirrored", print_=mirrored))
    name = known[0].template
    template, rng = template_of(seed), random.Random(f"prices {seed}")
    if template.style != "icon":
        price = rng.randrange(5, 300) * 100 - 1
        for step in (0, rng.choice((-300, 100, 400, 500, 1000, 4000))):
            master = f"{name}-price-of-{price + step}"
            image = render(template, Fill(seed % 8, price=price + step))
            known.append(Known(name, name, master, "original", fingerprint(image)))
            for edit in rng.sample(sorted(EDITS), 3):
                copy = fingerprint(EDITS[edit](image, rng))
                known.append(Known(name, name, master, f"price {edit}", copy))
    return known


def plain(seed: int) -> list[Known]:
    """The graphics of one family and nothing else, as a search meets them."""
    return [
        Known(graphic.name[:5], graphic.template, graphic.master, graphic.edit, print_)
        for graphic in family(seed)
        for print_ in [fingerprint(graphic.image)]
    ]


def drawing_of(path: Path) -> str:
    """The drawing without its skin tone."""
    return "-".join(part for part in path.stem.split("-") if not SKIN_TONE.fullmatch(part))


def half_of(drawing: str) -> str:
    """`fit` or `report`."""
    return ("fit", "report")[hashlib.sha256(drawing.encode()).digest()[0] % 2]


def drawn(path: Path) -> list[Known]:
    """One OpenMoji file, and of every third some edited copies."""
    rng, image, drawing = random.Random(path.stem), read_image(path), drawing_of(path)
    found = [Known(drawing, drawing, path.stem, "original", fingerprint(image))]
    for edit in rng.sample(sorted(EDITS), 3) if rng.random() < 0.35 else ():
        copy = fingerprint(EDITS[edit](image, rng))
        found.append(Known(drawing, drawing, path.stem, edit, copy))
    return found


def chosen_drawings(folder: Path) -> list[Path]:
    """Files of the half that may be learned from; of skin tones some."""
    rng = random.Random("openmoji")
    files = sorted(folder.glob("*.svg"))
    drawings = sorted({drawing_of(path) for path in files})
    taken = set(rng.sample(drawings, min(DRAWINGS, len(drawings))))
    taken |= {drawing for drawing in drawings if SIGNS.match(drawing)}
    return [
        path
        for path in files
        if drawing_of(path) in taken
        and half_of(drawing_of(path)) == "fit"
        and (drawing_of(path) == path.stem or rng.random() < 0.3)
    ]


def relation(a: Known, b: Known) -> str:
    """The truth about two graphics; `drawing` is two different drawings of OpenMoji."""
    if a.master == b.master:
        return "near"
    if a.template == b.template:
        return "variant"
    if _is_drawing(a) and _is_drawing(b):
        return "drawing"
    return "lookalike" if a.family == b.family else "distinct"


def _is_drawing(known: Known) -> bool:
    return not known.family.startswith("t")  # as templates do; drawings have hexadecimal codes


def known_pairs(graphics: list[Known]) -> Iterator[Labelled]:
    """All pairs of one family, and candidates across families, thinned out."""
    rng = random.Random("fit")
    index = Candidates()
    index.extend([(str(i), graphic.print_) for i, graphic in enumerate(graphics)])
    chosen = {(int(pair.a), int(pair.b)) for pair in index.pairs()}
    families: dict[str, list[int]] = {}
    for i, graphic in enumerate(graphics):
        families.setdefault(graphic.family, []).append(i)
    candidates = frozenset(chosen)
    chosen |= {(i, j) for some in families.values() for i in some for j in some if i < j}
    for i, j in sorted(chosen):
        a, b = graphics[i], graphics[j]
        label = relation(a, b)
        price = label == "variant" and "price" in a.edit + b.edit + a.master + b.master
        keep = KEEP_DRAWINGS if _is_drawing(a) or _is_drawing(b) else KEEP
        if price or rng.random() < keep[label]:
            about = (a.edit, b.edit, (i, j) in candidates)
            yield Labelled(a.family, a.print_, b.print_, label, WEIGHTS[label], about)


def found_pairs(graphics: list[Known]) -> Iterator[Labelled]:
    """The pairs that a search compares, all of them, and every two copies of one picture.

    Two copies, each edited in its own way, are harder to tell than a copy and its original.
    """
    index = Candidates(threshold=FOUND_FROM, most=FOUND_MOST)
    index.extend([(str(i), graphic.print_) for i, graphic in enumerate(graphics)])
    candidates = frozenset((int(pair.a), int(pair.b)) for pair in index.pairs())
    masters: dict[tuple[str, str], list[int]] = {}
    for i, graphic in enumerate(graphics):
        masters.setdefault((graphic.family, graphic.master), []).append(i)
    copies = {(i, j) for some in masters.values() for i in some for j in some if i < j}
    for i, j in sorted(candidates | copies):
        a, b = graphics[i], graphics[j]
        label = relation(a, b)
        about = (a.edit, b.edit, (i, j) in candidates)
        yield Labelled(f"more {a.family}", a.print_, b.print_, label, WEIGHTS[label], about)


def real_half(path: Path, half: str = "fit") -> Iterator[Labelled]:
    """The real pairs of one half."""
    pairs: Iterable[RealPair] = [pair for pair in real_pairs(path) if pair.half == half]
    prints: dict[Path, Fingerprint] = {}
    for pair in pairs:
        for file in (pair.a, pair.b):
            if file not in prints:
                prints[file] = fingerprint(read_image(file))
        label = "near" if pair.label in NEAR else pair.label
        weight = REAL_WEIGHT * WEIGHTS[label]
        about = (pair.a.name, pair.b.name, True)
        yield Labelled(pair.a.name, prints[pair.a], prints[pair.b], label, weight, about)
