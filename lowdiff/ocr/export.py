"""All documents in one file (JSON Lines, Parquet), or one file each (hOCR, ALTO)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError
from lowdiff.ocr.archive import to_alto, to_hocr
from lowdiff.ocr.document import OcrDocument, from_json, to_record
from lowdiff.ocr.stage import STAGE_NAME
from lowdiff.store import Store

Format = Literal["jsonl", "parquet", "hocr", "alto"]
ROWS_AT_ONCE = 1000
ENDINGS = {"hocr": ".hocr.html", "alto": ".alto.xml"}


def documents(catalog: Catalog, store: Store) -> Iterator[OcrDocument]:
    """The newest document of every image that was read, by image id.

    Raises:
        ContractError: a document is missing, broken, or of an older schema version.
    """
    with catalog.read() as session:
        ids = list(session.scalars(select(Image.id).order_by(Image.id)))
    for some in chunks(ids, ROWS_AT_ONCE):
        with catalog.read() as session:
            payloads = newest_payloads(session, STAGE_NAME, some)
        for image_id in some:
            if image_id in payloads:
                yield from_json(store.read(payloads[image_id]["key"]), item=image_id)


def export_documents(found: Iterator[OcrDocument], form: Format, target: Path) -> int:
    """Write documents; the file appears when it is whole.

    Args:
        target: a file for `jsonl` and `parquet`, a folder for `hocr` and `alto`.

    Returns:
        How many were written.

    Raises:
        InputError: the target cannot be written.
    """
    try:
        if form in ENDINGS:
            return _one_file_each(found, form, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.part")
        number = _write_lines(found, unfinished) if form == "jsonl" else _parquet(found, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise InputError(
            target, f"cannot be written ({error.strerror})", reason="unwritable"
        ) from error
    return number


def _one_file_each(found: Iterator[OcrDocument], form: str, folder: Path) -> int:
    write: Callable[[OcrDocument], str] = to_hocr if form == "hocr" else to_alto
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for document in found:
        path = folder / f"{document.image_id}{ENDINGS[form]}"
        path.write_text(write(document), encoding="utf-8")
        number += 1
    return number


def _write_lines(found: Iterator[OcrDocument], path: Path) -> int:
    number = 0
    with path.open("w", encoding="utf-8") as file:
        for document in found:
            file.write(json.dumps(to_record(document), ensure_ascii=False) + "\n")
            number += 1
    return number


def _parquet(found: Iterator[OcrDocument], path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _arrow_schema()
    number = 0
    with pq.ParquetWriter(path, schema) as file:
        for some in _in_chunks(found):
            rows = [_row(document) for document in some]
            file.write_table(pa.Table.from_pylist(rows, schema=schema))
            number += len(rows)
    return number


def _in_chunks(found: Iterator[OcrDocument]) -> Iterator[list[OcrDocument]]:
    some: list[OcrDocument] = []
    for document in found:
        some.append(document)
        if len(some) == ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _row(document: OcrDocument) -> dict[str, Any]:
    record = to_record(document)
    return {**record, "parameters": json.dumps(record["parameters"], sort_keys=True)}


def _arrow_schema() -> Any:
    import pyarrow as pa

    pixels = ("x_px", "y_px", "w_px", "h_px", "line", "block")
    word = [
        ("text", pa.string()),
        ("confidence", pa.float64()),
        ("sure", pa.bool_()),
        ("engine", pa.string()),
        ("rotation_deg", pa.float64()),
        *((name, pa.int32()) for name in pixels),
    ]
    return pa.schema(
        [
            *((name, pa.string()) for name in ("schema", "image_id", "path")),
            *((name, pa.int32()) for name in ("width_px", "height_px")),
            *((name, pa.string()) for name in ("engine", "engine_version", "parameters")),
            ("languages", pa.list_(pa.string())),
            ("words", pa.list_(pa.struct(word))),
            ("text", pa.string()),
            ("mean_confidence", pa.float64()),
            ("sure_share", pa.float64()),
            ("needs_review", pa.bool_()),
            ("seconds", pa.float64()),
        ]
    )
