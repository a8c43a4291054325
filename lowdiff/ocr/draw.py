"""Draw what was read over the picture: a PNG, or an HTML page whose words can be selected."""

import base64
import html
import io
import math
from pathlib import Path
from statistics import median

from PIL import Image, ImageDraw, ImageFont

from lowdiff.errors import InputError
from lowdiff.ingest.decode import flatten
from lowdiff.ocr.document import REVIEW_BELOW, OcrDocument, Word

SURE_COLOUR, DOUBT_COLOUR, BAD_COLOUR = "#1a7f37", "#b35900", "#c62828"
LABEL_PX = 13
LONGEST_PX = 3000
"""Larger pictures are made smaller in pages, which would become too heavy for a browser; small
ones are not enlarged beyond it."""
SHORTEST_PX = 400
"""Smaller pictures are enlarged, so that the words over them can be read …"""
WORD_PX = 28
"""… and so are those whose words are lower, so that a line of labels fits between the lines."""


def draw_document(document: OcrDocument, rgba: Image.Image, target: Path) -> None:
    """Write the picture with its boxes and words.

    Args:
        rgba: the decoded image, any size; boxes are fitted to it.
        target: ends in `.png` or `.html`.

    Raises:
        InputError: another ending, or the file cannot be written.
    """
    if target.suffix.lower() not in (".png", ".html"):
        raise InputError(
            target,
            "is no picture that can be drawn",
            reason="bad_ending",
            found=repr(target.suffix),
            allowed=".png, .html",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix.lower() == ".png":
            as_picture(document, rgba).save(target)
        else:
            target.write_text(as_page(document, rgba), encoding="utf-8")
    except OSError as error:
        raise InputError(
            target, f"cannot be written ({error.strerror})", reason="unwritable"
        ) from error


def as_picture(document: OcrDocument, rgba: Image.Image) -> Image.Image:
    """RGB: each word's box in the colour of its confidence; above it its text, and how doubtful."""
    times = _enlargement(document, rgba)
    picture = flatten(rgba).resize((rgba.width * times, rgba.height * times))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(LABEL_PX)
    scale = (picture.width / document.width_px, picture.height / document.height_px)
    for word in document.words:
        left, top = word.x_px * scale[0], word.y_px * scale[1]
        right, bottom = left + word.w_px * scale[0], top + word.h_px * scale[1]
        pen.rectangle((left, top, right, bottom), outline=colour(word), width=2)
        label = word.text if word.sure else f"{word.text} {word.confidence:.2f}"
        above = (left, max(0, top - LABEL_PX - 3))
        pen.rectangle(pen.textbbox(above, label, font=font), fill="white")
        pen.text(above, label, fill=colour(word), font=font)
    return picture


def _enlargement(document: OcrDocument, rgba: Image.Image) -> int:
    longest = max(rgba.size)
    heights = [max(1, word.h_px) * rgba.height / document.height_px for word in document.words]
    wanted = [SHORTEST_PX / longest, WORD_PX / median(heights) if heights else 1]
    return max(1, min(math.ceil(max(wanted) - 0.5), LONGEST_PX // longest))


def as_page(document: OcrDocument, rgba: Image.Image) -> str:
    """One self-contained HTML page; each word's confidence shows when it is pointed at."""
    file, shown = io.BytesIO(), flatten(rgba)
    shown.thumbnail((LONGEST_PX, LONGEST_PX))
    shown.save(file, format="PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    boxes = "\n".join(_box(document, word) for word in document.words)
    name = html.escape(document.path or document.image_id)
    words = "1 word" if len(document.words) == 1 else f"{len(document.words)} words"
    review = "a person should look" if document.needs_review else "nothing to look at"
    return f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 15px system-ui, sans-serif; margin: 1.5rem; background: #fff; color: #222; }}
h1 {{ overflow-wrap: anywhere; }}
figure {{ position: relative; display: inline-block; margin: 0; max-width: 100%; }}
img {{ display: block; max-width: 100%; }}
span {{ position: absolute; border: 2px solid; box-sizing: border-box; overflow: hidden;
  color: transparent; }}
</style>
<h1>{name}</h1>
<p>{words}, {review}. <b style="color:{SURE_COLOUR}">Sure</b>,
<b style="color:{DOUBT_COLOUR}">likely</b>, <b style="color:{BAD_COLOUR}">doubtful</b>: point at a
box for its word, confidence and engine.</p>
<figure><img alt="" src="data:image/png;base64,{picture}">
{boxes}
</figure>
<pre>{html.escape(document.text)}</pre>
</html>
"""


def colour(word: Word) -> str:
    """Green when sure, orange when doubtful, red when a person must look."""
    if word.sure:
        return SURE_COLOUR
    return DOUBT_COLOUR if word.confidence >= REVIEW_BELOW else BAD_COLOUR


def _box(document: OcrDocument, word: Word) -> str:
    wide, high = 100 / document.width_px, 100 / document.height_px
    text = html.escape(word.text)
    return (
        f'<span title="{text} {word.confidence:.2f} {word.engine}" style="border-color:'
        f"{colour(word)};left:{word.x_px * wide:.3f}%;top:{word.y_px * high:.3f}%;"
        f'width:{word.w_px * wide:.3f}%;height:{word.h_px * high:.3f}%">{text}</span>'
    )
