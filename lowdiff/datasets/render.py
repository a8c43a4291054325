"""From the original bytes of an image to the PNG that a dataset holds."""

import io

from lowdiff.errors import ContractError, InputError
from lowdiff.ingest.decode import decode, flatten

RENDER = "png-rgb-on-white/1"
"""Part of the recipe of a version: raised by a person when the pixels would change."""


def render_png(body: bytes, image_format: str, *, image_id: str, image_px: int) -> bytes:
    """RGB on white, longest side at most `image_px` (an SVG: exactly), as PNG without metadata.

    Raises:
        ContractError: the store holds other bytes than those that were ingested.
    """
    try:
        picture = flatten(decode(body, image_format, item=image_id, longest_px=image_px))
    except InputError as error:
        raise ContractError(
            image_id,
            f"was accepted by ingest and cannot be rendered now ({error.problem})",
            reason="image_not_renderable",
            do="Compare the store with its backup, or flag the image as unusable.",
        ) from error
    picture.info.clear()  # a colour profile or a comment would go into the file
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=6)
    return file.getvalue()
