"""The light PNGs that annotators see: small, upright, transparency shown as a checkerboard."""

import io
import os
from pathlib import Path
from urllib.parse import quote

from PIL import Image as Pixels

from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.decode import SVG_DEFAULT_PX, decode
from lowdiff.store import Store, image_key

RASTER_PX = 1024
TILE_PX = 16
WHITE, PALE = (255, 255, 255), (238, 238, 238)


def working_copy(image: Image, *, store: Store, folder: Path) -> tuple[int, int]:
    """Write `<folder>/<image id>.png` when it is not there yet.

    Returns:
        Width and height of the copy in pixels; its longest side is at most `RASTER_PX`.

    Raises:
        InputError: the original cannot be decoded.
        ServiceError: the folder cannot be written, or the store cannot be read.
    """
    path = folder / f"{image.id}.png"
    if path.is_file():
        with Pixels.open(path) as present:
            return present.size
    # an SVG at the size that the catalog and OCR know it by; larger ones take long to draw
    longest_px = SVG_DEFAULT_PX if image.format == "svg" else RASTER_PX
    body = store.read(image_key(image.id, image.format))
    pixels = decode(body, image.format, item=image.id, longest_px=longest_px)
    shown = on_checkerboard(pixels) if image.has_alpha else pixels.convert("RGB")
    buffer = io.BytesIO()
    shown.save(buffer, "PNG", compress_level=1)
    _write(path, buffer.getvalue())
    return shown.size


def image_url(path: Path, *, document_root: Path) -> str:
    """The address of a working copy, relative to the Label Studio server.

    Raises:
        InputError: the path does not lie below the document root.
    """
    try:
        inside = path.absolute().relative_to(document_root.absolute())
    except ValueError as error:
        raise InputError(
            path,
            "Label Studio cannot serve this file",
            reason="outside_document_root",
            allowed=f"files below {document_root}",
            do="Set LOWDIFF_LABEL_STUDIO_DOCUMENT_ROOT to a folder above it, as the server has it.",
        ) from error
    return f"/data/local-files/?d={quote(inside.as_posix())}"


def on_checkerboard(pixels: Pixels.Image) -> Pixels.Image:
    """RGB pixels of an RGBA image over pale tiles, so that a person sees what is transparent."""
    tile = Pixels.new("RGB", (2 * TILE_PX, 2 * TILE_PX), WHITE)
    for corner in ((0, 0), (TILE_PX, TILE_PX)):
        tile.paste(PALE, (*corner, corner[0] + TILE_PX, corner[1] + TILE_PX))
    row = Pixels.new("RGB", (pixels.width, 2 * TILE_PX))
    for x in range(0, pixels.width, 2 * TILE_PX):
        row.paste(tile, (x, 0))
    board = Pixels.new("RGB", pixels.size)
    for y in range(0, pixels.height, 2 * TILE_PX):
        board.paste(row, (0, y))
    board.paste(pixels, (0, 0), pixels.getchannel("A"))
    return board


def _write(path: Path, body: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(body)
        aside.replace(path)
    except OSError as error:
        raise ServiceError(
            path,
            f"cannot write a working copy ({error.strerror})",
            reason="folder_not_writable",
            do="Free the disk or mend the permissions, then run the same command again.",
        ) from error
    finally:
        aside.unlink(missing_ok=True)
