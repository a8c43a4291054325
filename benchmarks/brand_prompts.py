"""Which prompts work: pictures of which all is known, a model of them, and readers that score it.

    python -m benchmarks.brand_prompts check
    python -m benchmarks.brand_prompts train FOLDER [--preset demo] [--pictures 1500] [--seed 0]
    python -m benchmarks.brand_prompts score FOLDER RUN_ID [--prompts 160]

`check` proves the readers on real renders: nothing else may be believed before. `train` draws a
set, trains an autoencoder and a denoiser on it and scores what they draw; interrupted, the same
command goes on. Combinations of shape, colour and ground that no picture of the set has are scored
apart. FOLDER/brand_prompts.json holds the figures, FOLDER/brand_prompts.png the drawings: what is
framed in red is wrong in some attribute.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.own_dataset import Captioned, open_known
from benchmarks.prompt_pictures import (
    SIDE_PX,
    Design,
    designs,
    is_held_out,
    png_of,
    render,
)
from benchmarks.prompt_readers import ATTRIBUTES, Pixels, by_value, read, scores, spelled

STEPS, GUIDANCE = 20, 2.0
RENDERED = 600
SPELLED = 60
"""Pictures that OCR reads: a second each."""
SHEET_COLUMNS = 16


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check")
    check.add_argument("--seed", type=int, default=101)
    for name in ("train", "score"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path)
        if name == "score":
            command.add_argument("run")
        command.add_argument("--preset", default="demo")
        command.add_argument("--pictures", type=int, default=1500)
        command.add_argument("--prompts", type=int, default=160, help="of either kind")
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--no-ocr", action="store_true")
    options = parser.parse_args()
    if options.command == "check":
        check_readers(options.seed)
    else:
        train_and_score(options)


def check_readers(seed: int) -> dict[str, Any]:
    """Read real renders of designs drawn by chance; every reader must be right on 98 of 100."""
    dice = random.Random(seed)
    some = dice.sample(designs(), RENDERED)
    pictures = [np.asarray(render(design, dice)) for design in some]
    found: dict[str, Any] = scores(some, pictures)
    letters = open_letters()
    if letters is not None:
        worded = [at for at, design in enumerate(some) if design.word][:SPELLED]
        right, number, error = spelled(
            [some[at] for at in worded], [pictures[at] for at in worded], letters
        )
        found["word"] = (right, number)
        print(f"mean error rate of words {error:.3f}")
    print_shares("real renders", found)
    return found


def train_and_score(options: argparse.Namespace) -> None:
    """Make the set, train where that is asked for, draw and score."""
    from lowdiff.sampling.load_generator import load_generator

    dice = random.Random(options.seed)
    known = [design for design in designs() if not is_held_out(design)]
    shown = dice.sample(known, min(options.pictures, len(known)))
    pictures = [
        Captioned(png_of(render(design, dice)), design.caption, design.shape) for design in shown
    ]
    workspace, catalog, version = open_known(options.folder, pictures, image_px=SIDE_PX)
    if options.command == "train":
        unet, vae = _train(options, workspace, catalog, version)
    else:
        from lowdiff.sampling.find import find_run

        found = find_run(catalog, workspace, "unet", options.run)
        unet, vae = found.folder, found.vae_dir
    generator = load_generator(unet, vae)
    letters = None if options.no_ocr else open_letters()
    report: dict[str, Any] = {"run": unet.name, "trained_on": len(shown)}
    sheets = []
    for kind, wanted in _asked(shown, options.prompts, options.seed).items():
        drawn = _draw(generator, wanted)
        report[kind] = _judge(kind, wanted, drawn, letters)
        sheets.append(_sheet(wanted, drawn))
    _save(options.folder, report, sheets)
    catalog.close()


def open_letters() -> Callable[[Pixels], str] | None:
    """Reads the words in a picture; None where no OCR engine is installed."""
    from lowdiff.errors import ServiceError
    from lowdiff.evaluation.lettering import reading_with
    from lowdiff.ocr.open import open_reader

    try:
        reading = reading_with(open_reader(("eng",), timeout_s=60))
    except ServiceError as error:
        print(f"words are not read: {error}")
        return None
    return lambda pixels: reading(pixels).text


def print_shares(title: str, found: dict[str, tuple[int, int]]) -> None:
    """One line for each attribute."""
    print(title)
    for name, (right, number) in found.items():
        share = right / number if number else 0.0
        print(f"  {name:<12}{share:>8.1%}  {right} of {number}")


def _train(
    options: argparse.Namespace, workspace: Any, catalog: Any, version: Any
) -> tuple[Path, Path]:
    from lowdiff.models.presets import load_preset
    from lowdiff.training.unet import train_unet
    from lowdiff.training.vae import train_vae

    common = {
        "preset": load_preset(options.preset),
        "workspace": workspace,
        "catalog": catalog,
        "seed": options.seed,
        "on_progress": lambda progress: print(f"\r{progress.step} steps", end="", flush=True),
    }
    vae = train_vae(version, **common)
    unet = train_unet(version, vae_dir=vae.folder, **common)
    print(f"\r{vae.run_id} {vae.summary}\n{unet.run_id} {unet.summary}")
    return unet.folder, vae.folder


def _asked(shown: Sequence[Design], number: int, seed: int) -> dict[str, list[Design]]:
    """Designs that were trained on (drawn anew), and combinations that never were."""
    dice = random.Random(seed + 1)
    new = [design for design in designs() if is_held_out(design)]
    return {
        "trained combinations": dice.sample(list(shown), min(number, len(shown))),
        "new combinations": dice.sample(new, min(number, len(new))),
    }


def _draw(generator: Any, wanted: Sequence[Design]) -> list[Pixels]:
    from lowdiff.sampling.settings import Sampling

    pictures = generator.generate(
        [design.caption for design in wanted],
        seeds=list(range(len(wanted))),
        how=Sampling(steps=STEPS, guidance=GUIDANCE),
    )
    return [np.asarray(picture) for picture in pictures]


def _judge(
    kind: str,
    wanted: list[Design],
    drawn: list[Pixels],
    letters: Callable[[Pixels], str] | None,
) -> dict[str, Any]:
    """The share that is right, by attribute and by value, beside what guessing reaches."""
    found = scores(wanted, drawn)
    told: dict[str, Any] = {
        "right": found,
        "guessing": {name: _guess(wanted, drawn, name) for name in ATTRIBUTES},
        "by_value": {name: by_value(wanted, drawn, name) for name in ATTRIBUTES},
    }
    print_shares(kind, found)
    for name, values in told["by_value"].items():
        print(f"    {name}: " + ", ".join(f"{v} {r}/{n}" for v, (r, n) in values.items()))
    print("    guessing: " + ", ".join(f"{k} {v:.0%}" for k, v in told["guessing"].items()))
    if letters is not None:
        at = [row for row, design in enumerate(wanted) if design.word][:SPELLED]
        right, number, error = spelled([wanted[r] for r in at], [drawn[r] for r in at], letters)
        told["word"] = {"right": right, "n": number, "error_rate": round(error, 4)}
        print(f"    words spelled right: {right} of {number}, mean error rate {error:.2f}")
    return told


def _guess(wanted: Sequence[Design], drawn: Sequence[Pixels], attribute: str) -> float:
    """How often the pictures fit when they are dealt to other prompts: what no model falls below
    that only draws the right kind of picture."""
    moved = [*wanted[1:], *wanted[:1]]
    pairs = [(design, read(one)) for design, one in zip(moved, drawn, strict=True)]
    right = sum(seen.get(attribute) == getattr(design, attribute) for design, seen in pairs)
    return round(right / len(pairs), 4)


def _sheet(wanted: Sequence[Design], drawn: Sequence[Pixels]) -> Image.Image:
    """The drawings; framed in red where an attribute is wrong."""
    rows = -(-len(drawn) // SHEET_COLUMNS)
    cell = SIDE_PX + 6
    sheet = Image.new("RGB", (SHEET_COLUMNS * cell, rows * cell), (235, 235, 232))
    for index, (design, pixels) in enumerate(zip(wanted, drawn, strict=True)):
        left, top = index % SHEET_COLUMNS * cell, index // SHEET_COLUMNS * cell
        seen = read(pixels)
        if any(seen.get(name) != getattr(design, name) for name in ATTRIBUTES):
            sheet.paste((200, 50, 30), (left, top, left + cell - 1, top + cell - 1))
        sheet.paste(Image.fromarray(pixels), (left + 3, top + 3))
    return sheet


def _save(folder: Path, report: dict[str, Any], sheets: Sequence[Image.Image]) -> None:
    gap = 12
    height = sum(sheet.height for sheet in sheets) + gap * (len(sheets) - 1)
    whole = Image.new("RGB", (max(sheet.width for sheet in sheets), height), "white")
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height + gap
    whole.save(folder / "brand_prompts.png")
    path = folder / "brand_prompts.json"
    path.write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(f"{path}\n{folder / 'brand_prompts.png'}")


if __name__ == "__main__":
    main()
