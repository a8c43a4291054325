"""Do letters survive? OCR of a reconstruction against OCR of its original, and of drawings against
the words that their prompts quote.

Small pictures are enlarged before they are read, all of them alike. Error rates are edits over the
length of the right text, at most 1; upper and lower case are one.
"""

import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from PIL import Image

from lowdiff.errors import InputError
from lowdiff.evaluation.pixels import Pixels
from lowdiff.ocr.reader import Reader, read_image

READ_PX = 256
"""Smaller pictures are enlarged to this side: engines need letters of some 20 pixels."""
MOST_READ = 16
"""Pictures of each kind: reading takes a second each."""
FEWEST_LETTERS = 3
QUOTED = re.compile(r'"([^"]+)"')
QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


@dataclass(frozen=True)
class Read:
    """What OCR found in a picture."""

    text: str
    sure: bool
    """There are words, and every one of them is surely right."""


ReadPicture = Callable[[Pixels], Read]
"""Reads one picture (h, w, 3)."""


def reading_with(reader: Reader) -> ReadPicture:
    """A function that reads pictures of any size."""

    def read(pixels: Pixels) -> Read:
        picture = Image.fromarray(pixels)
        if max(picture.size) < READ_PX:
            scale = READ_PX / max(picture.size)
            size = tuple(round(side * scale) for side in picture.size)
            picture = picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "PNG", compress_level=1)
        body, image_id = file.getvalue(), sha256(file.getvalue()).hexdigest()
        try:
            found = read_image(body, "png", image_id=image_id, size_px=picture.size, reader=reader)
        except InputError:  # an engine hung on it: it cannot be read
            return Read("", sure=False)
        sure = bool(found.words) and all(word.sure for word in found.words)
        return Read(found.text, sure)

    return read


def retention_figures(
    originals: Pixels, redrawn: Pixels, rows: Sequence[int], read: ReadPicture | None
) -> dict[str, Any]:
    """How much of the surely read words of originals is still read in their reconstructions.

    Args:
        rows: images that may have words.
        read: None where no engine is at hand.

    Returns:
        `cer` (0: all of it), `n` images, `looked_at`; or `skipped`, one sentence.
    """
    if read is None:
        return {"skipped": "no OCR engine is at hand"}
    looked_at = list(rows)[:MOST_READ]
    if not looked_at:
        return {"skipped": "no held-out image has words", "looked_at": 0}
    errors = []
    for row in looked_at:
        before = read(originals[row])
        if before.sure and len(fold(before.text)) >= FEWEST_LETTERS:
            errors.append(error_rate(read(redrawn[row]).text, before.text))
    if not errors:
        side = originals.shape[1]
        why = f"in none of {len(looked_at)} images with words are the words sure at {side} px"
        return {"skipped": why, "looked_at": len(looked_at)}
    return {
        "cer": round(sum(errors) / len(errors), 4),
        "n": len(errors),
        "looked_at": len(looked_at),
        "floor": {"cer": 0.0, "what": "what is read in the originals"},
        "ceiling": {"cer": 1.0, "what": "nothing is read"},
    }


def spelling_figures(
    prompts: Sequence[str], drawn: Pixels, real: Pixels, redrawn: Pixels, read: ReadPicture | None
) -> dict[str, Any]:
    """Three numbers that tell where lettering dies: in real images, in their reconstructions, in
    drawings; each the error rate against the words that the prompts quote.

    Args:
        real: the images whose captions the prompts are.
        redrawn: their reconstructions.
    """
    if read is None:
        return {"skipped": "no OCR engine is at hand"}
    wanted = {row: quoted_words(prompt) for row, prompt in enumerate(prompts)}
    rows = [row for row, words in wanted.items() if words][:MOST_READ]
    if not rows:
        return {"skipped": "no prompt quotes words"}
    chain = {"real": real, "reconstruction": redrawn, "drawn": drawn}
    errors = {
        name: [error_rate(read(pixels[row]).text, wanted[row]) for row in rows]
        for name, pixels in chain.items()
    }
    cer = {name: round(sum(values) / len(rows), 4) for name, values in errors.items()}
    right = {
        name: sum(value == 0 for value in values) / len(rows) for name, values in errors.items()
    }
    return {
        "cer": cer["drawn"],
        "right": round(right["drawn"], 4),
        "n": len(rows),
        "chain": cer,
        "floor": {"cer": cer["real"], "right": 0.0, "what": "the real images of the same prompts"},
        "ceiling": {"cer": 1.0, "right": round(right["real"], 4), "what": "nothing is read"},
    }


def quoted_words(prompt: str) -> str:
    """What a prompt wants to be written."""
    return " ".join(QUOTED.findall(prompt))


def error_rate(found: str, right: str) -> float:
    """Edits over the length of the right text, in [0, 1]; white space, case and the form of quotes
    do not count."""
    from rapidfuzz.distance import Levenshtein

    mine, truth = fold(found), fold(right)
    if not truth:
        return float(bool(mine))
    return min(1.0, Levenshtein.distance(mine, truth) / len(truth))


def fold(text: str) -> str:
    """One form for what reads the same."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(QUOTES).casefold().split())
