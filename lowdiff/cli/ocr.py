"""`lowdiff ocr`: read the text in images, search it, show a document."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli.output import AsJson, emit, progress, say

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
    image: Annotated[str, typer.Argument(help="Image id, or the start of it.")],
) -> None:
    """Print the OCR document of one image as JSON.

    Example: `lowdiff ocr show 3fa9c1`
    """
    import json

    from lowdiff.ocr.document import to_record
    from lowdiff.ocr.find import document_of
    from lowdiff.ops.project import open_project

    with open_project() as project:
        document = document_of(image, catalog=project.catalog, store=project.store)
    print(json.dumps(to_record(document), ensure_ascii=False, indent=1))


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
