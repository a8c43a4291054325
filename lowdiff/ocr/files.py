"""Read image files that are in no workspace."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from lowdiff.errors import InputError
from lowdiff.ingest.check import finds_below, shown
from lowdiff.ingest.decoders import Decoders
from lowdiff.ingest.folder import read_path
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.side_by_side import side_by_side
from lowdiff.ocr.document import OcrDocument
from lowdiff.ocr.reader import Reader, read_image
from lowdiff.store import sha256_hex

NO_IMAGE = "not_an_image"


def read_files(
    paths: Sequence[Path], *, reader: Reader, decoders: Decoders, limits: Limits, workers: int
) -> Iterator[OcrDocument | InputError]:
    """A document of each file, or why there is none, in the order of the paths.

    Folders are walked by name; what is no image in them is left out. A path that is not there but
    has a `*`, `?` or `[` in it is a pattern (for shells that leave them as they are).

    Raises:
        ServiceError: an engine or a decoder cannot be started.
    """

    def read(found: Path | InputError) -> OcrDocument | InputError | None:
        if isinstance(found, InputError):
            return found
        try:
            return read_file(found, reader=reader, decoders=decoders, limits=limits)
        except InputError as refusal:
            is_asked_for = found in asked or refusal.reason != NO_IMAGE
            return refusal if is_asked_for else None

    asked = [match for path in paths for match in _matches(path)]
    results = side_by_side(read, finds_below(asked), workers=workers)
    return (result for result in results if result is not None)


def read_file(path: Path, *, reader: Reader, decoders: Decoders, limits: Limits) -> OcrDocument:
    """Read one file; the document tells its `path`.

    It is decoded in a process of its own first: one that hangs or crashes costs only itself.

    Raises:
        InputError: it cannot be opened, is no image, is beyond the limits, or an engine hung or
            crashed on it.
    """
    body = read_path(path, limits=limits)
    facts = decoders.describe(body, item=shown(path), limits=limits).facts
    document = read_image(
        body,
        facts.format,
        image_id=sha256_hex(body),
        size_px=(facts.width_px, facts.height_px),
        reader=reader,
        item=shown(path),
    )
    return document.model_copy(update={"path": shown(path)})


def _matches(path: Path) -> list[Path]:
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    found = glob.glob(str(path), recursive=True)  # noqa: PTH207 -- Path.glob wants it relative
    return [Path(match) for match in sorted(found)] or [path]
