"""Images of the corpus as small pictures with the words that belong to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from lowdiff.catalog.images import best_sighting, images_by_id, sightings_of
from lowdiff.errors import ContractError, InputError
from lowdiff.ingest.decode import decode
from lowdiff.pages.sheet import Picture, picture
from lowdiff.report.inputs import Inputs
from lowdiff.store import image_key

UNTITLED = "Untitled graphic"
PIXELS_OF_A_PICTURE_FILE = 40_000_000
"""A sample grid is far smaller; what is larger is not ours."""


@dataclass(frozen=True)
class Shown:
    """One image of the corpus on the page."""

    image_id: str
    picture: Picture
    title: str
    source: str
    licence: str
    attribution: str
    width_px: int
    """Of the original, as in the catalog."""
    height_px: int


def show(inputs: Inputs, image_ids: Iterable[str], *, longest_px: int) -> dict[str, Shown]:
    """Image id → picture and words, in the order asked for.

    An image whose bytes are gone or broken is left out: a report must be possible at any time.
    """
    ids = list(dict.fromkeys(image_ids))
    with inputs.catalog.read() as session:
        images = images_by_id(session, ids)
        sightings = {
            image_id: best_sighting(found) for image_id, found in sightings_of(session, ids).items()
        }
    shown: dict[str, Shown] = {}
    for image_id in ids:
        row, sighting = images.get(image_id), sightings.get(image_id)
        if row is None:
            continue
        title = (sighting and (sighting.title or sighting.alt_text)) or UNTITLED
        try:
            body = inputs.store.read(image_key(image_id, row.format))
            pixels = decode(body, row.format, item=image_id, longest_px=longest_px)
        except (InputError, ContractError):
            continue
        shown[image_id] = Shown(
            image_id=image_id,
            picture=picture(pixels, longest_px=longest_px, alt=title),
            title=title,
            source=sighting.source if sighting else "",
            licence=sighting.licence if sighting else "",
            attribution=sighting.attribution if sighting else "",
            width_px=row.width_px,
            height_px=row.height_px,
        )
    return shown


def show_file(path: Path, *, longest_px: int, alt: str) -> Picture | None:
    """A picture file of a run folder; None where it is missing, foreign or broken."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > PIXELS_OF_A_PICTURE_FILE:
                return None
            return picture(image, longest_px=longest_px, alt=alt)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
        return None
