"""`lowdiff ocr`: read the text in images, search it, show a document."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lowdiff.cli.output import AsJson, emit, progress, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as Picture

    from lowdiff.ocr.document import OcrDocument

app = typer.Typer(rich_markup_mode="markdown")


@app.callback(invoke_without_command=True)
def read_all(context: typer.Context, as_json: AsJson = False) -> None:
    """Read the text in every image that was not read yet, into one JSON document each.

    Example: `lowdiff ocr && lowdiff ocr find "sale"`
    """
    if context.invoked_subcommand is not None:
        return
    from lowdiff.catalog.chunks import chunks
    from lowdiff.ocr.read import OcrReport, ocr_stage, open_reader, pending_ocr, read_batch
    from lowdiff.ops.project import open_project

    with open_project() as project:
        settings = project.settings
        reader = open_reader(
            settings.ocr_languages, settings.ocr_engines, timeout_s=settings.ocr_timeout_s
        )
        todo = pending_ocr(project.catalog, ocr_stage(settings.ocr_languages, settings.ocr_engines))
        report = OcrReport()
        with progress("reading text", len(todo)) as advance:
            for batch in chunks(todo, settings.batch_size):
                report += read_batch(
                    batch,
                    catalog=project.catalog,
                    store=project.store,
                    reader=reader,
                    workers=settings.workers,
                    lease_s=settings.lease_s,
                    advance=advance,
                )
    emit(
        asdict(report),
        as_json=as_json,
        text=f"{report.read} images read, {report.with_text} with text ({report.words} words), "
        f"{report.needs_review} to look at, {report.refused} refused",
    )


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="Part of what is written; case does not matter.")],
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """List the images in which a text is written.

    Example: `lowdiff ocr find "sale"`
    """
    from lowdiff.ocr.find import find_text
    from lowdiff.ops.project import open_project

    with open_project() as project:
        hits = find_text(project.catalog, text, limit=limit)
    for hit in hits:
        one_line = " / ".join(hit.text.splitlines())
        emit(asdict(hit), as_json=as_json, text=f"{hit.image_id[:12]}  {one_line}")
    say(f"{len(hits)} images" + (", more may follow: --limit" if len(hits) == limit else ""))


@app.command()
def show(
    image: Annotated[str, typer.Argument(help="An image file, an image id, or the start of one.")],
    out: Annotated[
        Path | None, typer.Option(help="Draw boxes and words into this .png or .html.")
    ] = None,
) -> None:
    """Draw what was read over the picture, or print the OCR document as JSON.

    Example: `lowdiff ocr show 3fa9c1 --out words.html`
    """
    import json

    from lowdiff.ocr.document import to_record
    from lowdiff.ocr.draw import draw_document

    document, picture = _document_and_picture(image)
    if out is None:
        print(json.dumps(to_record(document), ensure_ascii=False, indent=1))
        return
    draw_document(document, picture(), out)
    say(f"{len(document.words)} words drawn into {out}")


def _document_and_picture(image: str) -> "tuple[OcrDocument, Callable[[], Picture]]":
    from lowdiff.ingest.decode import decode, sniff_format
    from lowdiff.ocr.files import read_file
    from lowdiff.ocr.find import document_of, original_of
    from lowdiff.ocr.read import open_reader
    from lowdiff.ops.project import open_project
    from lowdiff.settings import load_settings

    path = Path(image)
    if path.is_file():
        settings = load_settings()
        reader = open_reader(
            settings.ocr_languages, settings.ocr_engines, timeout_s=settings.ocr_timeout_s
        )
        document, body = read_file(path, reader=reader), path.read_bytes()
    else:
        with open_project() as project:
            document = document_of(image, catalog=project.catalog, store=project.store)
            body = original_of(document.image_id, catalog=project.catalog, store=project.store)
    return document, lambda: decode(body, sniff_format(body, item=image), item=image)


@app.command()
def export(
    target: Annotated[
        Path, typer.Argument(help="A .jsonl or .parquet file; a folder for hocr and alto.")
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", help="jsonl, parquet, hocr or alto; default: by the ending."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the documents of all images: merged into one file, or in a format of archives.

    Example: `lowdiff ocr export texts.parquet && lowdiff ocr export alto/ --format alto`
    """
    from typing import cast, get_args

    from lowdiff.errors import InputError
    from lowdiff.ocr.export import Format, documents, export_documents
    from lowdiff.ops.project import open_project

    chosen = form or target.suffix.removeprefix(".")
    if chosen not in get_args(Format):
        raise InputError(
            target,
            "is in no known format",
            reason="bad_format",
            found=repr(chosen),
            allowed=", ".join(get_args(Format)),
            do="Choose one with --format.",
        )
    with open_project() as project:
        found = documents(project.catalog, project.store)
        number = export_documents(found, cast("Format", chosen), target)
    record = {"documents": number, "format": chosen, "path": str(target)}
    emit(record, as_json=as_json, text=f"{number} documents in {target}")


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(help="Image files.")],
    as_json: AsJson = False,
) -> None:
    """Read any image files, without a workspace; with --json one document a line.

    Example: `lowdiff ocr read poster.png --json`
    """
    from lowdiff.errors import InputError
    from lowdiff.ocr.document import to_record
    from lowdiff.ocr.files import read_file
    from lowdiff.ocr.read import open_reader
    from lowdiff.settings import load_settings

    settings = load_settings()
    reader = open_reader(
        settings.ocr_languages, settings.ocr_engines, timeout_s=settings.ocr_timeout_s
    )
    refused: InputError | None = None
    for path in paths:
        try:
            document = read_file(path, reader=reader)
        except InputError as error:
            say(f"error: {error}")
            refused = error
        else:
            text = f"{path}:\n{document.text}" if len(paths) > 1 else document.text
            emit(to_record(document), as_json=as_json, text=text)
    if refused is not None:
        raise typer.Exit(refused.exit_code)
