"""From the bytes of an image to what the catalog keeps about it."""

from lowdiff.ingest.decode import read_image, refusing
from lowdiff.ingest.embedded import embedded_metadata
from lowdiff.ingest.facts import Described, ImageFacts
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.pixels import look


def describe_image(
    body: bytes, *, item: str, limits: Limits, preview_px: int | None = None
) -> Described:
    """Decode an image once and tell what it is.

    Args:
        preview_px: also make a preview whose longest side is at most this.

    Raises:
        InputError: it is no image, is broken, or is beyond the limits.
    """
    limits.check_bytes(len(body), item=item)
    image_format, stored, upright = read_image(body, item=item, limits=limits)
    seen = refusing(lambda: look(upright, preview_px=preview_px), item=item)
    facts = ImageFacts(
        format=image_format,
        width_px=upright.size[0],
        height_px=upright.size[1],
        has_alpha=seen.has_alpha,
        pixel_hash=seen.pixel_hash,
        embedded=embedded_metadata(stored, body, image_format),
    )
    return Described(facts, seen.preview)
