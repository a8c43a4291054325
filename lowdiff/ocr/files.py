"""Read image files that are in no workspace."""

from pathlib import Path

from lowdiff.errors import InputError
from lowdiff.ingest.decode import decode, sniff_format
from lowdiff.ocr.document import OcrDocument
from lowdiff.ocr.reader import Reader, read_image
from lowdiff.store import sha256_hex


def read_file(path: Path, *, reader: Reader) -> OcrDocument:
    """Read one file; the document tells its `path`.

    Raises:
        InputError: it cannot be opened, is no image, or the engine hung or crashed on it.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise InputError(
            path, f"cannot be opened ({error.strerror})", reason="unreadable_file"
        ) from error
    image_format = sniff_format(body, item=str(path))
    size_px = decode(body, image_format, item=str(path)).size
    document = read_image(
        body, image_format, image_id=sha256_hex(body), size_px=size_px, reader=reader
    )
    return document.model_copy(update={"path": str(path)})
