"""A dataset version of simple shapes in colours, with captions: as many and as large as asked."""

import random
from datetime import datetime
from typing import Any

from PIL import Image, ImageDraw

from lowdiff.datasets.layout import MANIFEST_FILE, version_folder
from lowdiff.datasets.read import Version, open_version
from lowdiff.workspace import Workspace

COLOURS = ("red", "green", "blue", "orange", "purple", "black", "gold", "teal")
SHAPES = ("circle", "square", "triangle")


def drawn(space: Workspace, catalog: Any, *, count: int, side: int) -> Version:
    """A dataset version of drawn graphics; found again when it is there."""
    from tests.training.drawn import write_dataset

    folder = version_folder(space.datasets, "drawn", 1)
    if (folder / MANIFEST_FILE).is_file():
        return open_version(folder)
    rows = [graphic(seed, side) for seed in range(count)]
    held_out = max(4, count // 20)
    splits: dict[str, Any] = {
        "train": rows[2 * held_out :], "validation": rows[:held_out],
        "test": rows[held_out : 2 * held_out],
    }  # fmt: skip
    return write_dataset(space, catalog, datetime(2026, 1, 1), splits, name="drawn")


def graphic(seed: int, side: int) -> tuple[Image.Image, str]:
    """One to three shapes on a coloured ground, and a caption."""
    dice = random.Random(seed)
    ground = dice.choice(COLOURS)
    picture = Image.new("RGB", (side, side), ground)
    pen = ImageDraw.Draw(picture)
    said = []
    for _ in range(dice.randint(1, 3)):
        shape, colour = dice.choice(SHAPES), dice.choice([c for c in COLOURS if c != ground])
        x, y = (dice.randint(side // 5, side - side // 5) for _ in range(2))
        half = dice.randint(side // 12, side // 5)
        box = (x - half, y - half, x + half, y + half)
        if shape == "circle":
            pen.ellipse(box, fill=colour)
        elif shape == "square":
            pen.rectangle(box, fill=colour)
        else:
            pen.polygon([(x - half, y + half), (x + half, y + half), (x, y - half)], fill=colour)
        said.append(f"a {colour} {shape}")
    text = ", ".join(said)
    return picture, f"{text[0].upper()}{text[1:]}, on a {ground} ground."
