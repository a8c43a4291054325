"""Small pictures of images for pages of pairs."""

import io

from PIL import Image as Pixels

from lowdiff.catalog.tables import Image
from lowdiff.dedupe.prints import Decode
from lowdiff.errors import ContractError, InputError
from lowdiff.pages.sheet import Picture, picture
from lowdiff.store import Store, image_key
from lowdiff.store.keys import preview_key


def thumbnail(
    image: Image, *, store: Store, decode: Decode, longest_px: int, alt: str
) -> Picture | None:
    """The preview that ingest left, else the original made small; None where both are gone."""
    try:
        with Pixels.open(io.BytesIO(store.read(preview_key(image.id)))) as preview:
            return picture(preview.convert("RGB"), longest_px=longest_px, alt=alt)
    except (ContractError, OSError):
        pass  # made before there were previews
    try:
        pixels = decode(store.read(image_key(image.id, image.format)), image.format, image.id)
    except (InputError, ContractError):
        return None
    return picture(pixels, longest_px=longest_px, alt=alt)
